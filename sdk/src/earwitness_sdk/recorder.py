"""The one line: record an access, and know that it is recorded."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import UTC, datetime
from functools import partial
from time import monotonic, sleep
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
from .outbox import CLOSED_WITHIN_S, TAKEN_WITHIN_S, Dropped, FlushReport, Metrics, NoRoom, Outbox
from .promise import SAFE, Durability, OnFailure, Promise
from .pseudonyms import Pseudonyms
from .spool.outbox import SpoolOutbox
from .spool.settings import Spool
from .wire import access_record

LONGEST_USER_AGENT: Final = 256

COUNTED_ANEW_WITHIN_S: Final = 1.0
"""Nobody holds that lock for longer than a call to an outbox that refuses."""

TRIED_EVERY_S: Final = 0.01
"""How often an outbox that is full is asked again."""

SOURCE_VARIABLE: Final = "EARWITNESS_SDK__SOURCE"
KEY_VARIABLE: Final = "EARWITNESS_SDK__PSEUDONYM_KEY"
KEY_FILE_VARIABLE: Final = "EARWITNESS_SDK__PSEUDONYM_KEY_FILE"

M = TypeVar("M", bound=BaseModel)
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Submitted(NamedTuple, Generic[M]):
    """What was handed over, and the future that is done once it is durable."""

    event: M
    durable: "Future[None]"

    def wait(self, timeout_s: float, destination: str) -> M:
        """Give the event once it is durable. Raises `NotRecorded`."""
        try:
            self.durable.result(max(0.0, timeout_s))
        except FutureTimeoutError as error:
            raise _unacknowledged(destination, timeout_s) from error
        return self.event


class _Draft(NamedTuple):
    """A valid event that nobody has seen, and whether its number is put in when it is handed over."""

    event: AccessEvent
    is_counted: bool

    def number(self, numbering: Numbering) -> None:
        """Put the next number in, in place: a copy of a frozen event costs a tenth of the whole call."""
        if self.is_counted:
            vars(self.event).update(producer=numbering.producer, sequence=numbering.following)


class Recorder:
    """Records the accesses that one service sees. Make one for the process and share it.

    `record` and `arecord` return once the event is durable, or raise: `InvalidEvent` where the call is
    wrong, `NotRecorded` where the event is not known to be durable, so that the access can be refused.
    Durable is what is on disk, in a `spool`; from there it goes to Kafka, also after a crash. With
    `outbox=KafkaOutbox(kafka)` it is what Kafka has. Safe to use from any thread, and after a fork.

    Without `spool` the environment says where it is; see `Spool.from_environment`. Raises `BadSettings`.
    """

    def __init__(
        self,
        *,
        source: str,
        kafka: Kafka | None = None,
        outbox: Outbox | None = None,
        spool: Spool | None = None,
        pseudonymise: Pseudonyms | None = None,
    ) -> None:
        self._source = _checked_source(source)
        self._outbox = _spooling(source, kafka, outbox, spool)
        self._pseudonymise = pseudonymise
        self._ids = IdMaker()
        self.begin_anew()
        renew_in_children(self)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read `EARWITNESS_SDK__SOURCE`, the variables of `Kafka` and `Spool.from_environment`, and, where
        telephone numbers are to be replaced, `EARWITNESS_SDK__PSEUDONYM_KEY` or `…_KEY_FILE`.

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
            spool=Spool.from_environment(environ[SOURCE_VARIABLE], environ),
            pseudonymise=_pseudonyms(environ),
        )

    def record(
        self,
        *,
        durability: Durability = "spool",
        on_failure: OnFailure = "wait",
        **fields: Unpack[AccessFields],
    ) -> AccessEvent:
        """Record one access and wait until it is durable; give the event, with its id.

        `id`, `time` (now), `source`, `producer` and `sequence` are filled in where they are absent.

        With `durability="memory"` it returns at once. The event is on disk some 10 ms later: a crash of
        the process costs the events of that time, and a disk that fails costs all that it did not take
        when the process ends. Only log and metrics tell. Where no memory is left it raises.

        With `on_failure="deny"` it raises within 200 ms where the event cannot be made durable, so that
        the access can be refused. Else it first waits, 10 s for room and 25 s in all; a disk that refuses
        to write is an error at once either way.
        """
        return self.record_fields(fields, Promise(durability, on_failure))

    async def arecord(
        self,
        *,
        durability: Durability = "spool",
        on_failure: OnFailure = "wait",
        **fields: Unpack[AccessFields],
    ) -> AccessEvent:
        """Do as `record` does, without blocking the event loop."""
        return await self.arecord_fields(fields, Promise(durability, on_failure))

    def submit(self, **fields: Unpack[AccessFields]) -> Submitted[AccessEvent]:
        """Hand one access over without waiting until it is durable; for bulk work.

        Look at every future, or `flush` and look at the report.
        """
        return self.submit_fields(fields)

    def access(
        self,
        *,
        durability: Durability = "spool",
        on_failure: OnFailure = "wait",
        **fields: Unpack[KnownFields],
    ) -> Access:
        """Record what a `with` or `async with` block does, once it ends; see `Access`.

        The block may tell more: `access.content_bytes = 512`.
        """
        return Access(self, fields, Promise(durability, on_failure))

    def accesses(
        self, *, durability: Durability = "spool", on_failure: OnFailure = "wait", **fields: FieldSource
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Record every call of a function, sync or async, as `access` does a block.

        Where a field stands in the call's arguments, name them: `resource_id=argument("recording.id")`,
        or give a function of the arguments: `lambda call: call["recording"].id`.
        """
        return accesses(self, fields, Promise(durability, on_failure))

    def record_fields(self, fields: Mapping[str, object], promise: Promise = SAFE) -> AccessEvent:
        """Do as `record` does, with fields that come as a mapping."""
        deadline = monotonic() + promise.waits_s
        draft = self._draft(fields)
        if promise.durability == "memory":
            return self._kept(draft, deadline)
        submitted = self._submitted(draft, min(deadline, monotonic() + TAKEN_WITHIN_S))
        return submitted.wait(deadline - monotonic(), self._outbox.destination)

    async def arecord_fields(self, fields: Mapping[str, object], promise: Promise = SAFE) -> AccessEvent:
        """Do as `arecord` does, with fields that come as a mapping."""
        began = monotonic()
        deadline = began + promise.waits_s
        draft = self._draft(fields)
        if promise.durability == "memory":
            return await self._without_blocking(self._kept, draft, deadline)
        submitted = await self._asubmitted(draft, min(deadline, began + TAKEN_WITHIN_S))
        try:
            async with asyncio.timeout(deadline - monotonic()):
                await asyncio.wrap_future(submitted.durable)
        except TimeoutError as error:
            raise _unacknowledged(self._outbox.destination, monotonic() - began) from error
        return submitted.event

    def submit_fields(self, fields: Mapping[str, object]) -> Submitted[AccessEvent]:
        """Do as `submit` does, with fields that come as a mapping."""
        return self._submitted(self._draft(fields), monotonic() + TAKEN_WITHIN_S)

    def metrics(self) -> Metrics:
        """Tell how much was recorded, what waits where, and what does not work; waits for nothing."""
        return self._outbox.metrics()

    def flush(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Wait until Kafka has everything recorded so far; say what it has not, and where that is."""
        return self._outbox.flush(timeout_s)

    def close(self, timeout_s: float = CLOSED_WITHIN_S) -> FlushReport:
        """Flush and disconnect. Nothing can be recorded afterwards; what is in a spool stays there."""
        return self._outbox.close(timeout_s)

    def begin_anew(self) -> None:
        """Become an instance of its own, with a count of its own."""
        self._order = threading.RLock()
        self._numbering = Numbering()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _draft(self, fields: Mapping[str, object]) -> _Draft:
        is_counted = fields.get("producer") is None and fields.get("sequence") is None
        whole = self._completed(fields)
        if is_counted:
            whole.update(producer=self._numbering.producer, sequence=self._numbering.following)
        return _Draft(checked(AccessEvent, whole, self._pseudonymise), is_counted)

    def _completed(self, fields: Mapping[str, object]) -> dict[str, object]:
        whole = dict(fields)
        if whole.get("id") is None:
            whole["id"] = self._ids.new()
        if whole.get("time") is None:
            whole["time"] = datetime.now(UTC)
        if whole.get("source") is None:
            whole["source"] = self._source
        agent = whole.get("user_agent")
        if isinstance(agent, str):
            whole["user_agent"] = agent[:LONGEST_USER_AGENT]
        return whole

    def _submitted(self, draft: _Draft, deadline: float) -> Submitted[AccessEvent]:
        """Hand the event over; ask again for as long as there is no room."""
        while True:
            try:
                return self._handed_over(draft, deadline)
            except NoRoom:
                if monotonic() + TRIED_EVERY_S > deadline:
                    raise
            sleep(TRIED_EVERY_S)

    async def _asubmitted(self, draft: _Draft, deadline: float) -> Submitted[AccessEvent]:
        while True:
            try:
                return await self._without_blocking(self._handed_over, draft, deadline)
            except NoRoom:
                if monotonic() + TRIED_EVERY_S > deadline:
                    raise
            await asyncio.sleep(TRIED_EVERY_S)

    async def _without_blocking(
        self, call: Callable[[_Draft, float], T], draft: _Draft, deadline: float
    ) -> T:
        if self._outbox.is_local:
            return call(draft, deadline)
        return await asyncio.to_thread(call, draft, deadline)

    def _handed_over(self, draft: _Draft, deadline: float) -> Submitted[AccessEvent]:
        self._await_turn(deadline)
        try:
            numbering = self._numbering
            draft.number(numbering)
            durable = self._outbox.send(access_record(draft.event), max(0.0, deadline - monotonic()))
            if draft.is_counted:
                numbering.advance()
                durable.add_done_callback(partial(self._count_anew, numbering))
        finally:
            self._order.release()
        return Submitted(draft.event, durable)

    def _kept(self, draft: _Draft, deadline: float) -> AccessEvent:
        self._await_turn(deadline)
        try:
            numbering = self._numbering
            draft.number(numbering)
            self._outbox.keep(access_record(draft.event))
            if draft.is_counted:
                numbering.advance()
        finally:
            self._order.release()
        return draft.event

    def _await_turn(self, deadline: float) -> None:
        """Take the lock under which events are counted and handed over: they count in the topic's order."""
        if not self._order.acquire(timeout=max(0.0, deadline - monotonic())):
            raise NotRecorded(f"{self._outbox.destination} takes too long with the accesses before this one")

    def _count_anew(self, numbering: Numbering, durable: "Future[None]") -> None:
        """Begin another count where the last events of this one were dropped, of which their callers know."""
        if not isinstance(durable.exception(), Dropped):
            return
        if self._order.acquire(timeout=COUNTED_ANEW_WITHIN_S):
            if self._numbering is numbering:
                self._numbering = Numbering()
            self._order.release()


def outbox_of(kafka: Kafka | None, outbox: Outbox | None) -> Outbox:
    """Give the outbox that was chosen, or one that leads to Kafka. Raises `BadSettings`."""
    if outbox is not None and kafka is None:
        return outbox
    if kafka is not None and outbox is None:
        return KafkaOutbox(kafka)
    raise BadSettings(["say where to: either kafka=… or outbox=…"])


def _spooling(source: str, kafka: Kafka | None, outbox: Outbox | None, spool: Spool | None) -> Outbox:
    """Give the outbox that was chosen, or a spool before Kafka. Raises `BadSettings`."""
    if kafka is None or outbox is not None:
        return outbox_of(kafka, outbox)
    return SpoolOutbox.to_kafka(Spool.from_environment(source) if spool is None else spool, kafka)


def _unacknowledged(destination: str, waited_s: float) -> NotRecorded:
    return NotRecorded(f"{destination} has not acknowledged it within {waited_s:.1f} s")


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
