"""What was done with this system itself, in ClickHouse: durable before anyone gets an answer."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from models.errors import SinkRejected, SinkUnavailable
from sinks.clickhouse.client import ClickHouse

MOST_CUSTOMERS: Final = 100
"""Customers named in one row; where there were more, `row_count` still tells."""

LONGEST_QUERY: Final = 65_536
WRITE_TIMEOUT_S: Final = 15

_STATEMENT: Final = (
    "INSERT INTO activity_log (id, time, principal, surface, action, query, customer_ids, row_count) VALUES"
)


class Activity(NamedTuple):
    """One thing done with the trail, by whom and through what.

    `customer_ids` are those in the answer. `row_count` is None where nothing was counted, as for a
    statement that failed.
    """

    id: UUID
    time: datetime
    principal: str
    surface: str
    action: str
    query: str
    customer_ids: tuple[str, ...] = ()
    row_count: int | None = None


class ActivityLog:
    """A sink for activity. Its writes go through one thread, so through one connection, of its own."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="activity")

    def write(self, activity: Activity) -> None:
        """Return once the row is durable.

        Raises `SinkUnavailable` where it is not known to be: nothing may then be answered.
        """
        writing = self._thread.submit(self._insert, activity)
        try:
            writing.result(timeout=WRITE_TIMEOUT_S)
        except TooLong as error:
            writing.cancel()
            raise SinkUnavailable(f"the activity log was not written within {WRITE_TIMEOUT_S} s") from error
        except SinkRejected as error:
            raise SinkUnavailable(f"the activity log could not be written: {error}") from error

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.shutdown()
        self._clickhouse.close()

    def _insert(self, activity: Activity) -> None:
        self._clickhouse.execute(
            _STATEMENT,
            [
                (
                    activity.id,
                    activity.time,
                    activity.principal,
                    activity.surface,
                    activity.action,
                    activity.query[:LONGEST_QUERY],
                    list(activity.customer_ids[:MOST_CUSTOMERS]),
                    activity.row_count,
                )
            ],
            settings={"async_insert": 0},
        )
