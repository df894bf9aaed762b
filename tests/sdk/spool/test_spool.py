"""What a spool promises, with a Kafka that comes and goes in memory."""

import asyncio
import errno
import itertools
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from earwitness_sdk import BadSettings, NotRecorded, Recorder, Spool, SpoolOutbox, recorder
from earwitness_sdk.outbox import NoRoom
from earwitness_sdk.promise import DENIED_WITHIN_S
from earwitness_sdk.spool import journal, quarantine
from earwitness_sdk.spool.parts import Part, Place
from earwitness_sdk.testing import MemoryOutbox

from .builders import (
    SOON_S,
    Broker,
    a_recorder,
    a_spool,
    fields,
    kept_aside,
    leave,
    outgoing,
    put,
    segments_in,
    sent_from,
    wait_for,
)

SMALL = 65_536
DENY: Any = {"on_failure": "deny"}
IN_MEMORY: Any = {"durability": "memory"}


@pytest.fixture
def hung_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk whose syncs do not return before the event is set."""
    goes_on = threading.Event()

    def hang(file: int) -> None:
        goes_on.wait(SOON_S)
        os.fsync(file)

    monkeypatch.setattr(journal, "synced", hang)
    yield goes_on
    goes_on.set()


def fail_with(number: int) -> Any:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_record_is_on_disk_when_the_call_returns(tmp_path: Path) -> None:
    """Kafka need not be there for that."""
    with a_spool(tmp_path, Broker(up=False)) as outbox:
        put(outbox, b"heard")
        (segment,) = segments_in(tmp_path)
        assert b"heard" in segment.read_bytes()
        report = outbox.flush(0)
    assert (report.pending, report.on_disk, report.acknowledged) == (1, 1, 0)
    assert report.durable
    assert not report.complete


def test_what_waits_on_disk_is_sent_once_kafka_is_back(tmp_path: Path) -> None:
    """By itself, in the order in which it was recorded."""
    broker = Broker(up=False)
    values = [b"%d" % number for number in range(300)]
    with a_spool(tmp_path, broker) as outbox:
        put(outbox, *values)
        broker.up = True
        assert outbox.flush(SOON_S).complete
    assert broker.values == values


def test_what_a_process_left_is_sent_by_the_next_one(tmp_path: Path) -> None:
    """It need not record anything itself."""
    leave(tmp_path, b"left")
    assert sent_from(tmp_path).values == [b"left"]


def test_nothing_is_left_in_the_folder_once_everything_was_sent(tmp_path: Path) -> None:
    """A folder that only grows is a disk that fills up."""
    leave(tmp_path, b"left")
    with a_spool(tmp_path, Broker()) as outbox:
        put(outbox, b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_part_is_sent_while_others_are_at_work(tmp_path: Path) -> None:
    """Of several workers one was killed; the others do not wait for a restart."""
    broker = Broker()
    with a_spool(tmp_path, broker) as living:
        put(living, b"mine")
        leave(tmp_path, b"of the dead")
        assert living.flush(SOON_S).complete
    assert sorted(broker.values) == [b"mine", b"of the dead"]


def test_a_part_whose_owner_lives_is_left_alone(tmp_path: Path) -> None:
    """Two processes that send the same would both send for ever."""
    broker = Broker()
    with a_spool(tmp_path, Broker(up=False)) as owner:
        put(owner, b"mine")
        with a_spool(tmp_path, broker) as other:
            assert other.flush(0.5).complete
        assert broker.values == []
        assert owner.flush(0).pending == 1


def test_a_segment_is_deleted_when_all_of_it_was_sent(tmp_path: Path) -> None:
    """Not only at the end of the process."""
    broker = Broker(up=False)
    with a_spool(tmp_path, broker, most_disk_bytes=SMALL * 8) as outbox:
        for number in range(10):
            put(outbox, b"%d" % number * 20_000)
        assert len(segments_in(tmp_path)) > 1
        broker.up = True
        assert outbox.flush(SOON_S).complete
        wait_for(lambda: len(segments_in(tmp_path)) <= 1)


def test_a_cursor_saves_sending_everything_again(tmp_path: Path) -> None:
    """After a kill only what was sent since the last note is sent twice."""
    broker = Broker()
    with a_spool(tmp_path, broker) as outbox:
        put(outbox, b"sent")
        assert outbox.flush(SOON_S).complete
        broker.up = False
        put(outbox, b"not sent")
    assert sent_from(tmp_path).values == [b"not sent"]


@pytest.mark.parametrize("cursor", [b"", b"nonsense", b"00000001-x.records 1 1 00000000\n"])
def test_a_lost_cursor_only_makes_records_come_twice(tmp_path: Path, cursor: bytes) -> None:
    """The same identity is one row; a record that is passed over would be none."""
    broker = Broker()
    with a_spool(tmp_path, broker) as outbox:
        put(outbox, b"sent")
        outbox.flush(SOON_S)
        broker.up = False
        put(outbox, b"not sent")
    (path,) = tmp_path.glob("part-*/cursor")
    path.write_bytes(cursor)
    assert sent_from(tmp_path).values == [b"sent", b"not sent"]


def test_a_cursor_that_leads_into_a_record_is_not_believed(tmp_path: Path) -> None:
    """Nothing is passed over, and nothing reported as damaged."""
    (segment,) = leave(tmp_path, b"one", b"two")
    Part(segment.parent, -1).write_cursor(Place(segment.name, 5, 1))
    assert sent_from(tmp_path).values == [b"one", b"two"]
    assert kept_aside(tmp_path) == []


def test_good_records_before_and_after_damage_are_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The bad bytes are cut off, kept aside and reported."""
    (segment,) = leave(tmp_path, b"first", b"second", b"third")
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b"second", b"sEcond"))
    broker = Broker()
    with caplog.at_level(logging.ERROR, "earwitness_sdk"), a_spool(tmp_path, broker) as outbox:
        report = outbox.flush(SOON_S)
    assert broker.values == [b"first", b"third"]
    assert (report.acknowledged, report.quarantined, report.complete) == (2, 1, False)
    (kept,) = kept_aside(tmp_path)
    assert b"sEcond" in kept
    assert b"first" not in kept
    assert f"are damaged; they are kept in {tmp_path}/quarantine/" in caplog.text


def test_a_torn_tail_is_cut_off(tmp_path: Path) -> None:
    """A kill in the middle of a write leaves the beginning of a record that nobody was promised."""
    (segment,) = leave(tmp_path, b"whole", b"torn off")
    content = segment.read_bytes()
    segment.write_bytes(content[:-3])
    assert sent_from(tmp_path).values == [b"whole"]
    assert [b"torn" in kept for kept in kept_aside(tmp_path)] == [True]
    assert segments_in(tmp_path) == []


def test_damage_of_a_living_process_is_in_its_accounts(tmp_path: Path) -> None:
    """What was promised and is gone counts as failed: nobody else would tell."""
    broker = Broker(up=False)
    with a_spool(tmp_path, broker) as outbox:
        put(outbox, b"first", b"second", b"third")
        (segment,) = segments_in(tmp_path)
        content = segment.read_bytes()
        with segment.open("r+b") as file:
            file.write(content.replace(b"second", b"sEcond").replace(b"third", b"tHird"))
        broker.up = True
        report = outbox.flush(SOON_S)
    assert broker.values == [b"first"]
    assert (report.acknowledged, report.failed, report.pending) == (1, 2, 0)


def test_a_record_that_kafka_will_never_take_holds_nothing_up(tmp_path: Path) -> None:
    """It is kept aside, and those behind it are sent."""
    broker = Broker()
    broker.hated = b"large"
    with a_spool(tmp_path, broker) as outbox:
        put(outbox, b"first", b"large", b"third")
        report = outbox.flush(SOON_S)
    assert broker.values == [b"first", b"third"]
    assert (report.failed, report.quarantined, report.pending) == (1, 1, 0)
    assert b"large" in kept_aside(tmp_path)[0]


def test_damage_that_cannot_be_copied_stays_in_its_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the whole segment is moved aside, which takes no room."""
    (segment,) = leave(tmp_path, b"first", b"second")
    segment.write_bytes(segment.read_bytes()[:-1])
    monkeypatch.setattr(quarantine, "write_all", fail_with(errno.ENOSPC))
    assert sent_from(tmp_path).values == [b"first"]
    assert [b"secon" in kept for kept in kept_aside(tmp_path)] == [True]


def test_segments_that_were_deleted_under_a_living_process_are_missed(tmp_path: Path) -> None:
    """Somebody cleaned up; the report says how many records that cost."""
    broker = Broker(up=False)
    with a_spool(tmp_path, broker) as outbox:
        put(outbox, b"one", b"two")
        shutil.rmtree(next(tmp_path.glob("part-*")))
        put(outbox, b"three")
        broker.up = True
        report = outbox.flush(SOON_S)
    assert broker.values == [b"three"]
    assert (report.acknowledged, report.failed, report.pending) == (1, 2, 0)


def test_a_folder_that_vanished_is_a_clear_error(tmp_path: Path) -> None:
    """A volume that is gone; once it is back the next record is taken."""
    folder = tmp_path / "spool"
    with a_spool(folder, Broker(up=False)) as outbox:
        put(outbox, b"one")
        folder.rename(tmp_path / "elsewhere")
        shutil.rmtree(tmp_path / "elsewhere")
        with pytest.raises(NotRecorded, match=r"cannot be written to: .*No such file"):
            put(outbox, b"two")
        assert "No such file" in (outbox.metrics().disk_error or "")
        folder.mkdir()
        put(outbox, b"three")
        assert outbox.metrics().disk_error is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_nothing_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The access can be refused; when the disk is well again, recording goes on."""
    broker = Broker()
    with a_recorder(tmp_path, broker) as recorder:
        recorder.record(**fields(resource_id="before"))
        with monkeypatch.context() as patched:
            patched.setattr(journal, "synced", fail_with(number))
            with pytest.raises(NotRecorded, match=f"cannot be written to: .*{os.strerror(number)}"):
                recorder.record(**fields(resource_id="during"))
        recorder.record(**fields(resource_id="after"))
        report = recorder.flush(SOON_S)
    assert [event.resource_id for event in broker.events] == ["before", "after"]
    assert (report.failed, report.pending) == (1, 0)


def test_a_write_of_which_only_a_part_fits_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk fills up in the middle of a record; the next process does not take that for damage."""
    real = os.pwrite
    written: list[bytes] = []

    def short(file: int, content: bytes, offset: int) -> int:
        if written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(bytes(content[:10]))
        return real(file, content[:10], offset)

    with a_spool(tmp_path, Broker(up=False)) as outbox:
        put(outbox, b"before")
        with monkeypatch.context() as patched:
            patched.setattr(journal.os, "pwrite", short)
            with pytest.raises(NotRecorded, match="No space left"):
                put(outbox, b"during")
        put(outbox, b"after")
        assert outbox.metrics().failed_total == 1
    assert written
    assert sent_from(tmp_path).values == [b"before", b"after"]
    assert kept_aside(tmp_path) == []


def test_what_nobody_waits_for_is_tried_until_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`memory` told nobody to refuse anything, so it cannot give up."""
    broker = Broker()
    with a_recorder(tmp_path, broker) as recorder:
        with monkeypatch.context() as patched:
            patched.setattr(journal, "synced", fail_with(errno.ENOSPC))
            recorder.record(**fields(resource_id="kept"), **IN_MEMORY)
            wait_for(lambda: recorder.metrics().disk_error)
        assert recorder.flush(SOON_S).complete
    assert [event.resource_id for event in broker.events] == ["kept"]


def numbers_of(broker: Broker) -> dict[str | None, list[int | None]]:
    numbered: dict[str | None, list[int | None]] = {}
    for event in broker.events:
        numbered.setdefault(event.producer, []).append(event.sequence)
    return numbered


def test_a_disk_that_refuses_leaves_no_gap_in_any_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap is a finding: an event was lost. Here every caller was told, whatever else was under way."""
    broker = Broker()
    sometimes = itertools.cycle([os.fsync, os.fsync, fail_with(errno.ENOSPC)])

    def sync(file: int) -> None:
        next(sometimes)(file)

    monkeypatch.setattr(journal, "synced", sync)
    told: list[bool] = []

    def serve(recorder: Recorder, promise: dict[str, Any]) -> None:
        for _ in range(60):
            try:
                recorder.record(**fields(), **promise)
            except NotRecorded:
                told.append(False)
            else:
                told.append(True)

    with a_recorder(tmp_path, broker) as recorder:
        promises = [DENY, DENY, DENY, {}, IN_MEMORY]
        threads = [threading.Thread(target=serve, args=(recorder, promise)) for promise in promises]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        recorder.flush(SOON_S)
    assert False in told
    assert len(broker.events) >= told.count(True)
    for numbers in numbers_of(broker).values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_memory_that_never_reached_the_disk_is_reported_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is lost then, and neither silently nor with a hang."""
    monkeypatch.setattr(journal, "synced", fail_with(errno.ENOSPC))
    with a_recorder(tmp_path, Broker()) as recorder:
        recorder.record(**fields(), **IN_MEMORY)
        report = recorder.close(1.0)
    assert (report.failed, report.pending, report.durable) == (1, 0, False)


def test_memory_is_bounded(tmp_path: Path, hung_disk: threading.Event) -> None:
    """A disk that hangs must not take the service's memory; `memory` raises, and does not wait."""
    with a_recorder(tmp_path, Broker(), most_memory_bytes=SMALL) as recorder:
        taken = fill(recorder)
        with pytest.raises(NotRecorded, match=f"does not keep up: {SMALL} bytes wait for it"):
            recorder.record(**fields(), **IN_MEMORY)
        assert recorder.metrics().memory_bytes <= SMALL
        hung_disk.set()
        assert recorder.flush(SOON_S).acknowledged == taken


@pytest.mark.usefixtures("hung_disk")
def test_a_disk_that_hangs_never_hangs_the_caller(tmp_path: Path) -> None:
    """Neither in a thread nor in an event loop: the access is refused in time."""
    began = time.monotonic()
    with a_recorder(tmp_path, Broker()) as recorder:
        with pytest.raises(NotRecorded, match="has not acknowledged it within"):
            recorder.record(**fields(), **DENY)
        with pytest.raises(NotRecorded, match="has not acknowledged it within"):
            asyncio.run(recorder.arecord(**fields(), **DENY))
        recorder.record(**fields(), **IN_MEMORY)
        assert recorder.metrics().disk_silent_s > DENIED_WITHIN_S
        assert recorder.close(0.1).pending == 3
    assert time.monotonic() - began < SOON_S / 2


def test_a_full_spool_denies(tmp_path: Path) -> None:
    """Kafka is away for longer than the disk lasts: nobody gets content that is not recorded."""
    broker = Broker(up=False)
    with a_recorder(tmp_path, broker, most_disk_bytes=SMALL) as recorder:
        recorded = fill(recorder)
        for refused in (deny(recorder), adeny(recorder)):
            assert f"is full: {SMALL} bytes wait for Kafka" in refused
        with pytest.raises(NotRecorded, match="is full"):
            recorder.record(**fields(), **IN_MEMORY)
        metrics = recorder.metrics()
        assert metrics.disk_bytes <= metrics.most_disk_bytes == SMALL
        assert metrics.broker_error == "Kafka is away"
        broker.up = True
        assert recorder.flush(SOON_S).acknowledged == recorded
        recorder.record(**fields())
    assert [event.sequence for event in broker.events] == list(range(1, recorded + 2))


def fill(recorder: Recorder) -> int:
    """Record until there is no room, without waiting for a disk that may be slow; say how often."""
    for count in range(SMALL):
        try:
            recorder.record(**fields(), **IN_MEMORY)
        except NoRoom:
            return count
    raise AssertionError("the spool has no limit")


def deny(recorder: Recorder) -> str:
    with pytest.raises(NotRecorded) as refused:
        recorder.record(**fields(), **DENY)
    return str(refused.value)


def adeny(recorder: Recorder) -> str:
    with pytest.raises(NotRecorded) as refused:
        asyncio.run(recorder.arecord(**fields(), **DENY))
    return str(refused.value)


def test_room_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    """Unless told to deny: a burst that Kafka does not keep up with is no reason to refuse."""
    broker = Broker(up=False)
    with a_recorder(tmp_path, broker, most_disk_bytes=SMALL) as recorder:
        recorded = fill(recorder)
        waiting = threading.Thread(target=lambda: recorder.record(**fields()))
        waiting.start()
        broker.up = True
        waiting.join(SOON_S)
        asyncio.run(recorder.arecord(**fields()))
        assert recorder.flush(SOON_S).acknowledged == recorded + 2


def test_waiting_for_room_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hang counts as a failure."""
    monkeypatch.setattr(recorder, "TAKEN_WITHIN_S", 0.05)
    with a_recorder(tmp_path, Broker(up=False), most_disk_bytes=SMALL) as full:
        fill(full)
        with pytest.raises(NotRecorded, match="is full"):
            full.record(**fields())
        with pytest.raises(NotRecorded, match="is full"):
            asyncio.run(full.arecord(**fields()))


def test_what_others_left_counts_as_well(tmp_path: Path) -> None:
    """A service that dies and starts over and over must not fill the disk, part by part."""
    with a_recorder(tmp_path, Broker(up=False), most_disk_bytes=SMALL) as first:
        fill(first)
    with a_recorder(tmp_path, Broker(up=False), most_disk_bytes=SMALL) as second:
        wait_for(lambda: second.metrics().disk_bytes > SMALL / 2)
        assert "is full" in deny(second)


def test_a_record_that_is_larger_than_any_may_be_is_refused(tmp_path: Path) -> None:
    """Before it takes room that others need."""
    with a_spool(tmp_path, Broker()) as outbox, pytest.raises(NotRecorded, match="are too many"):
        outbox.send(outgoing(value=bytes(100 * 1024 * 1024)))


def test_many_threads_share_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Group commit: what is recorded while the disk works is written with the next sync."""
    syncs: list[int] = []

    def slow(file: int) -> None:
        syncs.append(file)
        time.sleep(0.02)
        os.fsync(file)

    monkeypatch.setattr(journal, "synced", slow)
    broker = Broker()
    with a_recorder(tmp_path, broker) as recorder:
        threads = [
            threading.Thread(target=lambda: [recorder.record(**fields()) for _ in range(10)])
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(syncs) < 80
        assert recorder.flush(SOON_S).acknowledged == 160
    assert [event.sequence for event in broker.events] == list(range(1, 161))


def test_memory_goes_to_disk_by_itself(tmp_path: Path) -> None:
    """What a crash can cost is the time until then, not the time until Kafka answers."""
    with a_recorder(tmp_path, Broker(up=False)) as recorder:
        recorder.record(**fields(), **IN_MEMORY)
        asyncio.run(recorder.arecord(**fields(), **IN_MEMORY))
        wait_for(lambda: recorder.metrics().on_disk == 2)
        assert recorder.metrics().oldest_unsent_s >= 0


def test_a_block_and_a_function_can_choose_as_well(tmp_path: Path) -> None:
    """Per call, in every style."""
    with a_recorder(tmp_path, Broker(up=False), most_disk_bytes=SMALL) as recorder:
        fill(recorder)

        @recorder.accesses(**fields(), **DENY)
        def play() -> bytes:
            return b"RIFF"

        with pytest.raises(NotRecorded, match="is full"):
            play()
        with pytest.raises(NotRecorded, match="is full"), recorder.access(**fields(), **IN_MEMORY):
            pass


def test_a_forked_child_has_a_part_of_its_own(tmp_path: Path) -> None:
    """And does not hold the parent's: when the parent is gone, that can be sent while the child lives."""
    with a_spool(tmp_path, Broker(up=False)) as outbox:
        put(outbox, b"of the parent")
        recorded, told = os.pipe()
        ended, end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(end)
            put(outbox, b"of the child")
            os.write(told, b"%d" % outbox.flush(0).on_disk)
            os.read(ended, 1)
            os._exit(0)
        assert os.read(recorded, 10) == b"1"
    sent_meanwhile = sent_from(tmp_path).values
    os.close(end)
    assert os.waitpid(child, 0)[1] == 0
    assert sent_meanwhile == [b"of the parent"]
    assert sent_from(tmp_path).values == [b"of the child"]


def test_a_folder_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    """Not at the first access, in production."""
    (tmp_path / "file").touch()
    with pytest.raises(BadSettings, match="EARWITNESS_SDK__SPOOL names another folder"):
        SpoolOutbox(Spool(tmp_path / "file" / "spool"), MemoryOutbox())


def test_a_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Who touched what is nobody else's business."""
    folder = tmp_path / "state" / "spool"
    with a_spool(folder, Broker(up=False)) as outbox:
        put(outbox, b"secret")
        assert folder.stat().st_mode & 0o77 == 0
        assert all(path.stat().st_mode & 0o77 == 0 for path in folder.rglob("*"))


def test_each_source_has_a_folder_of_its_own_unless_told_otherwise() -> None:
    """Another service may lead to another Kafka."""
    state = {"XDG_STATE_HOME": "/state"}
    folders = {Spool.from_environment(source, state).folder for source in ("/a-b", "/a/b", "/a.b")}
    assert len(folders) == 3
    assert all(folder.parent == Path("/state/earwitness/spool") for folder in folders)
    assert Spool.from_environment("/a", {"EARWITNESS_SDK__SPOOL": "/var/spool/a"}).folder == Path(
        "/var/spool/a"
    )


def test_limits_can_be_set() -> None:
    """By whoever knows the disk."""
    limits = {"EARWITNESS_SDK__SPOOL_MOST_BYTES": "1000000", "EARWITNESS_SDK__MEMORY_MOST_BYTES": "70000"}
    spool = Spool.from_environment("/a", limits)
    assert (spool.most_disk_bytes, spool.most_memory_bytes) == (1_000_000, 70_000)
    with pytest.raises(BadSettings, match="'1 GB' is no number of bytes"):
        Spool.from_environment("/a", {"EARWITNESS_SDK__SPOOL_MOST_BYTES": "1 GB"})
    with pytest.raises(BadSettings, match="most_disk_bytes: 5 is too little"):
        Spool(Path("/a"), most_disk_bytes=5)
