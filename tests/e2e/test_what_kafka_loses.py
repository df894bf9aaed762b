"""What Kafka loses by compaction, or with its disk: the view is right, and the trail goes on."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from earwitness.devstack import control, mending
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from models.errors import BrokerUnavailable, StackUnavailable
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from tests.conftest import Stack, started
from tests.e2e.test_main_job import command, stored, written
from tests.e2e.test_outages import ask, rows
from tests.streams.records import an_event, event_id

pytestmark = pytest.mark.stack

WITHIN_S: Final = 120.0
COMPACTED_AT_ONCE: Final = {
    "min.compaction.lag.ms": "0",
    "min.cleanable.dirty.ratio": "0.0",
    "delete.retention.ms": "0",
    "segment.ms": "100",
}
BEFORE: Final = "/tests/before-the-loss"
AFTER: Final = "/tests/after-the-loss"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack of its own, for its Kafka will lose things."""
    with started(tmp_path_factory.mktemp("loses") / "data", workers=1) as running:
        yield running


def accesses(source: str, count: int, ref: str) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    made_ms = int(now.timestamp() * 1_000)
    return [
        an_event(
            number,
            id=event_id(number + 1, made_ms),
            source=source,
            time=now.isoformat(),
            purpose="resolve_complaint",
            evidence_ref=ref,
        )
        for number in range(count)
    ]


def publish(stack: Stack, events: list[dict[str, Any]], partition: int | None = None) -> None:
    """Publish accesses and wait for Kafka to have them."""
    producer = KafkaProducer(**stack.kafka_client("producer"), acks="all", linger_ms=5)
    for event in events:
        value = json.dumps(event).encode()
        producer.send(ACCESS_EVENTS, key=event["id"].encode(), value=value, partition=partition)
    producer.flush(30)
    producer.close()


def put_complaint(stack: Stack, folder: Path, ref: str, status: str = "active") -> None:
    complaint = {"ref": ref, "kind": "complaint", "customer_ids": ["acme"], "status": status}
    path = written(folder, "evidence.jsonl", [{**complaint, "valid_from": "2026-01-01T00:00:00Z"}])
    answer = command(stack, "evidence", "put", path)
    assert answer.exit_code == 0, answer.output


def until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not happened():
        assert time.monotonic() < deadline, f"not within {WITHIN_S:.0f} s: {what}"
        time.sleep(0.2)


def evidence_offsets(stack: Stack) -> list[int]:
    """Give the offsets that hold a record of evidence now."""
    where = TopicPartition(EVIDENCE_RECORDS, 0)
    consumer = KafkaConsumer(**stack.kafka_client("admin"), group_id=None, enable_auto_commit=False)
    try:
        consumer.assign([where])
        consumer.seek_to_beginning(where)
        end = consumer.end_offsets([where])[where]
        found: list[int] = []
        while consumer.position(where) < end:
            found += [record.offset for record in consumer.poll(500).get(where, [])]
    finally:
        consumer.close()
    return found


def compact_evidence(stack: Stack, ref: str) -> None:
    """Publish a tombstone for the newest record, and wait until compaction took both."""
    newest = evidence_offsets(stack)[-1]
    admin = KafkaAdminClient(**stack.kafka_client("admin"))
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, EVIDENCE_RECORDS, COMPACTED_AT_ONCE)])
    admin.close()
    producer = KafkaProducer(**stack.kafka_client("admin"), acks="all")
    try:
        producer.send(EVIDENCE_RECORDS, key=ref.encode(), value=None).get(30)

        def gone() -> bool:
            # What is newest is never compacted: more has to come behind it.
            time.sleep(0.5)
            producer.send(EVIDENCE_RECORDS, key=b"ticket:none", value=None).get(30)
            return newest not in evidence_offsets(stack)

        until(gone, "compaction took the record")
    finally:
        producer.close()


def statuses(stack: Stack, ref: str) -> list[str]:
    query = "SELECT status FROM evidence_log FINAL WHERE ref = %(ref)s ORDER BY version"
    return [status for (status,) in ask(stack, query, ref=ref)]


def outcomes(stack: Stack, source: str) -> set[tuple[str, str]]:
    return set(ask(stack, "SELECT verdict, reason FROM access_log WHERE source = %(source)s", source=source))


def test_a_worker_that_starts_knows_what_compaction_took(own: Stack, tmp_path: Path) -> None:
    """A tombstone takes the record it names from the topic, not from what workers know."""
    ref = "ticket:compacted"
    put_complaint(own, tmp_path, ref)
    until(lambda: statuses(own, ref) == ["active"], "the evidence is kept")
    compact_evidence(own, ref)
    (pid,) = [process.pid for process in own.state.processes if process.name == "worker-1"]
    assert pid is not None
    psutil.Process(pid).kill()
    source = "/tests/compacted"
    publish(own, accesses(source, 3, ref))
    stored(own, source, 3)
    assert outcomes(own, source) == {("justified", "clause_met")}


def stopped(stack: Stack) -> Path:
    """Stop the stack; give the folder of its Kafka."""
    layout = layout_of(stack.data_dir)
    control.stop(layout, print)
    return layout.kafka


def assert_refused(stack: Stack) -> None:
    """Start a worker, and see that it ends and says why; stop the stack."""
    log = layout_of(stack.data_dir).log("worker-1")
    said_before = len(log.read_text())
    with suppress(StackUnavailable):  # the worker ends as soon as it has partitions, ready or not
        control.start_detached(Options(data_dir=stack.data_dir, workers=1))
    until(lambda: "made anew" in log.read_text()[said_before:], "the worker says what is wrong")
    stopped(stack)


def unreachable(*_: object) -> None:
    """Be a Kafka that is gone before anything is deleted."""
    raise BrokerUnavailable("gone")


def mend(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> str:
    """Do what the runbook says, of which the first attempt ends early; give what was to be mended."""
    control.start_detached(Options(data_dir=stack.data_dir, workers=0))
    told = command(stack, "mend-topics")
    assert told.exit_code == 0, told.output
    with monkeypatch.context() as early:
        early.setattr(mending, "_delete", unreachable)
        assert command(stack, "mend-topics", "--yes").exit_code == 1
    mended = command(stack, "mend-topics", "--yes")
    assert mended.exit_code == 0, mended.output
    assert "nothing to mend" in command(stack, "mend-topics").output
    stopped(stack)
    control.start_detached(Options(data_dir=stack.data_dir, workers=1))
    return told.output


def test_a_trail_goes_on_after_kafka_lost_everything(
    own: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the runbook: workers refuse the new topics, these are mended, and nothing is lost or doubled."""
    put_complaint(own, tmp_path, "ticket:T-3")
    before = accesses(BEFORE, 200, "ticket:T-3")
    publish(own, before)
    stored(own, BEFORE, len(before))
    until(lambda: statuses(own, "ticket:T-3") == ["active"], "the evidence is kept")

    shutil.rmtree(stopped(own))
    control.start_detached(Options(data_dir=own.data_dir, workers=0))
    # Producers that waited come first. One partition grows past what was known of it, the others do not.
    after = accesses(AFTER, 140, "ticket:T-2")
    publish(own, [*after[:20], *before[:30]])
    publish(own, after[20:120], partition=0)
    put_complaint(own, tmp_path, "ticket:T-2")
    stopped(own)
    assert_refused(own)
    assert f"{ACCESS_EVENTS}/0 has 0 to" in mend(own, monkeypatch)

    publish(own, after[120:])
    stored(own, AFTER, len(after))
    assert (rows(own, BEFORE), rows(own, AFTER)) == ((200, 200), (140, 140))
    assert outcomes(own, AFTER) == {("justified", "clause_met")}
    again = "/tests/registers-of-before"
    publish(own, accesses(again, 3, "ticket:T-3"))
    stored(own, again, 3)
    assert outcomes(own, again) == {("justified", "clause_met")}
    until(lambda: command(own, "reconcile").exit_code == 0, "the account is complete")


def test_a_trail_goes_on_after_kafka_was_restored_from_an_older_copy(
    own: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the copy holds of a register is older than what is known: it must not come into force again."""
    put_complaint(own, tmp_path, "ticket:T-4")
    until(lambda: statuses(own, "ticket:T-4") == ["active"], "the evidence is kept")
    kafka = stopped(own)
    shutil.copytree(kafka, tmp_path / "copy")
    control.start_detached(Options(data_dir=own.data_dir, workers=1))
    source = "/tests/behind-the-copy"
    events = accesses(source, 100, "ticket:T-4")
    publish(own, events)
    put_complaint(own, tmp_path, "ticket:T-4", status="withdrawn")
    stored(own, source, len(events))
    until(lambda: statuses(own, "ticket:T-4") == ["active", "withdrawn"], "the withdrawal is kept")

    shutil.rmtree(stopped(own))
    shutil.copytree(tmp_path / "copy", kafka)
    assert_refused(own)
    mend(own, monkeypatch)
    later = "/tests/behind-the-mended"
    publish(own, [*events, *accesses(later, 3, "ticket:T-4")])
    stored(own, later, 3)
    assert rows(own, source) == (100, 100)
    assert outcomes(own, later) == {("unjustified", "evidence_withdrawn")}
    until(lambda: command(own, "reconcile").exit_code == 0, "the account is complete")
