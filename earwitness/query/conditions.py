"""Conditions of SQL, and the values that travel apart from them as typed parameters."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from models.fields import microseconds

Parameter = str | int | list[str] | list[int]


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
