"""Events that were made elsewhere: files, imports, other systems."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from ._models.access import AccessEvent
from .events import access_record, checked
from .kafka import Kafka, KafkaOutbox
from .outbox import FlushReport, Outbox
from .pseudonyms import Pseudonyms


class Forwarder:
    """Publishes whole events as they are: nothing is filled in, so the same event stays the same."""

    def __init__(
        self,
        *,
        kafka: Kafka | None = None,
        outbox: Outbox | None = None,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        if outbox is None:
            if kafka is None:
                raise TypeError("a Forwarder takes either kafka=… or outbox=…")
            outbox = KafkaOutbox(kafka)
        self._outbox = outbox
        self._pseudonyms = pseudonyms

    def submit(self, event: Mapping[str, Any] | bytes) -> "tuple[AccessEvent, Future[None]]":
        """Hand one event over, as fields or as JSON; the future is done once it is durable.

        Raises `InvalidEvent`, or `NotRecorded` where too much is under way for too long.
        """
        whole = checked(AccessEvent, event, self._pseudonyms)
        return whole, self._outbox.send(access_record(whole))

    def flush(self, timeout_s: float) -> FlushReport:
        """Wait until everything handed over is durable; say what is not."""
        return self._outbox.flush(timeout_s)

    def close(self, timeout_s: float) -> FlushReport:
        """Flush and disconnect."""
        return self._outbox.close(timeout_s)
