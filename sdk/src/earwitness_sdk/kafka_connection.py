"""One kafka-python producer, from its first connection to its first failure."""

import socket
import threading
from time import monotonic, sleep
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from .kafka import Kafka
from .outbox import Outgoing

BATCH_BYTES: Final = 131_072
LINGER_MS: Final = 1
COMPRESSION: Final = "gzip"
"""Makes bulk work twice as fast: a tenth is left of a batch, whose checksum kafka-python counts in Python."""

REQUEST_TIMEOUT_S: Final = 5.0
METADATA_WITHIN_S: Final = 5.0
"""How long the first record of a topic waits for its partitions."""

STUCK_AFTER_S: Final = 2.0
"""A producer that says nothing for this long after a record's time has run out will never say anything."""

STOPPED_WITHIN_S: Final = 1.0
"""How long the producer's own thread may take to end once nothing is under way."""

SHORTEST_CONNECT_S: Final = 0.1
LONGEST_KNOCK_S: Final = 2.0
PAUSE_S: Final = 0.2
"""Between two rounds of knocking at the brokers' addresses."""


class Unreachable(Exception):
    """Nothing listens at any address of the brokers; the message is the last attempt's error."""


class TurnedAway(Exception):
    """A broker listens, and no connection could be made all the same."""


class Connection:
    """A producer that is idempotent, waits for all replicas, and is given up at the first failure.

    Once a batch that was sent has run out of time, kafka-python 3.0 asks for no new producer id and sends
    nothing more, for ever: its thread must be stopped, so that what it holds fails, and another be made.
    Raises `Unreachable` or `TurnedAway` where that fails for `connected_within_s`.
    """

    def __init__(self, kafka: Kafka, connected_within_s: float, acknowledged_within_s: float) -> None:
        self.given_up: Exception | None = None
        """Why nothing more is sent through it."""
        self._silence_s = acknowledged_within_s + STUCK_AFTER_S
        self._lock = threading.Lock()
        self._pending = 0
        self._heard_at = monotonic()
        deadline = monotonic() + connected_within_s
        _await_listener(kafka, deadline)
        connect_s = max(SHORTEST_CONNECT_S, deadline - monotonic())
        self._producer = _connect(kafka, connect_s, acknowledged_within_s)

    def send(self, record: Outgoing) -> Any:  # noqa: ANN401 - a future of kafka-python
        """Hand one record over. Raises `KafkaError`; call `settled` once the future is done."""
        with self._lock:
            if self._pending == 0:
                self._heard_at = monotonic()
            self._pending += 1
        try:
            return self._producer.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=[(name, value.encode()) for name, value in record.headers.items()],
            )
        except BaseException:
            self.settled()
            raise

    def settled(self) -> None:
        """Take note that one record is acknowledged or failed."""
        with self._lock:
            self._pending -= 1
            self._heard_at = monotonic()

    def is_stuck(self) -> bool:
        """Say whether records have been under way for longer than any may take, without a word."""
        with self._lock:
            return self._pending > 0 and monotonic() - self._heard_at > self._silence_s

    def give_up(self, error: Exception) -> None:
        """Let everything that is under way fail, soon; may be called from the producer's own thread."""
        if self.given_up is None:
            self.given_up = error
            self._producer._sender.force_close()  # noqa: SLF001 - `close` would wait, and then not do it

    def close(self) -> None:
        """Disconnect; call when nothing is under way, or nothing more is waited for."""
        if self._pending:
            self.give_up(KafkaError("closed with records under way"))
        self._producer._sender.join(STOPPED_WITHIN_S)  # noqa: SLF001 - so that nothing is incomplete
        self._producer.close(timeout=STOPPED_WITHIN_S)


def _await_listener(kafka: Kafka, deadline: float) -> None:
    """Return once a broker takes a connection.

    kafka-python would say neither why it could not connect, nor close the sockets of its attempts.
    """
    while True:
        for address in kafka.addresses:
            patience_s = min(LONGEST_KNOCK_S, max(SHORTEST_CONNECT_S, deadline - monotonic()))
            try:
                socket.create_connection(address, timeout=patience_s).close()
            except OSError as error:
                last = error
            else:
                return
        if monotonic() + PAUSE_S > deadline:
            raise Unreachable(str(last)) from last
        sleep(PAUSE_S)


def _connect(kafka: Kafka, connected_within_s: float, acknowledged_within_s: float) -> KafkaProducer:
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
            compression_type=COMPRESSION,
            linger_ms=LINGER_MS,
            bootstrap_timeout_ms=int(connected_within_s * 1000),
            max_block_ms=int(METADATA_WITHIN_S * 1000),
            delivery_timeout_ms=int(acknowledged_within_s * 1000),
            request_timeout_ms=int(min(REQUEST_TIMEOUT_S, acknowledged_within_s / 2) * 1000),
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
    except KafkaError as error:
        # A producer that could not connect leaves its sockets open.
        for client in clients:
            client.close()
        raise TurnedAway(str(error)) from error
