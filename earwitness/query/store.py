"""The seam between a question and the store that answers it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from earwitness.query.conditions import Parameter
from models.errors import QueryRejected, SinkUnavailable


class TooSlow(QueryRejected):
    """The question ran longer than it may, and was stopped. Narrow it."""


class AnswerTooLarge(QueryRejected):
    """The question needs more memory, or its answer more bytes, than it may. Narrow it."""


class Busy(SinkUnavailable):
    """As many questions run as may, and none ended in time. Ask again a little later."""


class Answer(NamedTuple):
    """Rows as tuples in the order of `columns`; `types` are ClickHouse's names of their types."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    def records(self) -> Iterator[dict[str, Any]]:
        """Give each row by the names of its columns."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


class Store(Protocol):
    """Answers statements. Knows nothing of what they mean."""

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Run one statement with its typed parameters; `limits` are ClickHouse settings for it alone.

        Raises `SinkUnavailable` (ask again) or `QueryRejected` (ask otherwise).
        """


class StreamingStore(Store, Protocol):
    """A store that can also give more rows than one answer holds."""

    def stream(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Run one statement and give its rows as they arrive. Raises as `ask` does, also between rows."""
