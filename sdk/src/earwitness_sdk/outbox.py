"""The seam between what is recorded and how it becomes durable."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Final, NamedTuple, Protocol

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


class FlushReport(NamedTuple):
    """What became of all the records that an outbox took over since it was made."""

    acknowledged: int
    failed: int
    pending: int

    @property
    def complete(self) -> bool:
        """Whether every record is durable."""
        return not (self.failed or self.pending)


class Outbox(Protocol):
    """Makes records durable. Knows bytes and topics, not events.

    Whatever stands behind it (Kafka today, a spool on disk that feeds Kafka) sends records on in the
    order in which they were handed over, bounds what it holds, and may be shared by threads.
    """

    @property
    def destination(self) -> str:
        """Where the records go, for messages to people: `Kafka broker:9092`."""

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        """Take one record over; the future is done once it is durable, or failed with `NotRecorded`.

        Waits up to `timeout_s` where as much is under way as the outbox may hold. Raises `NotRecorded`
        where it did not take the record over: it then was not sent at all.
        """

    def flush(self, timeout_s: float) -> FlushReport:
        """Wait until everything handed over is durable or failed, for `timeout_s` at most."""

    def close(self, timeout_s: float) -> FlushReport:
        """Flush and let go. What is sent afterwards is refused with `NotRecorded`."""
