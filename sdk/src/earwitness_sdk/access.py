"""An access around a piece of work: a `with` block or a decorated function."""

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Final, ParamSpec, Protocol, Self, TypeVar, cast
from uuid import UUID

from ._models.access import AccessEvent, AccessOutcome, Action, ActorType, ResourceType
from .errors import InvalidEvent
from .fields import CallArguments, FieldSource, FieldValue
from .promise import SAFE, Promise

FIELDS: Final = frozenset(AccessEvent.model_fields)

P = ParamSpec("P")
R = TypeVar("R")


class Records(Protocol):
    """What an access needs of a recorder."""

    def record_fields(self, fields: Mapping[str, object], promise: Promise) -> AccessEvent:
        """Record, and wait until it is durable."""

    async def arecord_fields(self, fields: Mapping[str, object], promise: Promise) -> AccessEvent:
        """Record, and wait without blocking the event loop."""


class Access:
    """One access under way: a `with` or `async with` block. Its attributes are the fields of the event.

    The event is recorded when the block ends: `outcome` is `succeeded`, `denied` where the block raised
    PermissionError, `failed` where it raised anything else; one that the block set itself stays. The
    exception goes on. Where the event cannot be recorded, `NotRecorded` takes its place: hand content
    out after the block.
    """

    __slots__ = (*sorted(FIELDS), "_promise", "_recorder", "event")

    id: str | UUID | None
    time: datetime | str | None
    source: str | None
    producer: str | None
    sequence: int | None
    actor_type: ActorType
    actor_id: str
    organization: str | None
    actor_team: str | None
    action: Action
    resource_type: ResourceType
    resource_id: str
    customer_id: str
    outcome: AccessOutcome | None
    purpose: str | None
    evidence_ref: str | None
    recipient: str | None
    operation_id: str | None
    session_id: str | None
    trace_id: str | None
    ip: str | None
    user_agent: str | None
    item_count: int | None
    content_bytes: int | None

    event: AccessEvent | None
    """The recorded event, once the block has ended."""

    def __init__(self, recorder: Records, fields: Mapping[str, object], promise: Promise = SAFE) -> None:
        refuse_unknown(fields)
        self._recorder = recorder
        self._promise = promise
        self.event = None
        for name, value in fields.items():
            setattr(self, name, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.event = self._recorder.record_fields(self._fields(error), self._promise)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.event = await self._recorder.arecord_fields(self._fields(error), self._promise)

    def _fields(self, error: BaseException | None) -> dict[str, object]:
        fields = {name: getattr(self, name) for name in FIELDS if hasattr(self, name)}
        if error is not None and fields.get("outcome") is None:
            fields["outcome"] = "denied" if isinstance(error, PermissionError) else "failed"
        return fields


class Argument:
    """Finds a field in the arguments of a decorated function's call; see `argument`."""

    def __init__(self, path: str) -> None:
        self.parameter, *self._attributes = path.split(".")

    def __call__(self, call: CallArguments) -> FieldValue:
        """Give the argument, or the attribute of it that the path names."""
        value = functools.reduce(getattr, self._attributes, call[self.parameter])
        return cast("FieldValue", value)  # the contract checks it


def argument(path: str) -> Argument:
    """Take a field from an argument by its name, or from an attribute of it: `argument("user.id")`."""
    return Argument(path)


def refuse_unknown(fields: Mapping[str, object]) -> None:
    """Raise `InvalidEvent` for fields that an access event does not have."""
    unknown = sorted(set(fields) - FIELDS)
    if unknown:
        raise InvalidEvent([(name, "there is no such field") for name in unknown])


def accesses(
    recorder: Records, fields: Mapping[str, FieldSource], promise: Promise = SAFE
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the decorator behind `Recorder.accesses`."""
    refuse_unknown(fields)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            msg = f"{function.__qualname__} is a generator: record inside it, with recorder.access(…)"
            raise TypeError(msg)
        call = _Call(inspect.signature(function), fields)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> object:
                async with Access(recorder, call.fields(*args, **kwargs), promise):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", awaited)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            with Access(recorder, call.fields(*args, **kwargs), promise):
                return function(*args, **kwargs)

        return called

    return decorate


class _Call:
    """Knows how to find the fields of an access in the arguments of a function's call."""

    def __init__(self, signature: inspect.Signature, fields: Mapping[str, FieldSource]) -> None:
        self._signature = signature
        self._sources = fields
        for name, source in fields.items():
            if isinstance(source, Argument) and source.parameter not in signature.parameters:
                msg = f"{name}: the function has no parameter {source.parameter!r}"
                raise TypeError(msg)

    def fields(self, *args: object, **kwargs: object) -> dict[str, FieldValue]:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return {
            name: source(bound.arguments) if callable(source) else source
            for name, source in self._sources.items()
        }
