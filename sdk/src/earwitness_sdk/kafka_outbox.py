"""Records straight to Kafka: idempotent, acknowledged by all replicas, bounded in memory."""

import atexit
import logging
import threading
from concurrent.futures import Future
from time import monotonic
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)
from kafka.net.compat import KafkaNetClient

from .errors import NotRecorded
from .forks import renew_in_children
from .kafka import Kafka
from .outbox import CLOSED_WITHIN_S, TAKEN_WITHIN_S, FlushReport, Outgoing
from .room import Room

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""How long Kafka may take to acknowledge a record, retries included."""

MOST_IN_FLIGHT: Final = 20_000
MOST_BYTES_IN_FLIGHT: Final = 64 * 1024 * 1024
"""Records, and their bytes, under way at once; a sender that is faster waits."""

BATCH_BYTES: Final = 131_072
LINGER_MS: Final = 1
REQUEST_TIMEOUT_S: Final = 5.0
METADATA_WITHIN_S: Final = 5.0
"""How long the first record of a topic waits for its partitions."""

STOPPED_WITHIN_S: Final = 1.0
"""How long the producer's own thread may take to end once nothing is under way."""

_LOG: Final = logging.getLogger("earwitness_sdk")


class KafkaOutbox:
    """An `Outbox` on one kafka-python producer, which connects at the first record.

    Safe to share by threads, and usable in a child after a fork: it connects anew there.
    """

    def __init__(self, kafka: Kafka, *, acknowledged_within_s: float = ACKNOWLEDGED_WITHIN_S) -> None:
        self._kafka = kafka
        self._within_s = acknowledged_within_s
        self._producer: KafkaProducer | None = None
        self._of_parents: list[KafkaProducer] = []
        self._closed = False
        self.begin_anew()
        renew_in_children(self)

    @property
    def destination(self) -> str:
        """Name the broker."""
        return f"Kafka {self._kafka.bootstrap}"

    def begin_anew(self) -> None:
        """Forget what a parent process had under way; its producer is kept, so that nothing closes it."""
        if self._producer is not None:
            self._of_parents.append(self._producer)
            self._producer = None
        self._room = Room(MOST_IN_FLIGHT, MOST_BYTES_IN_FLIGHT)
        self._connecting = threading.Lock()
        self._counting = threading.Lock()
        self._acknowledged = self._failed = 0

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        """Hand one record to the producer; see `Outbox.send`."""
        began = monotonic()
        if not self._room.enter(record.size_bytes, timeout_s):
            raise NotRecorded(self._says(record, f"took nothing more within {timeout_s:.1f} s"))
        try:
            sent = self._hand_over(record, began + timeout_s)
        except BaseException:
            self._room.leave(record.size_bytes)
            raise
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # nobody can take a record back
        sent.add_callback(lambda _: self._acknowledge(future, record))
        sent.add_errback(lambda error: self._fail(future, record, error, began))
        return future

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait for acknowledgements; see `Outbox.flush`."""
        pending = self._room.wait_until_empty(timeout_s)
        with self._counting:
            return FlushReport(self._acknowledged, self._failed, pending)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect; see `Outbox.close`. What is pending then may still arrive."""
        self._closed = True
        atexit.unregister(self._close_at_exit)
        report = self.flush(timeout_s)
        with self._connecting:
            producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close(timeout=0 if report.pending else STOPPED_WITHIN_S)
            except KafkaError as error:
                _LOG.warning("%s was left with records under way: %s", self.destination, error)
        return report

    def _hand_over(self, record: Outgoing, deadline: float) -> Any:  # noqa: ANN401 - a future of kafka-python
        if self._closed:
            raise NotRecorded(f"{record.topic}: the outbox to {self.destination} is closed")
        began = monotonic()
        try:
            return self._connected(deadline).send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=[(name, value.encode()) for name, value in record.headers.items()],
            )
        except KafkaError as error:
            raise self._not_recorded(record, error, monotonic() - began) from error

    def _connected(self, deadline: float) -> KafkaProducer:
        if self._producer is not None:
            return self._producer
        if not self._connecting.acquire(timeout=max(0.0, deadline - monotonic())):
            raise NotRecorded(f"{self.destination} could not be reached: another thread still tries to")
        try:
            if self._producer is None:
                self._producer = _connect(self._kafka, max(0.1, deadline - monotonic()), self._within_s)
                # After the producer's own, so that at exit it comes before it: what is under way goes out.
                atexit.register(self._close_at_exit)
            return self._producer
        finally:
            self._connecting.release()

    def _acknowledge(self, future: "Future[None]", record: Outgoing) -> None:
        with self._counting:
            self._acknowledged += 1
        try:
            future.set_result(None)
        finally:
            self._room.leave(record.size_bytes)

    def _fail(self, future: "Future[None]", record: Outgoing, error: Exception, began: float) -> None:
        with self._counting:
            self._failed += 1
        try:
            refused = self._not_recorded(record, error, monotonic() - began)
            refused.__cause__ = error
            future.set_exception(refused)
        finally:
            self._room.leave(record.size_bytes)

    def _not_recorded(self, record: Outgoing, error: Exception, tried_s: float) -> NotRecorded:
        if isinstance(error, AuthorizationError):
            return NotRecorded(self._says(record, f"refused it: {self._kafka.username} may not write there"))
        if isinstance(error, UnknownTopicOrPartitionError):
            return NotRecorded(self._says(record, "refused it: there is no such topic"))
        if isinstance(error, MessageSizeTooLargeError):
            return NotRecorded(self._says(record, f"refused it: {len(record.value)} bytes are too many"))
        return NotRecorded(
            self._says(
                record, f"did not acknowledge within {tried_s:.1f} s ({type(error).__name__}: {error})"
            )
            + ": check that Kafka is up and listens there, and that the username and password are right"
        )

    def _says(self, record: Outgoing, what: str) -> str:
        return f"{record.topic} at {self.destination} {what}"

    def _close_at_exit(self) -> None:
        report = self.close()
        if report.pending:
            _LOG.error(
                "%d records were not acknowledged by %s when the process ended",
                report.pending,
                self.destination,
            )


def _connect(kafka: Kafka, connected_within_s: float, acknowledged_within_s: float) -> KafkaProducer:
    """Make a producer. Raises `KafkaError` where the broker does not answer in time."""
    clients: list[KafkaNetClient] = []

    def remembered(**settings: Any) -> KafkaNetClient:  # noqa: ANN401 - kafka-python's own settings
        clients.append(KafkaNetClient(**settings))
        return clients[-1]

    try:
        return KafkaProducer(
            **kafka.arguments(),
            client_id="earwitness-sdk",
            kafka_client=remembered,
            acks="all",
            enable_idempotence=True,
            batch_size=BATCH_BYTES,
            linger_ms=LINGER_MS,
            bootstrap_timeout_ms=int(connected_within_s * 1000),
            max_block_ms=int(METADATA_WITHIN_S * 1000),
            delivery_timeout_ms=int(acknowledged_within_s * 1000),
            request_timeout_ms=int(min(REQUEST_TIMEOUT_S, acknowledged_within_s / 2) * 1000),
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
    except KafkaError:
        # A producer that could not connect leaves its sockets open.
        for client in clients:
            client.close()
        raise
