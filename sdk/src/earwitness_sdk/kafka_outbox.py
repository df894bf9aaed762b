"""Records straight to Kafka: idempotent, acknowledged by all replicas, bounded in memory."""

import atexit
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Final

from kafka.errors import (
    AuthorizationError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)

from .errors import NotRecorded
from .forks import renew_in_children
from .kafka import Kafka
from .kafka_connection import Connection, TurnedAway, Unreachable
from .outbox import CLOSED_WITHIN_S, TAKEN_WITHIN_S, FlushReport, Metrics, Outgoing, Rejected
from .room import Room

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""How long Kafka may take to acknowledge a record, retries included."""

MOST_IN_FLIGHT: Final = 20_000
MOST_BYTES_IN_FLIGHT: Final = 64 * 1024 * 1024
"""Records, and their bytes, under way at once; a sender that is faster waits."""

REFUSALS: Final = (AuthorizationError, MessageSizeTooLargeError, UnknownTopicOrPartitionError)
"""Answers of a Kafka that is well: they concern one record, and leave the connection as it is."""

_LOG: Final = logging.getLogger("earwitness_sdk")


class KafkaOutbox:
    """An `Outbox` on kafka-python, which connects at the first record, and anew after a failure.

    Safe to share by threads, and usable in a child after a fork: it connects anew there.
    """

    is_local: Final = False

    def __init__(self, kafka: Kafka, *, acknowledged_within_s: float = ACKNOWLEDGED_WITHIN_S) -> None:
        self._kafka = kafka
        self._within_s = acknowledged_within_s
        self._connection: Connection | None = None
        self._of_parents: list[Connection] = []
        self._closed = False
        self.at_exit: Callable[[], object] = self._close_at_exit
        """What ends the work when the process ends, while this outbox is still open."""
        self.begin_anew()
        renew_in_children(self)

    @property
    def destination(self) -> str:
        """Name the broker."""
        return f"Kafka {self._kafka.bootstrap}"

    def begin_anew(self) -> None:
        """Forget what a parent process had under way; its connection is kept, so that nothing closes it."""
        if self._connection is not None:
            self._of_parents.append(self._connection)
            self._connection = None
        self._room = Room(MOST_IN_FLIGHT, MOST_BYTES_IN_FLIGHT)
        self._connecting = threading.Lock()
        self._counting = threading.Lock()
        self._acknowledged = self._failed = 0

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        """Hand one record to the producer; see `Outbox.send`."""
        deadline = monotonic() + timeout_s
        self._give_up_if_stuck()
        if not self._room.enter(record.size_bytes, timeout_s):
            raise NotRecorded(_says(record, self.destination, f"took nothing more within {timeout_s:.1f} s"))
        try:
            sending = self._hand_over(record, deadline)
        except BaseException:
            self._room.leave(record.size_bytes)
            raise
        return sending.future

    def keep(self, record: Outgoing) -> None:
        """Hand one record to the producer; that it failed is logged, and in the report."""
        self.send(record).add_done_callback(_log_failure)

    def metrics(self) -> Metrics:
        """Tell what became of all records."""
        return Metrics.of(self.flush(0))

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait for acknowledgements; see `Outbox.flush`."""
        pending = self._room.wait_until_empty(timeout_s)
        self._give_up_if_stuck()
        with self._counting:
            return FlushReport(self._acknowledged, self._failed, pending)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect; see `Outbox.close`. What is pending then fails, but may have arrived."""
        self._closed = True
        atexit.unregister(self.at_exit)
        report = self.flush(timeout_s)
        with self._connecting:
            connection, self._connection = self._connection, None
        if connection is not None:
            _close(connection)
        return report

    def _hand_over(self, record: Outgoing, deadline: float) -> "_Sending":
        if self._closed:
            raise NotRecorded(f"{record.topic}: the outbox to {self.destination} is closed")
        began = monotonic()
        try:
            connection = self._connected(deadline)
            sent = connection.send(record)
        except (KafkaError, Unreachable, TurnedAway) as error:
            raise self._refusal(record, error, monotonic() - began) from error
        sending = _Sending(record, connection, began)
        sent.add_callback(lambda _: self._acknowledge(sending))
        sent.add_errback(lambda error: self._fail(sending, error))
        return sending

    def _connected(self, deadline: float) -> Connection:
        connection = self._connection
        if connection is not None and connection.given_up is None:
            return connection
        if not self._connecting.acquire(timeout=max(0.0, deadline - monotonic())):
            raise Unreachable("another thread still tries to connect")
        try:
            if self._connection is None or self._connection.given_up is not None:
                spent, self._connection = self._connection, None
                if spent is not None:
                    _close(spent)
                self._connection = Connection(self._kafka, deadline - monotonic(), self._within_s)
                # After the producer's own, so that at exit it comes before it: what is under way goes out.
                atexit.unregister(self.at_exit)
                atexit.register(self.at_exit)
            return self._connection
        finally:
            self._connecting.release()

    def _give_up_if_stuck(self) -> None:
        connection = self._connection
        if connection is not None and connection.is_stuck():
            connection.give_up(KafkaTimeoutError("nothing was heard of the records before this one"))

    def _acknowledge(self, sending: "_Sending") -> None:
        with self._counting:
            self._acknowledged += 1
        try:
            sending.connection.settled()
            sending.future.set_result(None)
        finally:
            self._room.leave(sending.record.size_bytes)

    def _fail(self, sending: "_Sending", error: Exception) -> None:
        with self._counting:
            self._failed += 1
        try:
            sending.connection.settled()
            if not isinstance(error, REFUSALS):
                sending.connection.give_up(error)
                error = sending.connection.given_up or error
            refused = self._refusal(sending.record, error, monotonic() - sending.began)
            refused.__cause__ = error
            sending.future.set_exception(refused)
        finally:
            self._room.leave(sending.record.size_bytes)

    def _refusal(self, record: Outgoing, error: Exception, tried_s: float) -> NotRecorded:
        kind = Rejected if isinstance(error, MessageSizeTooLargeError) else NotRecorded
        return kind(self._why(record, error, tried_s))

    def _why(self, record: Outgoing, error: Exception, tried_s: float) -> str:
        if isinstance(error, AuthorizationError):
            what = f"refused it: {self._kafka.username} may not write there"
        elif isinstance(error, UnknownTopicOrPartitionError):
            what = "refused it: there is no such topic"
        elif isinstance(error, MessageSizeTooLargeError):
            what = f"refused it: {len(record.value)} bytes are too many"
        elif isinstance(error, Unreachable):
            what = f"could not be reached within {tried_s:.1f} s ({error}): check that Kafka is up there"
        elif isinstance(error, TurnedAway):
            what = (
                f"let nobody in within {tried_s:.1f} s ({error}): check the username {self._kafka.username},"
                f" its password, and that {self._kafka.security_protocol} is spoken there"
            )
        else:
            what = f"did not acknowledge within {tried_s:.1f} s ({error}): check that Kafka is up there"
        return _says(record, self.destination, what)

    def _close_at_exit(self) -> None:
        report = self.close()
        if report.pending:
            _LOG.error(
                "%d records were not acknowledged by %s when the process ended",
                report.pending,
                self.destination,
            )


class _Sending:
    """One record under way, and through which connection."""

    def __init__(self, record: Outgoing, connection: Connection, began: float) -> None:
        self.record = record
        self.connection = connection
        self.began = began
        self.future: Future[None] = Future()
        self.future.set_running_or_notify_cancel()  # nobody can take a record back


def _log_failure(future: "Future[None]") -> None:
    error = future.exception()
    if error is not None:
        _LOG.error("a record that nobody waits for is not recorded: %s", error)


def _says(record: Outgoing, destination: str, what: str) -> str:
    return f"{record.topic} at {destination} {what}"


def _close(connection: Connection) -> None:
    try:
        connection.close()
    except KafkaError as error:
        _LOG.warning("a connection to Kafka was left as it was: %s", error)
