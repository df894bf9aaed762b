"""What a query says of time: when it is asked made part of it, and how far back it reaches."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from earwitness.query.language.fields import FIELDS
from earwitness.query.language.moments import Day, Instant, Moment, Span, fixed_moment, span_of
from earwitness.query.language.tree import (
    EVERYTHING,
    All,
    AnyOf,
    Between,
    Bound,
    Compared,
    During,
    FreeText,
    Not,
    Query,
    Term,
    Value,
    all_of,
    leaves,
)

_MICROSECOND: Final = timedelta(microseconds=1)


class Reach(NamedTuple):
    """The instants that can matter, from `begin` to `end`, both included; None is without a bound."""

    begin: datetime | None
    end: datetime | None


_ALL_TIME: Final = Reach(None, None)


def between(since: datetime | None, until: datetime | None) -> Query:
    """Ask for the accesses from `since` (included) up to `until` (not), by event time."""
    bounds: list[Query] = []
    if since is not None:
        bounds.append(Term(FIELDS["time"], (Compared(">=", Instant(since)),)))
    if until is not None:
        bounds.append(Term(FIELDS["time"], (Compared("<", Instant(until)),)))
    return all_of(bounds) if bounds else EVERYTHING


def until_now(now: datetime) -> Query:
    """Ask for the accesses up to an instant, itself included."""
    return Term(FIELDS["time"], (Compared("<=", Instant(now)),))


def received_until(now: datetime) -> Query:
    """Ask for the accesses that the broker had at an instant: what comes later changes no answer."""
    return Term(FIELDS["received_at"], (Compared("<=", Instant(now)),))


def names_a_time(query: Query) -> bool:
    """Say whether a query asks for a time of any kind; one that does not is meant of the last day."""
    return any(isinstance(leaf, Term) and leaf.field.kind == "instant" for leaf in leaves(query))


def fixed(query: Query, now: datetime) -> Query:
    """Give the query that means the same at any time as `query` does at `now`."""
    match query:
        case Term(field, values):
            return Term(field, tuple(dict.fromkeys(_fixed_value(value, now) for value in values)))
        case FreeText():
            return query
        case Not(part):
            return Not(fixed(part, now))
        case All(parts):
            return All(tuple(fixed(part, now) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(fixed(part, now) for part in parts))


def reach(query: Query, name: str) -> Reach:
    """Give the span in which the instant `name` of every access that a fixed query finds must lie.

    It may be wider than it need be, never narrower.
    """
    match query:
        case Term(field, values) if field.name == name:
            return _hull(map(reach_of, values))
        case All(parts):
            return _overlap(map(partial(reach, name=name), parts))
        case AnyOf(parts):
            return _hull(map(partial(reach, name=name), parts))
        case _:
            return _ALL_TIME


def reach_of(value: Value) -> Reach:  # noqa: PLR0911 - one way for each kind
    """Give the span that one value of an instant means."""
    match value:
        case During(moment):
            span = absolute(moment)
            return Reach(span.begin, span.end)
        case Between(first, last):
            return Reach(absolute(first).begin, absolute(last).end)
        case Compared(">=", bound):
            return Reach(absolute(bound).begin, None)
        case Compared(">", bound):
            return Reach(absolute(bound).end + _MICROSECOND, None)
        case Compared("<=", bound):
            return Reach(None, absolute(bound).end)
        case Compared("<", bound):
            return Reach(None, absolute(bound).begin - _MICROSECOND)
        case _:
            return _ALL_TIME


def absolute(bound: Bound) -> Span:
    """Give the span of a bound in time. Raises TypeError where it is relative, or a number."""
    if not isinstance(bound, Instant | Day):
        msg = f"{bound!r} has no place in time"
        raise TypeError(msg)
    return span_of(bound)


def _fixed_value(value: Value, now: datetime) -> Value:
    match value:
        case During(moment):
            return During(fixed_moment(moment, now))
        case Compared(sign, bound):
            return Compared(sign, _fixed_bound(bound, now))
        case Between(first, last):
            return Between(_fixed_bound(first, now), _fixed_bound(last, now))
        case _:
            return value


def _fixed_bound(bound: int | Moment, now: datetime) -> Bound:
    return bound if isinstance(bound, int) else fixed_moment(bound, now)


def _overlap(reaches: Iterable[Reach]) -> Reach:
    found = list(reaches)
    begins = [one.begin for one in found if one.begin is not None]
    ends = [one.end for one in found if one.end is not None]
    return Reach(max(begins, default=None), min(ends, default=None))


def _hull(reaches: Iterable[Reach]) -> Reach:
    found = list(reaches)
    begins = [one.begin for one in found if one.begin is not None]
    ends = [one.end for one in found if one.end is not None]
    return Reach(
        min(begins, default=None) if len(begins) == len(found) else None,
        max(ends, default=None) if len(ends) == len(found) else None,
    )
