"""Events that were made elsewhere: files, imports, other systems."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from ._models.access import AccessEvent
from .checking import checked
from .kafka import Kafka
from .outbox import CLOSED_WITHIN_S, TAKEN_WITHIN_S, FlushReport, Outbox
from .pseudonyms import Pseudonyms
from .recorder import Submitted, outbox_of
from .wire import access_record


class Forwarder:
    """Publishes whole events as they are: nothing is filled in, so the same event stays the same.

    Raises `BadSettings`.
    """

    def __init__(
        self,
        *,
        kafka: Kafka | None = None,
        outbox: Outbox | None = None,
        pseudonymise: Pseudonyms | None = None,
    ) -> None:
        self._outbox = outbox_of(kafka, outbox)
        self._pseudonymise = pseudonymise

    def submit(self, event: AccessEvent | Mapping[str, object] | bytes) -> Submitted[AccessEvent]:
        """Hand one event over, as fields or as JSON; the future is done once it is durable.

        Raises `InvalidEvent`, or `NotRecorded` where too much is under way for too long.
        """
        given = event.model_dump(exclude_unset=True) if isinstance(event, AccessEvent) else event
        whole = checked(AccessEvent, given, self._pseudonymise)
        return Submitted(whole, self._outbox.send(access_record(whole), TAKEN_WITHIN_S))

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait until everything handed over is durable; say what is not."""
        return self._outbox.flush(timeout_s)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect. Nothing can be forwarded afterwards."""
        return self._outbox.close(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
