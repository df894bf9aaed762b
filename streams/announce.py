"""What the worker itself publishes: findings and dead letters."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from models.errors import BrokerUnavailable
from models.publisher import Message
from streams.connection import unreachable

ANSWER_TIMEOUT_MS: Final = 30_000
LINGER_MS: Final = 5
LARGEST_REQUEST_BYTES: Final = 2 * 1_048_588
"""What the dead-letter topic takes: the largest record that any topic takes, and its headers."""


class Announcer(Protocol):
    """Publishes what a range brought to light."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return once the broker holds every message; `BrokerUnavailable` where it may not."""


class KafkaAnnouncer:
    """An `Announcer` on an idempotent producer that waits for all acknowledgements."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises `BrokerUnavailable`."""
        self._producer = AIOKafkaProducer(
            **self._connection,
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            request_timeout_ms=ANSWER_TIMEOUT_MS,
            max_request_size=LARGEST_REQUEST_BYTES,
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise unreachable(self._connection, error) from error

    async def stop(self) -> None:
        """Send what is under way and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish and wait for the broker."""
        if self._producer is None:
            raise BrokerUnavailable("the announcer is not started")
        try:
            pending = [
                await self._producer.send(
                    message.topic,
                    value=message.value,
                    key=message.key or None,
                    headers=message.all_headers(),
                )
                for message in messages
            ]
            for sent in pending:
                await sent
        except KafkaError as error:
            raise BrokerUnavailable(f"findings were not acknowledged: {error}") from error
