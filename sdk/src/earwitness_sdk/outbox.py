"""The seam between what is recorded and how it becomes durable."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import NamedTuple, Protocol


class Outgoing(NamedTuple):
    """One record on its way to a topic."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]


class FlushReport(NamedTuple):
    """What became of the records handed over so far."""

    acknowledged: int
    failed: int
    pending: int

    @property
    def complete(self) -> bool:
        """Whether every record is durable."""
        return not (self.failed or self.pending)


class Outbox(Protocol):
    """Makes records durable. Knows bytes and topics, not events.

    Whatever stands behind it (Kafka today, a spool on disk that feeds Kafka) keeps the order in
    which records were handed over, and bounds what it holds.
    """

    def send(self, record: Outgoing) -> "Future[None]":
        """Take one record over; the future is done once it is durable, or failed with `NotRecorded`.

        Waits where as much is under way as the outbox may hold, and raises `NotRecorded` where that
        does not end in time.
        """

    def flush(self, timeout_s: float) -> FlushReport:
        """Wait until everything handed over is durable or failed, for `timeout_s` at most."""

    def close(self, timeout_s: float) -> FlushReport:
        """Flush and let go. Nothing may be sent afterwards."""
