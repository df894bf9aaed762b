"""What a register publishes: evidence that may justify accesses."""

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from ._models.evidence import EvidenceRecord, contradiction_in
from .checking import checked
from .errors import InvalidEvent
from .kafka import Kafka
from .outbox import CLOSED_WITHIN_S, TAKEN_WITHIN_S, FlushReport, Outbox
from .pseudonyms import Pseudonyms
from .recorder import Submitted, outbox_of
from .wire import evidence_record

PUT_WITHIN_S: Final = 25.0
"""How long `put` may take in all. An outbox gives up earlier, and says why."""


class Register:
    """Publishes evidence records, as a user that may write evidence and nothing else.

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

    def put(self, record: EvidenceRecord | Mapping[str, object]) -> EvidenceRecord:
        """Publish one version of one record and wait until it is durable.

        Raises `InvalidEvent` or `NotRecorded`.
        """
        return self.submit(record).wait(PUT_WITHIN_S, self._outbox.destination)

    def submit(self, record: EvidenceRecord | Mapping[str, object] | bytes) -> Submitted[EvidenceRecord]:
        """Hand one record over, as fields or as JSON; the future is done once it is durable.

        Raises `InvalidEvent`, or `NotRecorded` where too much is under way for too long.
        """
        whole = self.check(record)
        return Submitted(whole, self._outbox.send(evidence_record(whole), TAKEN_WITHIN_S))

    def check(self, record: EvidenceRecord | Mapping[str, object] | bytes) -> EvidenceRecord:
        """Give the record as it would be published, without doing so.

        Raises `InvalidEvent`, also for a record that contradicts itself.
        """
        given = record.model_dump(exclude_unset=True) if isinstance(record, EvidenceRecord) else record
        whole = checked(EvidenceRecord, given, self._pseudonymise)
        contradiction = contradiction_in(whole)
        if contradiction is not None:
            raise InvalidEvent([contradiction])
        return whole

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait until everything handed over is durable; say what is not."""
        return self._outbox.flush(timeout_s)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect. Nothing can be put afterwards."""
        return self._outbox.close(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
