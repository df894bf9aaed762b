"""Records straight to Kafka: idempotent, acknowledged by all replicas, bounded in memory."""

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from .errors import NotRecorded
from .outbox import FlushReport, Outgoing

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""How long one record may take, connecting and retrying included."""

MOST_IN_FLIGHT: Final = 20_000
"""Records under way at once; a sender that is faster waits."""

BATCH_BYTES: Final = 131_072
LINGER_MS: Final = 5
REQUEST_TIMEOUT_MS: Final = 5_000
VARIABLES: Final = "EARWITNESS_KAFKA__"


@dataclass(frozen=True, kw_only=True)
class Kafka:
    """Where Kafka listens and as whom to speak to it."""

    bootstrap: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security_protocol: str = "SASL_PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-256"
    ca_file: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Kafka":
        """Read `EARWITNESS_KAFKA__BOOTSTRAP`, `…USERNAME`, `…PASSWORD` or `…PASSWORD_FILE`, and the rest.

        Raises `KeyError` with the variable that is missing.
        """

        def read(name: str, default: str | None = None) -> str | None:
            return environ.get(VARIABLES + name, default)

        password_file = read("PASSWORD_FILE")
        if password_file is not None:
            with open(password_file, encoding="utf-8") as file:  # noqa: PTH123 - text from an operator
                password: str | None = file.read().strip()
        else:
            password = read("PASSWORD")
        return cls(
            bootstrap=environ[VARIABLES + "BOOTSTRAP"],
            username=read("USERNAME"),
            password=password,
            security_protocol=read("SECURITY_PROTOCOL", cls.security_protocol) or "",
            sasl_mechanism=read("SASL_MECHANISM", cls.sasl_mechanism) or "",
            ca_file=read("CA_FILE"),
        )

    def arguments(self) -> dict[str, Any]:
        """Give the keyword arguments of kafka-python."""
        chosen: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            chosen |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.ca_file is not None:
            chosen["ssl_cafile"] = self.ca_file
        return chosen


class KafkaOutbox:
    """An `Outbox` on one kafka-python producer, made at the first record; safe to share by threads."""

    def __init__(self, kafka: Kafka, *, acknowledged_within_s: float = ACKNOWLEDGED_WITHIN_S) -> None:
        self._kafka = kafka
        self._within_s = acknowledged_within_s
        self._room = threading.BoundedSemaphore(MOST_IN_FLIGHT)
        self._making = threading.Lock()
        self._counting = threading.Condition()
        self._producer: KafkaProducer | None = None
        self._pid = 0
        self._acknowledged = self._failed = self._pending = 0

    def send(self, record: Outgoing) -> "Future[None]":
        """Hand one record to the producer; see `Outbox.send`."""
        began = monotonic()
        if not self._room.acquire(timeout=self._within_s):
            raise NotRecorded(
                f"{MOST_IN_FLIGHT} records wait for Kafka {self._kafka.bootstrap} and none was acknowledged"
                f" within {self._within_s:.0f} s: is it up, and may {self._kafka.username} write to it?"
            )
        future: Future[None] = Future()
        with self._counting:
            self._pending += 1
        try:
            sent = self._connected().send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=[(name, value.encode()) for name, value in record.headers.items()],
            )
        except KafkaError as error:
            self._settle(future, record, error, began)
            return future
        sent.add_callback(lambda _: self._settle(future, record, None, began))
        sent.add_errback(lambda error: self._settle(future, record, error, began))
        return future

    def flush(self, timeout_s: float) -> FlushReport:
        """Wait for acknowledgements; see `Outbox.flush`."""
        with self._counting:
            self._counting.wait_for(lambda: self._pending == 0, timeout_s)
            return FlushReport(self._acknowledged, self._failed, self._pending)

    def close(self, timeout_s: float) -> FlushReport:
        """Flush and disconnect; see `Outbox.close`."""
        report = self.flush(timeout_s)
        with self._making:
            if self._producer is not None and self._pid == os.getpid():
                self._producer.close(timeout=timeout_s)
            self._producer = None
        return report

    def _connected(self) -> KafkaProducer:
        # A producer's threads do not survive a fork: the child makes one of its own.
        with self._making:
            if self._producer is None or self._pid != os.getpid():
                limit_ms = int(self._within_s * 1000)
                self._producer = KafkaProducer(
                    **self._kafka.arguments(),
                    acks="all",
                    enable_idempotence=True,
                    batch_size=BATCH_BYTES,
                    linger_ms=LINGER_MS,
                    max_block_ms=limit_ms,
                    bootstrap_timeout_ms=limit_ms,
                    delivery_timeout_ms=max(limit_ms, REQUEST_TIMEOUT_MS + LINGER_MS),
                    request_timeout_ms=min(limit_ms, REQUEST_TIMEOUT_MS),
                    allow_auto_create_topics=False,
                )
                self._pid = os.getpid()
            return self._producer

    def _settle(
        self, future: "Future[None]", record: Outgoing, error: Exception | None, began: float
    ) -> None:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(self._not_recorded(record, error, monotonic() - began))
        self._room.release()
        with self._counting:
            self._pending -= 1
            if error is None:
                self._acknowledged += 1
            else:
                self._failed += 1
            self._counting.notify_all()

    def _not_recorded(self, record: Outgoing, error: Exception, tried_s: float) -> NotRecorded:
        message = (
            f"{record.topic} at Kafka {self._kafka.bootstrap} did not acknowledge after {tried_s:.1f} s"
            f" ({type(error).__name__}): is Kafka up there,"
            f" and may {self._kafka.username} write to the topic?"
        )
        refused = NotRecorded(message)
        refused.__cause__ = error
        return refused
