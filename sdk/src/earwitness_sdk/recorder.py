"""The one line: record an access, and know that it is recorded."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import UTC, datetime
from time import monotonic
from types import TracebackType
from typing import Final, Generic, NamedTuple, ParamSpec, Self, TypeVar, Unpack

from pydantic import BaseModel, TypeAdapter, ValidationError

from ._models.access import AccessEvent
from ._models.fields import Source
from .access import Access, accesses
from .checking import checked
from .errors import BadSettings, NotRecorded
from .fields import AccessFields, FieldSource, KnownFields
from .forks import renew_in_children
from .ids import IdMaker
from .kafka import Kafka, secret_from
from .kafka_outbox import KafkaOutbox
from .numbering import Numbering
from .outbox import CLOSED_WITHIN_S, TAKEN_WITHIN_S, FlushReport, Outbox
from .pseudonyms import Pseudonyms
from .wire import access_record

RECORDED_WITHIN_S: Final = 25.0
"""How long `record` may take in all. An outbox gives up earlier, and says why."""

LONGEST_USER_AGENT: Final = 256

SOURCE_VARIABLE: Final = "EARWITNESS_SDK__SOURCE"
KEY_VARIABLE: Final = "EARWITNESS_SDK__PSEUDONYM_KEY"
KEY_FILE_VARIABLE: Final = "EARWITNESS_SDK__PSEUDONYM_KEY_FILE"

M = TypeVar("M", bound=BaseModel)
P = ParamSpec("P")
R = TypeVar("R")


class Submitted(NamedTuple, Generic[M]):
    """What was handed over, and the future that is done once it is durable."""

    event: M
    durable: "Future[None]"

    def wait(self, timeout_s: float, destination: str) -> M:
        """Give the event once it is durable. Raises `NotRecorded`."""
        try:
            self.durable.result(max(0.0, timeout_s))
        except FutureTimeoutError as error:
            raise NotRecorded(f"{destination} has not acknowledged it within {timeout_s:.1f} s") from error
        return self.event


class Recorder:
    """Records the accesses that one service sees. Make one for the process and share it.

    `record` and `arecord` return once the event is durable, or raise: `InvalidEvent` where the call is
    wrong, `NotRecorded` where the event is not known to be durable, so that the access can be refused.
    Safe to use from any thread, and after a fork. Raises `BadSettings`.
    """

    def __init__(
        self,
        *,
        source: str,
        kafka: Kafka | None = None,
        outbox: Outbox | None = None,
        pseudonymise: Pseudonyms | None = None,
    ) -> None:
        self._outbox = outbox_of(kafka, outbox)
        self._source = _checked_source(source)
        self._pseudonymise = pseudonymise
        self._ids = IdMaker()
        self.begin_anew()
        renew_in_children(self)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read `EARWITNESS_SDK__SOURCE`, the variables of `Kafka.from_environment`, and, where telephone
        numbers are to be replaced, `EARWITNESS_SDK__PSEUDONYM_KEY` or `…_KEY_FILE`.

        Raises `BadSettings`.
        """  # noqa: D205 - one sentence
        environ = os.environ if environ is None else environ
        if SOURCE_VARIABLE not in environ:
            raise BadSettings(
                [f"{SOURCE_VARIABLE} is not set; it names the service, as /services/recording-api"]
            )
        return cls(
            source=environ[SOURCE_VARIABLE],
            kafka=Kafka.from_environment(environ),
            pseudonymise=_pseudonyms(environ),
        )

    def record(self, **fields: Unpack[AccessFields]) -> AccessEvent:
        """Record one access and wait until it is durable; give the event, with its id.

        `id`, `time` (now), `source`, `producer` and `sequence` are filled in where they are absent.
        """
        return self.record_fields(fields)

    async def arecord(self, **fields: Unpack[AccessFields]) -> AccessEvent:
        """Do as `record` does, without blocking the event loop."""
        return await self.arecord_fields(fields)

    def submit(self, **fields: Unpack[AccessFields]) -> Submitted[AccessEvent]:
        """Hand one access over without waiting until it is durable; for bulk work.

        Look at every future, or `flush` and look at the report.
        """
        return self.submit_fields(fields)

    def access(self, **fields: Unpack[KnownFields]) -> Access:
        """Record what a `with` or `async with` block does, once it ends; see `Access`.

        The block may tell more: `access.content_bytes = 512`.
        """
        return Access(self, fields)

    def accesses(self, **fields: FieldSource) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Record every call of a function, sync or async, as `access` does a block.

        Where a field stands in the call's arguments, name them: `resource_id=argument("recording.id")`,
        or give a function of the arguments: `lambda call: call["recording"].id`.
        """
        return accesses(self, fields)

    def record_fields(self, fields: Mapping[str, object]) -> AccessEvent:
        """Do as `record` does, with fields that come as a mapping."""
        deadline = monotonic() + RECORDED_WITHIN_S
        return self.submit_fields(fields).wait(deadline - monotonic(), self._outbox.destination)

    async def arecord_fields(self, fields: Mapping[str, object]) -> AccessEvent:
        """Do as `arecord` does, with fields that come as a mapping."""
        deadline = monotonic() + RECORDED_WITHIN_S
        submitted = await asyncio.to_thread(self.submit_fields, fields)
        try:
            async with asyncio.timeout(deadline - monotonic()):
                await asyncio.wrap_future(submitted.durable)
        except TimeoutError as error:
            message = f"{self._outbox.destination} has not acknowledged it within {RECORDED_WITHIN_S:.1f} s"
            raise NotRecorded(message) from error
        return submitted.event

    def submit_fields(self, fields: Mapping[str, object]) -> Submitted[AccessEvent]:
        """Do as `submit` does, with fields that come as a mapping."""
        event = checked(AccessEvent, self._completed(fields), self._pseudonymise)
        deadline = monotonic() + TAKEN_WITHIN_S
        if not self._order.acquire(timeout=TAKEN_WITHIN_S):
            raise NotRecorded(f"{self._outbox.destination} takes too long with the accesses before this one")
        try:
            return self._handed_over(event, max(0.0, deadline - monotonic()))
        finally:
            self._order.release()

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait until everything recorded so far is durable; say what is not."""
        return self._outbox.flush(timeout_s)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect. Nothing can be recorded afterwards."""
        return self._outbox.close(timeout_s)

    def begin_anew(self) -> None:
        """Become an instance of its own, with a count of its own."""
        self._order = threading.Lock()
        self._numbering = Numbering()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _completed(self, fields: Mapping[str, object]) -> dict[str, object]:
        whole = {name: value for name, value in fields.items() if value is not None}
        if "id" not in whole:
            whole["id"] = self._ids.new()
        if "time" not in whole:
            whole["time"] = datetime.now(UTC)
        whole.setdefault("source", self._source)
        agent = whole.get("user_agent")
        if isinstance(agent, str):
            whole["user_agent"] = agent[:LONGEST_USER_AGENT]
        return whole

    def _handed_over(self, event: AccessEvent, timeout_s: float) -> Submitted[AccessEvent]:
        """Count the event and hand it over, under the lock: the count is in the order of the topic."""
        if event.producer is not None or event.sequence is not None:
            return Submitted(event, self._outbox.send(access_record(event), timeout_s))
        numbering = self._numbering
        counted = event.model_copy(update={"producer": numbering.producer, "sequence": numbering.following})
        durable = self._outbox.send(access_record(counted), timeout_s)
        numbering.advance()
        return Submitted(counted, durable)


def outbox_of(kafka: Kafka | None, outbox: Outbox | None) -> Outbox:
    """Give the outbox that was chosen, or one that leads to Kafka. Raises `BadSettings`."""
    if outbox is not None and kafka is None:
        return outbox
    if kafka is not None and outbox is None:
        return KafkaOutbox(kafka)
    raise BadSettings(["say where to: either kafka=… or outbox=…"])


def _checked_source(source: str) -> str:
    try:
        return TypeAdapter[str](Source).validate_python(source, strict=True)
    except ValidationError as error:
        wanted = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise BadSettings([f"source: {source!r} {wanted}"]) from error


def _pseudonyms(environ: Mapping[str, str]) -> Pseudonyms | None:
    if KEY_FILE_VARIABLE in environ:
        return Pseudonyms(secret_from(environ, KEY_FILE_VARIABLE))
    if KEY_VARIABLE in environ:
        return Pseudonyms(environ[KEY_VARIABLE].strip().encode())
    return None
