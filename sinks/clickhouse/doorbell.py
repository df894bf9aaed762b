"""Whether ClickHouse is there, has the tables, and lets this process in; asked several times a second."""

from types import TracebackType
from typing import Final, Self

from sinks.clickhouse.client import Address, ClickHouse

ANSWER_WITHIN_S: Final = 2.0
"""How long one answer is waited for; then ClickHouse is asked anew on another connection."""


class Doorbell:
    """Rings on a connection of its own, and leaves no trace in the server's log of queries."""

    def __init__(self, address: Address, table: str) -> None:
        self._clickhouse = ClickHouse(address, ANSWER_WITHIN_S)
        self._question = f"SELECT 1 FROM {table} LIMIT 0"  # noqa: S608 - a table of ours

    def ring(self) -> None:
        """Ask. Raises `SinkUnavailable` or `SinkRejected`."""
        self._clickhouse.execute(self._question, settings={"log_queries": 0})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clickhouse.close()
