"""Typed terms become a condition of SQL.

Only the names of columns, from a closed list, become text of the statement; every value travels
apart from it as a typed parameter, which ClickHouse never parses as SQL.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from earwitness.query.language import Place, Span, Term, Value
from models.fields import microseconds

Parameter = str | int | list[str] | list[int]

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far an access may lie after the instant at which the broker received it."""


class Condition(NamedTuple):
    """A boolean expression over the columns of the view `trail`, and the values of its parameters."""

    sql: str
    parameters: Mapping[str, Parameter]


class Parameters:
    """Collects values and gives each the placeholder that stands for it in the statement.

    `prefix` keeps the names of two collections for one statement apart.
    """

    def __init__(self, prefix: str = "p") -> None:
        self._prefix = prefix
        self.values: dict[str, Parameter] = {}

    def add(self, value: Parameter, kind: str) -> str:
        """Keep `value` as a parameter of the ClickHouse type `kind`; give its placeholder."""
        name = f"{self._prefix}{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"

    def instant(self, moment: datetime) -> str:
        """Keep an instant; give the expression for it, exact to the microsecond."""
        return f"fromUnixTimestamp64Micro({self.add(microseconds(moment), 'Int64')}, 'UTC')"


def condition_of(
    terms: Iterable[Term], *, since: datetime | None, until: datetime | None, prefix: str = "p"
) -> Condition:
    """Compile terms and an interval of event time (`since` included, `until` not) into one condition.

    `prefix` keeps the parameters of two conditions of one statement apart.
    """
    parameters = Parameters(prefix)
    parts = [_term(term, parameters) for term in terms]
    if since is not None:
        instant = parameters.instant(since)
        parts.append(f"time >= {instant}")
        parts.append(f"received_day >= {day_before(since, parameters)}")
    if until is not None:
        parts.append(f"time < {parameters.instant(until)}")
    return Condition(" AND ".join(parts) or "1", parameters.values)


def day_before(since: datetime, parameters: Parameters) -> str:
    """Name the first day on which an access at or after `since` can have been received.

    The table is partitioned by that day, so this is what spares ClickHouse from opening older ones.
    A Date begins in 1970; nothing was received before.
    """
    seconds = max(0, microseconds(since - CLOCK_TOLERANCE) // 1_000_000)
    return f"toDate(toDateTime({parameters.add(seconds, 'Int64')}, 'UTC'))"


def _term(term: Term, parameters: Parameters) -> str:
    match term.field.kind:
        case "instant":
            found = _any_of(_within(term.field.name, value, parameters) for value in term.values)
        case "position":
            found = _any_of(_at(value, parameters) for value in term.values)
        case "list":
            found = _listed(term.field.name, term.values, parameters)
        case "number":
            found = _numbered(term, parameters)
        case "flag":
            flags = [int(value is True) for value in term.values]
            found = f"{term.field.name} IN {parameters.add(flags, 'Array(UInt8)')}"
        case "uuid":
            found = f"id IN {parameters.add(_texts(term.values), 'Array(UUID)')}"
        case _:
            found = f"{term.field.name} IN {parameters.add(_texts(term.values), 'Array(String)')}"
    return f"NOT ({found})" if term.negated else f"({found})"


def _texts(values: Sequence[Value]) -> list[str]:
    """Absent text is stored as the empty string."""
    return ["" if value is None else str(value) for value in values]


def _numbered(term: Term, parameters: Parameters) -> str:
    """Absent numbers are null where the column can hold that, else 0."""
    name = term.field.name
    numbers = [int(value) for value in term.values if isinstance(value, int)]
    if not term.field.nullable:
        absent = [0] * (None in term.values)
        return f"{name} IN {parameters.add(numbers + absent, 'Array(Int64)')}"
    found = f"ifNull({name} IN {parameters.add(numbers, 'Array(Int64)')}, 0)"
    return f"{found} OR isNull({name})" if None in term.values else found


def _listed(name: str, values: Sequence[Value], parameters: Parameters) -> str:
    """A list is found by any of its elements; an absent one has none."""
    texts = [str(value) for value in values if value is not None]
    found = f"hasAny({name}, {parameters.add(texts, 'Array(String)')})"
    return f"{found} OR empty({name})" if None in values else found


def _within(name: str, value: Value, parameters: Parameters) -> str:
    if not isinstance(value, Span):
        msg = f"{name} is looked for by {value!r}, not by a span of time"
        raise TypeError(msg)
    return f"{name} BETWEEN {parameters.instant(value.begin)} AND {parameters.instant(value.end)}"


def _at(value: Value, parameters: Parameters) -> str:
    if not isinstance(value, Place):
        msg = f"a position is looked for by {value!r}"
        raise TypeError(msg)
    topic = parameters.add(value.topic, "String")
    partition = parameters.add(value.partition, "Int64")
    offset = parameters.add(value.offset, "Int64")
    return f"topic = {topic} AND partition = {partition} AND offset = {offset}"


def _any_of(alternatives: Iterable[str]) -> str:
    return " OR ".join(f"({alternative})" for alternative in alternatives)
