"""What was done with this system itself, in ClickHouse: durable before anyone gets an answer."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.one_thread import OneThread

MOST_CUSTOMERS: Final = 100
"""Customers named in one row; where there were more, `row_count` still tells."""

LONGEST_QUERY: Final = 65_536

_COLUMNS: Final = "activity_log (id, time, principal, surface, action, query, customer_ids, row_count)"


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
        self._thread = OneThread(
            clickhouse,
            "activity",
            late="the activity log was not written",
            refused="the activity log could not be written",
        )

    def write(self, activity: Activity) -> None:
        """Return once the row is durable.

        Raises `SinkUnavailable` where it is not known to be: nothing may then be answered.
        """
        row = (
            activity.id,
            activity.time,
            activity.principal,
            activity.surface,
            activity.action,
            activity.query[:LONGEST_QUERY],
            list(activity.customer_ids[:MOST_CUSTOMERS]),
            activity.row_count,
        )
        self._thread.insert(_COLUMNS, [row])

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.close()
