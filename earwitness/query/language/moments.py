"""Times as a query names them: an instant, a day, or one that is relative to when it is asked."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from earwitness.query.language.faults import Unreadable, short
from earwitness.query.language.limits import LONGEST_AGO_DAYS
from earwitness.query.moments import AGO, UNITS, parse_day
from models.fields import EARLIEST_TIME, LATEST_TIME, parse_time

HINT: Final = "write 2026-11-01, 2026-11-01T09:30:00Z, -7d, -90m, today, yesterday or now"

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_WITHOUT_OFFSET = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?P<seconds>:[0-9]{2}(\.[0-9]+)?)?"
)


class Span(NamedTuple):
    """The instants from `begin` to `end`, both included."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant, aware."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """All instants of one day in UTC."""

    day: date


@dataclass(frozen=True, slots=True)
class Ago:
    """The instant that lies so long before the query is asked; `unit` is one of s, m, h, d, w."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Now:
    """The instant at which the query is asked."""


@dataclass(frozen=True, slots=True)
class NearDay:
    """The day, in UTC, on which the query is asked, or the day before."""

    name: Literal["today", "yesterday"]


Moment = Instant | Day | Ago | Now | NearDay


def read_moment(text: str) -> Moment:
    """Read a time. Raises `Unreadable` where it is none."""
    match text:
        case "now":
            return Now()
        case "today" | "yesterday":
            return NearDay(text)
    if (ago := AGO.fullmatch(text)) is not None:
        return _ago(int(ago["count"]), ago["unit"])
    if (day := parse_day(text)) is not None:
        return Day(_held(day).date())
    if (local := _WITHOUT_OFFSET.fullmatch(text)) is not None:
        whole = text.replace(" ", "T") + ("Z" if local["seconds"] else ":00Z")
        raise Unreadable("a time needs its offset from UTC", "", whole)
    try:
        return Instant(_held(parse_time(text)))
    except ValueError as error:
        raise Unreadable(f"{short(text)!r} is no time", HINT) from error


def write_moment(moment: Moment) -> str:
    """Write a time as `read_moment` reads it back."""
    match moment:
        case Instant(at):
            return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case Day(day):
            return day.isoformat()
        case Ago(count, unit):
            return f"-{count}{unit}"
        case Now():
            return "now"
        case NearDay(name):
            return name


def fixed_moment(moment: Moment, now: datetime) -> Instant | Day:
    """Give the absolute time that is meant by `moment` when it is asked at `now`."""
    match moment:
        case Instant() | Day():
            return moment
        case Ago(count, unit):
            return Instant(_not_before_all(now, timedelta(**{UNITS[unit]: count})))
        case Now():
            return Instant(now)
        case NearDay("today"):
            return Day(now.astimezone(UTC).date())
        case NearDay():
            return Day(_not_before_all(now, _DAY).astimezone(UTC).date())


def span_of(moment: Instant | Day) -> Span:
    """Give the first and the last instant of an absolute time."""
    if isinstance(moment, Instant):
        return Span(moment.at, moment.at)
    begin = datetime(moment.day.year, moment.day.month, moment.day.day, tzinfo=UTC)
    return Span(begin, begin + _DAY - _MICROSECOND)


def _ago(count: int, unit: str) -> Ago:
    if timedelta(**{UNITS[unit]: count}) > timedelta(days=LONGEST_AGO_DAYS):
        raise Unreadable(f"-{count}{unit} reaches back further than a hundred years")
    return Ago(count, unit)


def _held(moment: datetime) -> datetime:
    if not EARLIEST_TIME <= moment <= LATEST_TIME:
        raise Unreadable("a time must lie in the years 1900 to 2299")
    return moment


def _not_before_all(now: datetime, ago: timedelta) -> datetime:
    return max(EARLIEST_TIME, now - ago)
