"""The one line: record an access, and know that it is recorded."""

import asyncio
import atexit
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Any, Final, Self

from ._models.access import AccessEvent
from .access import Access, accesses
from .errors import NotRecorded
from .events import EventMaker, Numbering, access_record
from .kafka import Kafka, KafkaOutbox
from .outbox import FlushReport, Outbox
from .pseudonyms import Pseudonyms

RECORDED_WITHIN_S: Final = 15.0
"""How long `record` waits at most; the outbox gives up earlier and says why."""

CLOSED_WITHIN_S: Final = 10.0
SOURCE_VARIABLE: Final = "EARWITNESS_SDK__SOURCE"


class Recorder:
    """Records the accesses that one service sees. Make one for the process and share it.

    `record` and `arecord` return when the event is durable, or raise: `InvalidEvent` where the call
    is wrong, `NotRecorded` where the event may not be durable, so that the access can be refused.
    Safe to use from any thread and after a fork.
    """

    def __init__(
        self,
        *,
        source: str,
        kafka: Kafka | None = None,
        outbox: Outbox | None = None,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        if (kafka is None) == (outbox is None):
            raise TypeError("a Recorder takes either kafka=… or outbox=…")
        self._outbox: Outbox = outbox if outbox is not None else KafkaOutbox(_given(kafka))
        self._events = EventMaker(source)
        self._numbering = Numbering()
        self._pseudonyms = pseudonyms
        self._pid = os.getpid()
        atexit.register(self._close_at_exit)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read `EARWITNESS_SDK__SOURCE` and the variables of `Kafka.from_environment`."""
        return cls(source=environ[SOURCE_VARIABLE], kafka=Kafka.from_environment(environ))

    def record(self, **fields: Any) -> AccessEvent:  # noqa: ANN401 - validated by the contract
        """Record one access and wait until it is durable; give the event, with its id.

        Takes the fields of the access event. `id`, `time` and `source` are filled in where absent.
        """
        event, future = self.submit(**fields)
        try:
            future.result(RECORDED_WITHIN_S)
        except FutureTimeoutError as error:
            raise _unanswered() from error
        return event

    async def arecord(self, **fields: Any) -> AccessEvent:  # noqa: ANN401 - validated by the contract
        """Do as `record` does, without blocking the event loop."""
        event, future = await asyncio.to_thread(self.submit, **fields)
        try:
            async with asyncio.timeout(RECORDED_WITHIN_S):
                await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise _unanswered() from error
        return event

    def submit(self, **fields: Any) -> "tuple[AccessEvent, Future[None]]":  # noqa: ANN401 - validated by the contract
        """Hand one access over without waiting; the future is done once it is durable.

        For bulk work: check every future, or `flush` and read its report.
        """
        if self._pseudonyms is not None:
            fields = self._pseudonyms.applied(fields)
        event = self._events.make(fields)
        if event.producer is None:
            producer, sequence = self._numbering.next()
            event = event.model_copy(update={"producer": producer, "sequence": sequence})
        return event, self._outbox.send(access_record(event))

    def access(self, **fields: Any) -> Access:  # noqa: ANN401 - validated by the contract
        """Record what a `with` (or `async with`) block did, once it ends: succeeded, denied or failed.

        The block may add to the event, as `access.content_bytes = 512`.
        """
        return Access(self.record, self.arecord, fields)

    def accesses(self, **fields: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - any function
        """Record every call of a function, sync or async, with its outcome.

        A value that is callable is called with the function's arguments, by name, to get the field:
        `@recorder.accesses(resource_id=lambda recording, **_: recording.id, …)`.
        """
        return accesses(self.access, fields)

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait until everything recorded so far is durable; say what is not."""
        return self._outbox.flush(timeout_s)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect. Nothing can be recorded afterwards."""
        atexit.unregister(self._close_at_exit)
        return self._outbox.close(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _close_at_exit(self) -> None:
        if self._pid == os.getpid():
            self._outbox.close(CLOSED_WITHIN_S)


def _given(kafka: Kafka | None) -> Kafka:
    if kafka is None:
        raise TypeError("kafka is missing")
    return kafka


def _unanswered() -> NotRecorded:
    return NotRecorded(f"the event was not acknowledged within {RECORDED_WITHIN_S:.0f} s")
