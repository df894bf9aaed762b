import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
from earwitness_sdk import AccessEvent, InvalidEvent, NotRecorded, argument
from earwitness_sdk.access import Access
from earwitness_sdk.fields import AccessFields, KnownFields

from .builders import a_recorder, fields


class Recording(NamedTuple):
    id: str
    customer: str


KNOWN: Any = {"actor_type": "employee", "action": "listen", "resource_type": "call_recording"}
OURS: Any = {
    **KNOWN,
    "actor_id": argument("user"),
    "resource_id": argument("recording.id"),
    "customer_id": lambda call: call["recording"].customer,
}
RECORDING = Recording("rec-9", "acme")


def test_a_block_is_recorded_when_it_ends() -> None:
    """What it found out on the way is part of the event."""
    recorder, outbox = a_recorder()
    with recorder.access(**fields()) as access:
        outbox.assert_nothing_recorded()
        access.content_bytes = 512
    event = outbox.assert_recorded(resource_id="rec-9")
    assert (event.content_bytes, event.outcome) == (512, "succeeded")
    assert access.event == event


def test_a_block_may_learn_whose_content_it_is() -> None:
    """The customer is often known only once the recording is."""
    recorder, outbox = a_recorder()
    with recorder.access(**KNOWN, actor_id="e-1", resource_id="rec-9") as access:
        access.customer_id = "acme"
    outbox.assert_recorded(customer_id="acme")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(PermissionError("no"), "denied"), (OSError("gone"), "failed"), (KeyboardInterrupt(), "failed")],
)
def test_an_exception_is_the_outcome_and_goes_on(error: BaseException, outcome: str) -> None:
    """A denied or failed attempt is judged like a success; the service's own error must reach its caller."""
    recorder, outbox = a_recorder()
    with pytest.raises(type(error)) as raised, recorder.access(**fields()):
        raise error
    assert raised.value is error
    assert outbox.events[0].outcome == outcome


def test_an_outcome_that_the_service_set_stays() -> None:
    """The service knows better than the type of an exception."""
    recorder, outbox = a_recorder()
    access = recorder.access(**fields(outcome="denied"))
    with pytest.raises(LookupError), access:
        raise LookupError
    assert outbox.events[0].outcome == "denied"


def test_a_block_works_in_an_event_loop() -> None:
    """With `async with`, so that the loop goes on meanwhile."""
    recorder, outbox = a_recorder()

    async def serve() -> None:
        async with recorder.access(**fields()) as access:
            access.item_count = 3
        with pytest.raises(PermissionError):
            async with recorder.access(**fields()):
                raise PermissionError

    asyncio.run(serve())
    assert [(event.item_count, event.outcome) for event in outbox.events] == [
        (3, "succeeded"),
        (None, "denied"),
    ]


def test_a_field_that_there_is_not_is_refused_where_it_is_set() -> None:
    """A typo must not vanish."""
    recorder, _ = a_recorder()
    unknown: Any = {"colour": "red"}
    with pytest.raises(InvalidEvent, match="colour: there is no such field"):
        recorder.access(**fields(), **unknown)
    access: Any = recorder.access(**fields())
    with pytest.raises(AttributeError):
        access.colour = "red"


def test_a_function_is_recorded_at_every_call() -> None:
    """With its arguments: by name, by an attribute, or by a function of all."""
    recorder, outbox = a_recorder()

    @recorder.accesses(**OURS, purpose="resolve_complaint")
    def play(user: str, recording: Recording, volume: int = 3) -> str:
        """Play it."""
        return f"{user} plays {recording.id} at {volume}"

    assert play("e-1", recording=RECORDING) == "e-1 plays rec-9 at 3"
    event = outbox.assert_recorded(actor_id="e-1", resource_id="rec-9", customer_id="acme")
    assert event.purpose == "resolve_complaint"
    assert (play.__name__, play.__doc__) == ("play", "Play it.")


def test_a_default_argument_counts_as_given() -> None:
    """What the function works with is what was touched."""
    recorder, outbox = a_recorder()

    @recorder.accesses(**KNOWN, actor_id="e-1", customer_id="acme", resource_id=argument("name"))
    def play(name: str = "rec-1") -> str:
        return name

    play()
    outbox.assert_recorded(resource_id="rec-1")


def test_a_coroutine_function_is_recorded_when_it_ends() -> None:
    """Not when it is called: nothing was touched yet."""
    recorder, outbox = a_recorder()

    @recorder.accesses(**OURS)
    async def play(user: str, recording: Recording) -> str:
        outbox.assert_nothing_recorded()
        await asyncio.sleep(0)
        return recording.id

    assert asyncio.run(play("e-1", RECORDING)) == "rec-9"
    outbox.assert_recorded(actor_id="e-1")


def test_the_outcome_of_a_function_is_that_of_its_exception() -> None:
    """Attempts count."""
    recorder, outbox = a_recorder()

    @recorder.accesses(**OURS)
    def refuse(user: str, recording: Recording) -> None:
        raise PermissionError(user)

    @recorder.accesses(**OURS)
    async def fail(user: str, recording: Recording) -> None:
        raise OSError(user)

    with pytest.raises(PermissionError):
        refuse("e-1", RECORDING)
    with pytest.raises(OSError, match="e-2"):
        asyncio.run(fail("e-2", RECORDING))
    assert [event.outcome for event in outbox.events] == ["denied", "failed"]


def test_nothing_is_handed_out_that_is_not_recorded() -> None:
    """Fail closed: the caller gets the error in place of the content."""
    recorder, outbox = a_recorder()
    outbox.refusing = True

    @recorder.accesses(**OURS)
    def play(user: str, recording: Recording) -> str:
        return "content"

    with pytest.raises(NotRecorded):
        play("e-1", RECORDING)


def test_an_unrecorded_failure_keeps_its_cause() -> None:
    """Both things went wrong, and both must be seen."""
    recorder, outbox = a_recorder()
    outbox.refusing = True
    with pytest.raises(NotRecorded) as raised, recorder.access(**fields()):
        raise OSError("gone")
    assert isinstance(raised.value.__context__, OSError) or isinstance(
        getattr(raised.value.__context__, "__context__", None), OSError
    )


def test_a_function_is_not_called_where_its_ids_cannot_be_told() -> None:
    """Who touched what must be known before it happens."""
    recorder, _ = a_recorder()
    called = []

    @recorder.accesses(**(OURS | {"actor_id": argument("user.id")}))
    def play(user: str, recording: Recording) -> None:
        called.append(user)

    with pytest.raises(AttributeError):
        play("e-1", RECORDING)
    assert called == []


def test_a_decorator_that_cannot_work_is_refused_where_it_stands() -> None:
    """At import, not at the first request."""
    recorder, _ = a_recorder()

    def play(name: str) -> str:
        return name

    def stream(user: str, recording: Recording) -> Iterator[bytes]:
        yield b""

    async def astream(user: str, recording: Recording) -> AsyncIterator[bytes]:
        yield b""

    with pytest.raises(TypeError, match="no parameter 'user'"):
        recorder.accesses(**OURS)(play)
    with pytest.raises(InvalidEvent, match="colour"):
        recorder.accesses(**OURS, colour="red")
    for generator in (stream, astream):
        with pytest.raises(TypeError, match=r"stream is a generator: .* recorder\.access"):
            recorder.accesses(**OURS)(generator)


@pytest.mark.parametrize("typed", [AccessFields, KnownFields, Access])
def test_the_types_name_every_field_of_the_contract(typed: type) -> None:
    """A field that is added to the contract must be usable, and checked, at once."""
    names: set[str] = set()
    for part in (*getattr(typed, "__orig_bases__", ()), typed):
        names |= set(getattr(part, "__annotations__", ()))
    assert names - {"event"} == set(AccessEvent.model_fields)


def test_the_types_require_what_the_contract_requires() -> None:
    """A type checker then finds a call that would be refused; what is filled in need not be said."""
    required = {name for name, field in AccessEvent.model_fields.items() if field.is_required()}
    assert AccessFields.__required_keys__ == required - {"id", "time", "source"}
    assert KnownFields.__required_keys__ == frozenset()
