"""Help for the tests of services that record: an outbox that keeps what it is given.

recorder = Recorder(source="/services/recording-api", outbox=(outbox := MemoryOutbox()))
play("rec-9")
assert outbox.events[0]["resource_id"] == "rec-9"
"""

import json
from concurrent.futures import Future
from typing import Any

from .errors import NotRecorded
from .outbox import FlushReport, Outgoing

__all__ = ["MemoryOutbox"]


class MemoryOutbox:
    """An `Outbox` that makes nothing durable; `refusing` makes it act like a Kafka that is down."""

    def __init__(self, *, refusing: str | None = None) -> None:
        self.records: list[Outgoing] = []
        self._refusing = refusing
        self._failed = 0
        self._closed = False

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was recorded, as the JSON objects that would have travelled."""
        return [json.loads(record.value) for record in self.records]

    def send(self, record: Outgoing) -> "Future[None]":
        """Keep the record, or refuse it."""
        future: Future[None] = Future()
        if self._refusing is not None:
            self._failed += 1
            future.set_exception(NotRecorded(self._refusing))
        else:
            self.records.append(record)
            future.set_result(None)
        return future

    def flush(self, timeout_s: float) -> FlushReport:  # noqa: ARG002 - nothing is ever pending
        """Report at once."""
        return FlushReport(len(self.records), self._failed, 0)

    def close(self, timeout_s: float) -> FlushReport:
        """Report at once."""
        return self.flush(timeout_s)
