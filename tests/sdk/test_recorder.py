import asyncio
import re
import threading
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from earwitness_sdk import (
    BadSettings,
    InvalidEvent,
    Kafka,
    NotRecorded,
    Pseudonyms,
    Recorder,
    Spool,
    promise,
    recorder,
)
from earwitness_sdk.outbox import TAKEN_WITHIN_S, FlushReport, Outgoing
from earwitness_sdk.testing import MemoryOutbox

from .builders import SOURCE, a_recorder, fields

KAFKA = Kafka(bootstrap="127.0.0.1:1", username="producer", password="secret")


class StuckOutbox(MemoryOutbox):
    """Takes records over and never says what became of them."""

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        super().send(record, timeout_s)
        never: Future[None] = Future()
        never.set_running_or_notify_cancel()
        return never


class FullOutbox(MemoryOutbox):
    """Takes nothing over, as one whose room is taken."""

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        raise NotRecorded("there is no room")


def test_one_line_records_an_access() -> None:
    """What a service must write at each place where content is touched is one call."""
    recorder, outbox = a_recorder()
    event = recorder.record(**fields(purpose="resolve_complaint", evidence_ref="ticket:TCK-1"))
    assert outbox.events == [event]
    assert (event.actor_id, event.evidence_ref, event.outcome) == ("e-1", "ticket:TCK-1", "succeeded")


def test_what_a_caller_need_not_say_is_filled_in() -> None:
    """The id, the instant, the service and the count: nobody has to think of them."""
    recorder, _ = a_recorder()
    before = datetime.now(UTC)
    event = recorder.record(**fields())
    assert UUID(event.id).version == 7
    assert before <= event.time <= datetime.now(UTC)
    assert event.source == SOURCE
    assert event.producer is not None
    assert event.sequence == 1


def test_what_a_caller_says_is_kept() -> None:
    """An access that is recorded again after a failure must stay the same access."""
    recorder, _ = a_recorder()
    own_id, moment = "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    event = recorder.record(
        **fields(id=UUID(own_id), time=moment, source="/services/other", producer="p-1", sequence=41)
    )
    assert (event.id, event.time, event.source) == (own_id, moment, "/services/other")
    assert (event.producer, event.sequence) == ("p-1", 41)


def test_a_time_is_kept_as_utc() -> None:
    """Services run in many zones; the trail has one."""
    recorder, _ = a_recorder()
    event = recorder.record(**fields(time="2026-01-31T09:30:00+02:00"))
    assert event.time == datetime(2026, 1, 31, 7, 30, tzinfo=UTC)
    assert event.time.utcoffset() == timedelta(0)


def test_the_count_has_no_gap() -> None:
    """A gap is a lost event: a call that was refused must not make one."""
    recorder, outbox = a_recorder()
    recorder.record(**fields())
    with pytest.raises(InvalidEvent):
        recorder.record(**fields(action="stare"))
    recorder.record(**fields())
    assert [event.sequence for event in outbox.events] == [1, 2]
    assert len({event.producer for event in outbox.events}) == 1


def test_the_count_has_no_gap_where_an_outbox_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was never sent was not lost: its caller was told."""
    recorder, outbox = a_recorder()
    monkeypatch.setattr(outbox, "send", FullOutbox().send)
    with pytest.raises(NotRecorded):
        recorder.record(**fields())
    monkeypatch.undo()
    assert recorder.record(**fields()).sequence == 1


def test_the_count_follows_the_order_of_sending() -> None:
    """Whoever looks for gaps reads the topic in its order."""
    recorder, outbox = a_recorder()
    threads = [
        threading.Thread(target=lambda: [recorder.record(**fields()) for _ in range(50)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.sequence for event in outbox.events] == list(range(1, 401))
    assert len({event.id for event in outbox.events}) == 400


def test_two_recorders_are_two_producers() -> None:
    """Each counts for itself, on one host and in one process too."""
    (first, _), (second, _) = a_recorder(), a_recorder()
    assert first.record(**fields()).producer != second.record(**fields()).producer


def test_a_typo_does_not_vanish() -> None:
    """A purpose that is written `porpose` would leave an access unjustified for ever."""
    recorder, outbox = a_recorder()
    typo: Any = {"porpose": "resolve_complaint"}
    with pytest.raises(InvalidEvent) as refused:
        recorder.record(**fields(), **typo)
    assert refused.value.faults == (("porpose", "there is no such field"),)
    outbox.assert_nothing_recorded()


def test_every_fault_is_named_at_once() -> None:
    """By field, and what it wants."""
    recorder, _ = a_recorder()
    faulty: Any = fields(action="stare", customer_id="+15550001111")
    del faulty["actor_id"]
    with pytest.raises(InvalidEvent) as refused:
        recorder.record(**faulty)
    wanted = dict(refused.value.faults)
    assert sorted(wanted) == ["action", "actor_id", "customer_id"]
    assert wanted["actor_id"] == "is required"
    assert "telephone number" in wanted["customer_id"]
    assert "+15550001111" not in str(refused.value)


def test_a_user_agent_is_cut_and_nothing_else_is() -> None:
    """Browsers send any length; no other field may lose its end unseen."""
    recorder, _ = a_recorder()
    assert recorder.record(**fields(user_agent="x" * 999)).user_agent == "x" * 256
    with pytest.raises(InvalidEvent, match="session_id"):
        recorder.record(**fields(session_id="x" * 257))


def test_a_null_is_as_if_it_were_absent() -> None:
    """A service passes on what it has."""
    recorder, outbox = a_recorder()
    recorder.record(**fields(purpose=None, id=None, time=None, source=None))
    assert b"null" not in outbox.records[0].value


def test_an_access_that_is_not_acknowledged_is_an_error() -> None:
    """Fail closed: the service can then refuse the content."""
    recorder, outbox = a_recorder()
    outbox.refusing = True
    with pytest.raises(NotRecorded):
        recorder.record(**fields())
    with pytest.raises(NotRecorded):
        asyncio.run(recorder.arecord(**fields()))
    assert recorder.flush() == FlushReport(acknowledged=0, failed=2, pending=0)


def test_waiting_for_an_acknowledgement_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outbox gives up by itself; should it not, the call does, and says where it waited."""
    monkeypatch.setattr(promise, "RECORDED_WITHIN_S", 0.05)
    stuck = Recorder(source=SOURCE, outbox=StuckOutbox())
    with pytest.raises(NotRecorded, match=r"the memory of a test has not acknowledged it within 0\.[0-9]+ s"):
        stuck.record(**fields())
    with pytest.raises(NotRecorded, match="has not acknowledged"):
        asyncio.run(stuck.arecord(**fields()))


def test_waiting_for_the_turn_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One access that takes long must not hold up all others without limit."""
    monkeypatch.setattr(recorder, "TAKEN_WITHIN_S", 0.05)
    busy, _ = a_recorder()
    refused: list[str] = []

    def record() -> None:
        with pytest.raises(NotRecorded) as error:
            busy.record(**fields())
        refused.append(str(error.value))

    with busy._order:
        waiting = threading.Thread(target=record)
        waiting.start()
        waiting.join()
    assert "takes too long" in refused[0]


def test_an_access_can_be_recorded_without_blocking_an_event_loop() -> None:
    """Hundreds of requests share one thread."""
    recorder, outbox = a_recorder()

    async def serve() -> None:
        await asyncio.gather(*(recorder.arecord(**fields(resource_id=f"rec-{n}")) for n in range(50)))

    asyncio.run(serve())
    assert len(outbox.events) == 50


def test_a_cancelled_request_takes_nothing_back() -> None:
    """The event may be on its way; the outbox's own accounts must not be spoilt."""
    outbox = StuckOutbox()
    stuck = Recorder(source=SOURCE, outbox=outbox)

    async def cancel_one() -> None:
        task = asyncio.create_task(stuck.arecord(**fields()))
        while not outbox.records:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_one())
    assert len(outbox.events) == 1


def test_bulk_work_waits_once() -> None:
    """Each access has its own answer; `flush` tells of all."""
    recorder, _ = a_recorder()
    submitted = [recorder.submit(**fields(resource_id=f"rec-{number}")) for number in range(3)]
    assert recorder.flush(1.0).complete
    assert [one.event.resource_id for one in submitted] == ["rec-0", "rec-1", "rec-2"]
    assert all(one.durable.exception() is None for one in submitted)


def test_a_closed_recorder_records_nothing() -> None:
    """And says so: silence would be a hole in the trail."""
    recorder, _ = a_recorder()
    with recorder:
        recorder.record(**fields())
    with pytest.raises(NotRecorded, match="closed"):
        recorder.record(**fields())


@pytest.mark.parametrize("source", ["", "has space", "x" * 201])
def test_a_source_that_no_event_may_have_is_refused_at_the_start(source: str) -> None:
    """Not at the first access, in production."""
    with pytest.raises(BadSettings, match="source"):
        Recorder(source=source, outbox=MemoryOutbox())


def test_a_recorder_has_exactly_one_way_out(tmp_path: Path) -> None:
    """Neither none nor two."""
    with pytest.raises(BadSettings, match="either"):
        Recorder(source=SOURCE)
    with pytest.raises(BadSettings, match="either"):
        Recorder(source=SOURCE, kafka=KAFKA, outbox=MemoryOutbox())
    with pytest.raises(BadSettings, match="either"):
        Recorder(source=SOURCE, spool=Spool(tmp_path))


def test_telephone_numbers_are_replaced_where_a_key_is_given() -> None:
    """A platform whose customers are numbers can still be watched."""
    outbox = MemoryOutbox()
    recorder = Recorder(source=SOURCE, outbox=outbox, pseudonymise=Pseudonyms(b"k" * 32))
    event = recorder.record(**fields(customer_id="+15550001111"))
    assert re.fullmatch(r"tel-[0-9a-f]{32}", event.customer_id)
    assert b"15550001111" not in outbox.records[0].value


def test_a_recorder_can_be_made_from_the_environment(tmp_path: Path) -> None:
    """As containers are configured."""
    made = Recorder.from_environment(
        {
            "EARWITNESS_SDK__SOURCE": "/services/x",
            "EARWITNESS_KAFKA__BOOTSTRAP": "broker:9092",
            "EARWITNESS_KAFKA__USERNAME": "producer",
            "EARWITNESS_KAFKA__PASSWORD": "secret",
            "EARWITNESS_SDK__PSEUDONYM_KEY": "k" * 32,
            "EARWITNESS_SDK__SPOOL": str(tmp_path),
        }
    )
    assert made._source == "/services/x"
    assert made._outbox.destination == f"the spool {tmp_path} before Kafka broker:9092"
    assert made._pseudonymise is not None


def test_a_missing_variable_is_named() -> None:
    """A deployment that forgot one must not start."""
    with pytest.raises(BadSettings, match="EARWITNESS_SDK__SOURCE is not set"):
        Recorder.from_environment({})
    with pytest.raises(BadSettings, match="EARWITNESS_KAFKA__BOOTSTRAP is not set"):
        Recorder.from_environment({"EARWITNESS_SDK__SOURCE": "/services/x"})
