"""What a query means, said a second time: a row and a tree in, yes or no out. Nothing here knows SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from earwitness.query.language.fields import SEARCHED_IDS, Field
from earwitness.query.language.moments import Moment, fixed_moment, span_of
from earwitness.query.language.tree import (
    Absent,
    All,
    AnyOf,
    Between,
    Bound,
    Compared,
    During,
    Flag,
    FreeText,
    Not,
    Number,
    Position,
    Prefix,
    Present,
    Query,
    Term,
    Text,
    Value,
)

Row = Mapping[str, Any]
"""A row of the trail by its columns: absent texts and numbers None, instants aware."""

_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")


def holds(query: Query, row: Row, now: datetime) -> bool:
    match query:
        case Term(field, values):
            return any(_has(field, value, row, now) for value in values)
        case FreeText(text):
            return any(_lower(text) in _lower(row[name] or "") for name in SEARCHED_IDS)
        case Not(part):
            return not holds(part, row, now)
        case All(parts):
            return all(holds(part, row, now) for part in parts)
        case AnyOf(parts):
            return any(holds(part, row, now) for part in parts)


def _has(field: Field, value: Value, row: Row, now: datetime) -> bool:
    if isinstance(value, Position):
        return (row["topic"], row["partition"], row["offset"]) == (value.topic, value.partition, value.offset)
    found = row[field.name]
    if isinstance(value, Absent | Present):
        return (found is None or found == []) == isinstance(value, Absent)
    if isinstance(found, list):
        return any(_is(value, one, now) for one in found)
    return found is not None and _is(value, found, now)


def _is(value: Value, found: Any, now: datetime) -> bool:  # noqa: PLR0911 - one way for each kind
    match value:
        case Text(text):
            return bool(found == text)
        case Prefix(text):
            return bool(found.startswith(text))
        case Number(number):
            return bool(found == number)
        case Flag(flag):
            return bool(found == flag)
        case During(moment):
            return _begin(moment, now) <= found <= _end(moment, now)
        case Between(first, last):
            return bool(_begin(first, now) <= found <= _end(last, now))
        case Compared(sign, bound):
            return {
                ">=": found >= _begin(bound, now),
                ">": found > _end(bound, now),
                "<=": found <= _end(bound, now),
                "<": found < _begin(bound, now),
            }[sign]
        case _:
            raise AssertionError(value)


def _begin(bound: Bound, now: datetime) -> Any:
    return bound if isinstance(bound, int) else _span(bound, now).begin


def _end(bound: Bound, now: datetime) -> Any:
    return bound if isinstance(bound, int) else _span(bound, now).end


def _span(moment: Moment, now: datetime) -> Any:
    return span_of(fixed_moment(moment, now))


def _lower(text: str) -> bytes:
    return text.encode().translate(_LOWER)
