"""The seam between what is recorded and how it becomes durable."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Final, NamedTuple, Protocol

from .errors import NotRecorded

TAKEN_WITHIN_S: Final = 10.0
"""How long an outbox may make a sender wait before it takes a record over."""

CLOSED_WITHIN_S: Final = 15.0
"""How long `flush` and `close` wait for acknowledgements unless told otherwise."""


class Outgoing(NamedTuple):
    """One record on its way to a topic."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """How much memory its bytes take, roughly."""
        return len(self.key) + len(self.value)


class NoRoom(NotRecorded):
    """As much is under way as may be; a little later there may be room."""


class Dropped(NotRecorded):
    """The record was taken over, and is certainly not recorded: neither is any that was taken after it."""


class Rejected(NotRecorded):
    """Kafka is well, and will never take this record."""


class FlushReport(NamedTuple):
    """What became of all the records that an outbox took over since it was made."""

    acknowledged: int
    """Kafka has them."""
    failed: int
    """They are not recorded, and whoever recorded them was told; or they were damaged on disk."""
    pending: int
    """Kafka does not have them yet."""
    on_disk: int = 0
    """How many of the pending ones are in the spool: they go out later, also after a crash."""
    quarantined: int = 0
    """Places in a spool that were damaged, and records that Kafka will never take: kept aside."""

    @property
    def complete(self) -> bool:
        """Whether Kafka has every record."""
        return not (self.failed or self.pending or self.quarantined)

    @property
    def durable(self) -> bool:
        """Whether every record is safe: Kafka has it, or the disk."""
        return not self.failed and self.pending == self.on_disk


class Metrics(NamedTuple):
    """What an outbox holds and has done, at one instant; a plain snapshot for any monitoring."""

    acknowledged_total: int
    failed_total: int
    quarantined_total: int
    pending: int
    on_disk: int
    memory_bytes: int = 0
    """What waits in memory for the disk."""
    disk_bytes: int = 0
    """What the spool takes, the parts of other processes included."""
    most_disk_bytes: int = 0
    oldest_unsent_s: float = 0.0
    """The age of the oldest record of this process that is on disk and that Kafka does not have."""
    disk_silent_s: float = 0.0
    """For how long the disk has not answered a write."""
    disk_error: str | None = None
    """Why the last write to the disk failed; nothing can be recorded."""
    broker_error: str | None = None
    """Why nothing is sent at present; records go to disk meanwhile."""

    @classmethod
    def of(cls, report: FlushReport) -> "Metrics":
        """Tell what a report tells."""
        return cls(report.acknowledged, report.failed, report.quarantined, report.pending, report.on_disk)


class Outbox(Protocol):
    """Makes records durable. Knows bytes and topics, not events.

    Whatever stands behind it (Kafka, or a spool on disk that feeds it) sends records on in the order in
    which they were handed over, bounds what it holds, and may be shared by threads.
    """

    @property
    def is_local(self) -> bool:
        """Whether `send` with no time, and `keep`, never wait for a network: an event loop may call them."""

    @property
    def destination(self) -> str:
        """Where the records go, for messages to people: `Kafka broker:9092`."""

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        """Take one record over; the future is done once it is durable, or failed with `NotRecorded`.

        Waits up to `timeout_s` where as much is under way as the outbox may hold; one that is local does
        not wait, and raises `NoRoom`. Raises `NotRecorded` where it did not take the record over: it then
        was not sent at all.
        """

    def keep(self, record: Outgoing) -> None:
        """Take one record over, and make it durable as soon as that can be, without telling anybody.

        Raises `NotRecorded` where it did not take the record over.
        """

    def metrics(self) -> Metrics:
        """Tell what it holds and has done, without waiting for anything."""

    def flush(self, timeout_s: float) -> FlushReport:
        """Wait until Kafka has everything that was handed over, or it failed, for `timeout_s` at most."""

    def close(self, timeout_s: float) -> FlushReport:
        """Flush and let go. What is sent afterwards is refused with `NotRecorded`."""
