"""The seam through which anyone but the streams and the SDK publishes to Kafka."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes]]
"""Headers as Kafka has them: a name may come more than once, a value is bytes."""


class Message(NamedTuple):
    """One record to publish. `carried` are headers of another record, published behind its own."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]
    carried: Headers = ()

    def all_headers(self) -> list[tuple[str, bytes]]:
        """Give its own headers and those that it carries, as the clients of Kafka want them."""
        return [*((name, value.encode()) for name, value in self.headers.items()), *self.carried]


class Publisher(Protocol):
    """Publishes records, in order, and knows what became of them."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Return once the broker has acknowledged every message.

        Raises `BrokerUnavailable` where it did not in time; any of them may then have arrived.
        """

    def close(self) -> None:
        """Let go of the connection. Nothing is pending once `publish` has returned."""
