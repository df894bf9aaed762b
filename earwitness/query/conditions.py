"""Conditions of SQL, and the values that travel apart from them as typed parameters."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from models.fields import EPOCH, microseconds

Parameter = str | int | list[str] | list[int]

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far an access may lie after the instant at which the broker received it."""

_LAST_DAY: Final = datetime(2149, 6, 6, tzinfo=UTC)


class Condition(NamedTuple):
    """A boolean expression over the columns of a view, and the values of its parameters."""

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

    def day(self, moment: datetime) -> str:
        """Keep the day of an instant, or the nearest that the store's type for days can name."""
        return self.add(min(max(EPOCH, moment), _LAST_DAY).date().isoformat(), "Date")


def day_before(since: datetime, parameters: Parameters) -> str:
    """Name the first day on which an access at or after `since` can have been received.

    The table is partitioned by that day, so this is what spares ClickHouse from opening older ones.
    """
    return parameters.day(since - CLOCK_TOLERANCE)


def both(one: Condition, other: Condition) -> Condition:
    """Say that both hold; their parameters must have different names."""
    return Condition(f"{one.sql} AND {other.sql}", {**one.parameters, **other.parameters})
