"""Help for the tests of services that record: an outbox that keeps what it is given.

outbox = MemoryOutbox()
recorder = Recorder(source="/services/recording-api", outbox=outbox)
play(recorder, "rec-9")
outbox.assert_recorded(action="listen", resource_id="rec-9")
"""

import json
import threading
from concurrent.futures import Future
from typing import Final, Unpack

from ._models.access import AccessEvent
from ._models.evidence import EvidenceRecord
from ._models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from .errors import NotRecorded
from .fields import KnownFields
from .outbox import TAKEN_WITHIN_S, FlushReport, Metrics, Outgoing

__all__ = ["MemoryOutbox"]


class MemoryOutbox:
    """An `Outbox` that keeps records in memory. Set `refusing` to act like a disk that is full."""

    is_local: Final = True

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.refusing = False
        self._failed = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def destination(self) -> str:
        """Say that this is no real place."""
        return "the memory of a test"

    @property
    def events(self) -> list[AccessEvent]:
        """The accesses that were recorded, in their order."""
        return [
            AccessEvent.model_validate_json(record.value)
            for record in self.records
            if record.topic == ACCESS_EVENTS
        ]

    @property
    def evidence(self) -> list[EvidenceRecord]:
        """The evidence that was put, in its order."""
        return [
            EvidenceRecord.model_validate_json(record.value)
            for record in self.records
            if record.topic == EVIDENCE_RECORDS
        ]

    def assert_recorded(self, **fields: Unpack[KnownFields]) -> AccessEvent:
        """Give the one event that has all these fields; AssertionError where there is none, or several."""
        found = [
            event
            for event in self.events
            if all(getattr(event, name) == value for name, value in fields.items())
        ]
        if len(found) != 1:
            shown = "\n".join(json.dumps(json.loads(record.value)) for record in self.records)
            raise AssertionError(f"{len(found)} accesses have {fields}; recorded were:\n{shown or 'none'}")
        return found[0]

    def assert_nothing_recorded(self) -> None:
        """Raise AssertionError where any access was recorded."""
        if self.events:
            raise AssertionError(f"{len(self.events)} accesses were recorded: {self.events}")

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":  # noqa: ARG002 - never full
        """Keep the record, or refuse it."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._closed:
                raise NotRecorded(f"{record.topic}: the outbox to {self.destination} is closed")
            if self.refusing:
                self._failed += 1
            else:
                self.records.append(record)
        if self.refusing:
            future.set_exception(NotRecorded(f"{record.topic}: this outbox refuses, as the test wants it to"))
        else:
            future.set_result(None)
        return future

    def keep(self, record: Outgoing) -> None:
        """Keep the record, or refuse it where nobody hears."""
        self.send(record)

    def metrics(self) -> Metrics:
        """Tell what was recorded."""
        return Metrics.of(self.flush(0))

    def flush(self, timeout_s: float) -> FlushReport:  # noqa: ARG002 - nothing is ever pending
        """Report at once."""
        return FlushReport(len(self.records), self._failed, 0)

    def close(self, timeout_s: float) -> FlushReport:
        """Report at once, and take nothing more."""
        self._closed = True
        return self.flush(timeout_s)
