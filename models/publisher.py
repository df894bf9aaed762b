"""The seam through which anyone but the streams and the SDK publishes to Kafka."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One record to publish."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]


class Publisher(Protocol):
    """Publishes records, in order, and knows what became of them."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Return once the broker has acknowledged every message.

        Raises `BrokerUnavailable` where it did not in time; any of them may then have arrived.
        """

    def close(self) -> None:
        """Let go of the connection. Nothing is pending once `publish` has returned."""
