"""Statements one after the other on one connection, whose outcome is known in time or said to be unknown."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from typing import Any, Final

from models.errors import SinkRejected, SinkUnavailable
from sinks.clickhouse.client import ClickHouse

ANSWER_WITHIN_S: Final = 15


class OneThread:
    """Runs statements in one thread, so through one connection and in order.

    `late` and `refused` begin the errors: "the search was not saved", "the search could not be saved".
    """

    def __init__(self, clickhouse: ClickHouse, name: str, *, late: str, refused: str) -> None:
        self._clickhouse = clickhouse
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._late = late
        self._refused = refused

    def run(
        self,
        statement: str,
        rows: list[tuple[Any, ...]] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - the driver's types
        """Run one statement. Raises `SinkUnavailable` where nothing is known to be durable."""
        running = self._thread.submit(self._clickhouse.execute, statement, rows, settings=settings)
        try:
            return running.result(timeout=ANSWER_WITHIN_S)
        except TooLong as error:
            running.cancel()
            raise SinkUnavailable(f"{self._late} within {ANSWER_WITHIN_S} s") from error
        except SinkRejected as error:
            raise SinkUnavailable(f"{self._refused}: {error}") from error

    def insert(
        self, into: str, rows: list[tuple[Any, ...]], settings: Mapping[str, Any] | None = None
    ) -> None:
        """Put rows into a table (its name and columns), and return once they are durable. Raises as `run`."""
        self.run(f"INSERT INTO {into} VALUES", rows, {"async_insert": 0, **(settings or {})})

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.shutdown()
        self._clickhouse.close()
