"""A `Publisher` on kafka-python, for commands that publish now and then."""

from collections.abc import Sequence
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from models.errors import BrokerUnavailable
from models.publisher import Message
from streams.connection import KafkaConnection

ACKNOWLEDGED_WITHIN_S: Final = 30.0
LINGER_MS: Final = 5


class KafkaPublisher:
    """Publishes with an idempotent producer and waits for every acknowledgement."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._where = connection.bootstrap
        try:
            self._producer = KafkaProducer(**connection.arguments(), acks="all", linger_ms=LINGER_MS)
        except KafkaError as error:
            raise BrokerUnavailable(self._message(error)) from error

    def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order; return once the broker has acknowledged every message."""
        try:
            pending = [
                self._producer.send(
                    message.topic,
                    key=message.key or None,
                    value=message.value,
                    headers=message.all_headers(),
                )
                for message in messages
            ]
            for sent in pending:
                sent.get(timeout=ACKNOWLEDGED_WITHIN_S)
        except KafkaError as error:
            raise BrokerUnavailable(self._message(error)) from error

    def close(self) -> None:
        """Disconnect."""
        self._producer.close()

    def _message(self, error: KafkaError) -> str:
        return f"Kafka {self._where} did not acknowledge within {ACKNOWLEDGED_WITHIN_S:.0f} s: {error!r}"
