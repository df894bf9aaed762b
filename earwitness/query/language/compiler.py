"""A query becomes a condition of SQL.

Only the names of columns, from a closed list, become text of the statement; every value travels
apart from it as a typed parameter, which ClickHouse never parses as SQL. The text depends on the
shape of the query alone: its fields, and which kinds of values they have.

Columns are compared as they are, never through a function where that can be helped, so that
ClickHouse finds its indexes. NULL never comes out of a condition: its negation would be NULL too.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from earwitness.query.conditions import CLOCK_TOLERANCE, Condition, Parameters
from earwitness.query.language.fields import SEARCHED_IDS, Field, FieldKind
from earwitness.query.language.times import absolute, reach
from earwitness.query.language.tree import (
    Absent,
    All,
    AnyOf,
    Between,
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

_NOTHING_RESTRICTED: Final = "1"
_PART_OF_A_UUID: Final = re.compile(r"[0-9A-Fa-f-]+")


def condition_of(query: Query, prefix: str = "p") -> Condition:
    """Compile a query without relative times (see `fixed`) into a condition on the view `trail`.

    `prefix` keeps the parameters of two conditions of one statement apart.
    """
    parameters = Parameters(prefix)
    parts = [] if query == All(()) else [_of(query, parameters)]
    parts += _days(query, parameters)
    return Condition(" AND ".join(parts) or _NOTHING_RESTRICTED, parameters.values)


def _days(query: Query, parameters: Parameters) -> list[str]:
    """Name the days on which what the query finds can have been received.

    The table is partitioned by that day, so this spares ClickHouse from opening other ones. An access
    is received at most CLOCK_TOLERANCE before its own time, and any time after it.
    """
    happened, received = reach(query, "time"), reach(query, "received_at")
    begins = [received.begin] if received.begin else []
    if happened.begin:
        begins.append(happened.begin - CLOCK_TOLERANCE)
    days = []
    if begins:
        days.append(f"received_day >= {parameters.day(max(begins))}")
    if received.end:
        days.append(f"received_day <= {parameters.day(received.end)}")
    return days


def _of(query: Query, parameters: Parameters) -> str:
    match query:
        case Term(field, values):
            return f"({_COMPILERS[field.kind](field, values, parameters)})"
        case FreeText(text):
            return f"({_free_text(text, parameters)})"
        case Not(part):
            return f"NOT {_of(part, parameters)}"
        case All(parts):
            return f"({' AND '.join(_of(part, parameters) for part in parts)})"
        case AnyOf(parts):
            return f"({' OR '.join(_of(part, parameters) for part in parts)})"


def _free_text(text: str, parameters: Parameters) -> str:
    """Look into every id; into that of the access for what it can contain alone: writing it out is slow."""
    wanted = parameters.add(text, "String")
    may_be_of_uuid = parameters.add(int(_PART_OF_A_UUID.fullmatch(text) is not None), "UInt8")
    return " OR ".join(
        f"({may_be_of_uuid} AND positionCaseInsensitive(toString(id), {wanted}) > 0)"
        if name == "id"
        else f"positionCaseInsensitive({name}, {wanted}) > 0"
        for name in SEARCHED_IDS
    )


def _text(field: Field, values: Sequence[Value], parameters: Parameters) -> str:
    """Absent text is stored as the empty string."""
    texts = [""] * (Absent() in values) + [value.text for value in values if isinstance(value, Text)]
    parts = [f"{field.name} IN {parameters.add(texts, 'Array(String)')}"] if texts else []
    parts += [
        f"startsWith({field.name}, {parameters.add(beginning, 'String')})" for beginning in _prefixes(values)
    ]
    parts += [f"{field.name} != ''"] * (Present() in values)
    return " OR ".join(parts)


def _choice(field: Field, values: Sequence[Value], parameters: Parameters) -> str:
    """A beginning means the choices that have it, for which there may be an index."""
    texts = [value.text for value in values if isinstance(value, Text)]
    begun = [choice for choice in field.choices if choice.startswith(tuple(_prefixes(values)))]
    return f"{field.name} IN {parameters.add(list(dict.fromkeys(texts + begun)), 'Array(String)')}"


def _uuid(field: Field, values: Sequence[Value], parameters: Parameters) -> str:
    texts = [value.text for value in values if isinstance(value, Text)]
    parts = [f"{field.name} IN {parameters.add(texts, 'Array(UUID)')}"] if texts else []
    parts += [
        f"startsWith(toString({field.name}), {parameters.add(beginning, 'String')})"
        for beginning in _prefixes(values)
    ]
    return " OR ".join(parts)


def _list(field: Field, values: Sequence[Value], parameters: Parameters) -> str:
    """A list is found by any of its elements; an absent one has none."""
    texts = [value.text for value in values if isinstance(value, Text)]
    parts = [f"hasAny({field.name}, {parameters.add(texts, 'Array(String)')})"] if texts else []
    parts += [
        f"arrayExists(element -> startsWith(element, {parameters.add(beginning, 'String')}), {field.name})"
        for beginning in _prefixes(values)
    ]
    parts += [f"empty({field.name})"] * (Absent() in values)
    parts += [f"notEmpty({field.name})"] * (Present() in values)
    return " OR ".join(parts)


def _flag(field: Field, values: Sequence[Value], parameters: Parameters) -> str:
    wanted = [int(value.holds) for value in values if isinstance(value, Flag)]
    return f"{field.name} IN {parameters.add(wanted, 'Array(UInt8)')}"


def _number(field: Field, values: Sequence[Value], parameters: Parameters) -> str:
    """An absent number is null where the column can hold that; else 0, which is then no number."""
    name = field.name
    numbers = [value.number for value in values if isinstance(value, Number)]
    found = [f"{name} IN {parameters.add(numbers, 'Array(Int64)')}"] if numbers else []
    sides = [_side(name, value, parameters) for value in values if isinstance(value, Compared | Between)]
    known = _any_of(found + sides)
    if known:
        known = {"null": f"ifNull({known}, 0)", "zero": f"{name} != 0 AND ({known})"}.get(
            field.absence, known
        )
    absent = {"null": f"isNull({name})", "zero": f"{name} = 0"}.get(field.absence, "0")
    present = {"null": f"isNotNull({name})", "zero": f"{name} != 0"}.get(field.absence, "1")
    return _any_of(
        [known] * bool(known) + [absent] * (Absent() in values) + [present] * (Present() in values)
    )


def _side(name: str, value: Compared | Between, parameters: Parameters) -> str:
    def number(bound: object) -> str:
        if not isinstance(bound, int):
            msg = f"{name} is compared with {bound!r}, which is no number"
            raise TypeError(msg)
        return parameters.add(bound, "Int64")

    if isinstance(value, Compared):
        return f"{name} {value.sign} {number(value.bound)}"
    return f"{name} BETWEEN {number(value.first)} AND {number(value.last)}"


def _instant(field: Field, values: Sequence[Value], parameters: Parameters) -> str:
    return _any_of(_when(field.name, value, parameters) for value in values)


def _when(name: str, value: Value, parameters: Parameters) -> str:
    """Compare with the first or last instant of a day, whichever its sign means."""
    instant = parameters.instant
    match value:
        case Compared(">=" | "<" as sign, bound):
            return f"{name} {sign} {instant(absolute(bound).begin)}"
        case Compared(sign, bound):
            return f"{name} {sign} {instant(absolute(bound).end)}"
        case During(moment):
            span = absolute(moment)
            return f"{name} BETWEEN {instant(span.begin)} AND {instant(span.end)}"
        case Between(first, last):
            return f"{name} BETWEEN {instant(absolute(first).begin)} AND {instant(absolute(last).end)}"
        case _:
            msg = f"{name} is looked for by {value!r}, which is no time"
            raise TypeError(msg)


def _position(_: Field, values: Sequence[Value], parameters: Parameters) -> str:
    places = [value for value in values if isinstance(value, Position)]
    return _any_of(
        f"topic = {parameters.add(place.topic, 'String')}"
        f" AND partition = {parameters.add(place.partition, 'Int64')}"
        f" AND offset = {parameters.add(place.offset, 'Int64')}"
        for place in places
    )


def _prefixes(values: Sequence[Value]) -> list[str]:
    return [value.text for value in values if isinstance(value, Prefix)]


def _any_of(alternatives: Iterable[str]) -> str:
    return " OR ".join(f"({alternative})" for alternative in alternatives)


_COMPILERS: Final[Mapping[FieldKind, Callable[[Field, Sequence[Value], Parameters], str]]] = {
    "text": _text,
    "choice": _choice,
    "uuid": _uuid,
    "list": _list,
    "flag": _flag,
    "number": _number,
    "instant": _instant,
    "position": _position,
}
