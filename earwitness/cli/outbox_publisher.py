"""A `Publisher` on the SDK's outbox, which connects when it is first needed, and anew after a failure."""

from collections.abc import Sequence
from typing import Final

from earwitness_sdk import Kafka, KafkaOutbox, NotRecorded, Outgoing

from models.errors import BrokerUnavailable
from models.publisher import Message

TAKEN_WITHIN_S: Final = 3.0
ACKNOWLEDGED_WITHIN_S: Final = 5.0
"""Ticket systems wait ten seconds or a little more for an answer."""

SLACK_S: Final = 3.0
CLOSED_WITHIN_S: Final = 5.0


class OutboxPublisher:
    """Publishes for a process that lives long and must start, and go on, while Kafka is away."""

    def __init__(self, kafka: Kafka) -> None:
        self._outbox = KafkaOutbox(kafka, acknowledged_within_s=ACKNOWLEDGED_WITHIN_S)

    def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order; return once the broker has acknowledged every message."""
        try:
            pending = [self._outbox.send(_outgoing(message), TAKEN_WITHIN_S) for message in messages]
            for sent in pending:
                sent.result(ACKNOWLEDGED_WITHIN_S + SLACK_S)
        except (NotRecorded, TimeoutError) as error:
            raise BrokerUnavailable(str(error) or "Kafka did not acknowledge in time") from error

    def close(self) -> None:
        """Disconnect."""
        self._outbox.close(CLOSED_WITHIN_S)


def _outgoing(message: Message) -> Outgoing:
    """Give it to the SDK, whose headers are texts. Raises `ValueError` where it carries a record's own."""
    if message.carried:
        raise ValueError(f"a message for {message.topic} carries headers, which an outbox does not take")
    return Outgoing(message.topic, message.key, message.value, message.headers)
