"""What the worker itself publishes: findings and dead letters."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from models.errors import BrokerUnavailable
from models.publisher import Message
from streams.connection import unreachable
from streams.dead_letters import without_bytes

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
        """Publish and wait for the broker; what a topic finds too large is published without its bytes.

        The store has them. A partition that waited for a topic of another size would wait for ever.
        """
        if self._producer is None:
            raise BrokerUnavailable("the announcer is not started")
        try:
            refused = await _send(self._producer, messages)
            if refused and (still := await _send(self._producer, [without_bytes(each) for each in refused])):
                raise BrokerUnavailable(f"{still[0].topic} takes no message of {len(still[0].value)} bytes")
        except KafkaError as error:
            raise BrokerUnavailable(f"findings were not acknowledged: {error}") from error


async def _send(producer: AIOKafkaProducer, messages: Sequence[Message]) -> list[Message]:
    """Send and wait; give the messages that are larger than their topic takes."""
    pending = [
        await producer.send(
            message.topic, value=message.value, key=message.key or None, headers=message.all_headers()
        )
        for message in messages
    ]
    refused: list[Message] = []
    for message, sent in zip(messages, pending, strict=True):
        try:
            await sent
        except MessageSizeTooLargeError:
            refused.append(message)
    return refused
