"""What a register publishes: evidence that may justify accesses."""

from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final

from ._models.evidence import EvidenceRecord
from .errors import NotRecorded
from .events import checked, evidence_record
from .kafka import Kafka, KafkaOutbox
from .outbox import FlushReport, Outbox
from .pseudonyms import Pseudonyms

PUT_WITHIN_S: Final = 15.0
CLOSED_WITHIN_S: Final = 10.0


class Register:
    """Publishes evidence records as a user that may write evidence and nothing else."""

    def __init__(
        self,
        *,
        kafka: Kafka | None = None,
        outbox: Outbox | None = None,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        if outbox is None:
            if kafka is None:
                raise TypeError("a Register takes either kafka=… or outbox=…")
            outbox = KafkaOutbox(kafka)
        self._outbox = outbox
        self._pseudonyms = pseudonyms

    def put(self, **fields: Any) -> EvidenceRecord:  # noqa: ANN401 - validated by the contract
        """Publish one version of one record and wait until it is durable.

        Raises `InvalidEvent` or `NotRecorded`.
        """
        record, future = self.submit(fields)
        try:
            future.result(PUT_WITHIN_S)
        except FutureTimeoutError as error:
            raise NotRecorded(f"the record was not acknowledged within {PUT_WITHIN_S:.0f} s") from error
        return record

    def submit(self, record_or_json: Mapping[str, Any] | bytes) -> "tuple[EvidenceRecord, Future[None]]":
        """Hand one record over, as fields or as JSON; the future is done once it is durable."""
        record = checked(EvidenceRecord, record_or_json, self._pseudonyms)
        return record, self._outbox.send(evidence_record(record))

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait until everything handed over is durable; say what is not."""
        return self._outbox.flush(timeout_s)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect."""
        return self._outbox.close(timeout_s)
