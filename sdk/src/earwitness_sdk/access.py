"""An access around a piece of work: a `with` block or a decorated function."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from ._models.access import AccessEvent

Record = Callable[..., AccessEvent]
ARecord = Callable[..., Awaitable[AccessEvent]]


class Access:
    """One access under way. Attributes that are set on it become fields of its event."""

    event: AccessEvent | None
    """The recorded event, once the block has ended."""

    _record: Record
    _arecord: ARecord
    _fields: dict[str, Any]

    def __init__(self, record: Record, arecord: ARecord, fields: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_arecord", arecord)
        object.__setattr__(self, "_fields", dict(fields))
        object.__setattr__(self, "event", None)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in AccessEvent.model_fields:
            raise AttributeError(f"{name} is no field of an access event")
        self._fields[name] = value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        object.__setattr__(self, "event", self._record(**self._outcome(error)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        object.__setattr__(self, "event", await self._arecord(**self._outcome(error)))

    def _outcome(self, error: BaseException | None) -> dict[str, Any]:
        if error is None:
            return self._fields
        outcome = "denied" if isinstance(error, PermissionError) else "failed"
        return {**self._fields, "outcome": outcome}


def accesses(open_access: Callable[..., Access], fields: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Make the decorator behind `Recorder.accesses`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        def opened(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Access:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            named = dict(bound.arguments)
            return open_access(
                **{name: value(**named) if callable(value) else value for name, value in fields.items()}
            )

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the function's own
                async with opened(args, kwargs):
                    return await function(*args, **kwargs)

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the function's own
            with opened(args, kwargs):
                return function(*args, **kwargs)

        return called

    return decorate
