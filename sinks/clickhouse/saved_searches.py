"""Where saved searches are kept: a row for each change, and none is ever rewritten."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from typing import Final

from models.errors import SinkRejected, SinkUnavailable
from sinks.clickhouse.client import ClickHouse

WRITE_TIMEOUT_S: Final = 15


class SavedSearchLog:
    """A sink for saved searches. Its writes go through one thread, so through one connection, of its own."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="searches")

    def write(self, name: str, query: str, saved_by: str) -> None:
        """Save a query under a name, or with an empty one delete the name; return once that is durable.

        Raises `SinkUnavailable` where it is not known to be.
        """
        writing = self._thread.submit(self._insert, name, query, saved_by)
        try:
            writing.result(timeout=WRITE_TIMEOUT_S)
        except TooLong as error:
            writing.cancel()
            raise SinkUnavailable(f"the search was not saved within {WRITE_TIMEOUT_S} s") from error
        except SinkRejected as error:
            raise SinkUnavailable(f"the search could not be saved: {error}") from error

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.shutdown()
        self._clickhouse.close()

    def _insert(self, name: str, query: str, saved_by: str) -> None:
        self._clickhouse.execute(
            "INSERT INTO saved_search_log (name, query, saved_by) VALUES",
            [(name, query, saved_by)],
            settings={"async_insert": 0},
        )
