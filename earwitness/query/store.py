"""The seam between a question and the store that answers it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from earwitness.query.conditions import Parameter


class Answer(NamedTuple):
    """Rows as tuples in the order of `columns`; `types` are ClickHouse's names of their types."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


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
