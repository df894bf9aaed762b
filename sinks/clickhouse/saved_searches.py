"""Where saved searches are kept: a row for each change, and none is ever rewritten."""

from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.one_thread import OneThread


class SavedSearchLog:
    """A sink for saved searches. Its writes go through one thread, so through one connection, of its own."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._thread = OneThread(
            clickhouse, "searches", late="the search was not saved", refused="the search could not be saved"
        )

    def write(self, name: str, query: str, saved_by: str) -> None:
        """Save a query under a name, or with an empty one delete the name; return once that is durable.

        Raises `SinkUnavailable` where it is not known to be.
        """
        self._thread.insert("saved_search_log (name, query, saved_by)", [(name, query, saved_by)])

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.close()
