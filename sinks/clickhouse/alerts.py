"""Where alerts are kept: their entries, their accesses, who was told of them, and silences. Appended only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from models.alerts import Delivery, Entry, Member, Silence
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.one_thread import OneThread

_ENTRIES: Final = (
    "alert_log (alert_id, entry_id, at, kind, done_by, rule, rule_digest, severity, title, fingerprint,"
    " grouping, first_at, last_at, access_count, text, outcome, assignee)"
)
_MEMBERS: Final = "alert_member_log (alert_id, source, id, time, actor_id, customer_id, verdict, reason)"
_DELIVERIES: Final = "delivery_log (notice_id, alert_id, channel, attempt, at, status, code, answer, took_ms)"
_SILENCES: Final = (
    "silence_log (silence_id, rule, grouping, reason, created_at, created_by, expires_at, written_by)"
)


class AlertLog:
    """The sink of alerts. Everything goes through one thread, so through one connection, in order.

    Each method returns once what it was given is durable, and raises `SinkUnavailable` where that is not
    known; all but `deliver` may then be repeated: the same entry, member or silence is kept once.
    """

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._thread = OneThread(
            clickhouse, "alerts", late="alerts were not written", refused="alerts could not be written"
        )

    def write(self, entries: Sequence[Entry], members: Sequence[Member] = ()) -> None:
        """Keep what happened to alerts. Members are stored first: an alert is never shown without them."""
        if members:
            self._thread.insert(_MEMBERS, [tuple(member) for member in members])
        if entries:
            self._thread.insert(_ENTRIES, [_row(entry) for entry in entries])

    def write_once(self, entry: Entry) -> None:
        """Keep an entry unless one of its id was kept of late: of two that come at once, the first stays.

        That nothing was said shows only when the entry is read back.
        """
        self._thread.insert(_ENTRIES, [_row(entry)], {"insert_deduplication_token": str(entry.id)})

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Keep what became of tries to tell somebody."""
        self._thread.insert(_DELIVERIES, [tuple(delivery) for delivery in deliveries])

    def silence(self, silence: Silence, written_by: str) -> None:
        """Keep a silence, or its new end."""
        id, rule, grouping, *rest = silence  # noqa: A001 - the field's name
        self._thread.insert(_SILENCES, [(id, rule, dict(grouping), *rest, written_by)])

    def end_silence(self, silence: Silence, at: datetime, written_by: str) -> None:
        """End a silence early."""
        self.silence(silence._replace(expires_at=at), written_by)

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.close()


def _row(entry: Entry) -> tuple[Any, ...]:
    return tuple(dict(value) if isinstance(value, Mapping) else value for value in entry)
