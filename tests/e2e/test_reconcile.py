"""`earwitness reconcile` on the stack that runs: accesses, copies, dead letters, numbers that never came."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from earwitness_sdk import Forwarder, Recorder
from kafka import KafkaConsumer

from earwitness.cli import sdk_wiring
from earwitness.devstack import ports
from earwitness.settings import ROOT
from models.topics import FINDINGS
from tests.conftest import Stack
from tests.streams.records import an_event, event_id

pytestmark = pytest.mark.stack

WITHIN_S = 60.0
COMMAND = (sys.executable, "-m", "earwitness.cli.main", "reconcile")


def reconcile(stack: Stack, *options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [*COMMAND, "--data-dir", str(stack.data_dir), "--output", "json", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def until(done: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < give_up_at
        time.sleep(0.2)


def faults_of(report: dict[str, Any], producer: str) -> list[tuple[str, int, int]]:
    place = f"producer:{producer}"
    found = (fault for fault in report["faults"] if fault["place"] == place)
    return [(fault["reason"], fault["first"], fault["last"]) for fault in found]


def publish(stack: Stack, producer: str, *events: dict[str, Any]) -> None:
    """Send events as they are, with that producer's name."""
    with Forwarder(kafka=sdk_wiring.kafka(stack.settings("producer").kafka)) as forwarder:
        for event in events:
            forwarder.submit({**event, "producer": producer})


def a_fresh_event(number: int, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    made_at_ms = int(now.timestamp() * 1000) + number
    return an_event(number, id=event_id(uuid4().int >> 68, made_at_ms), time=now.isoformat(), **changes)


def test_what_a_service_recorded_is_complete(stack: Stack) -> None:
    """From the SDK's count to the rows, with nothing in between that is not accounted for."""
    with Recorder(
        source="/tests/reconcile", kafka=sdk_wiring.kafka(stack.settings("producer").kafka)
    ) as recorder:
        for number in range(200):
            fields = {
                name: value
                for name, value in a_fresh_event(number).items()
                if name not in ("id", "time", "source")
            }
            sent = recorder.submit_fields(fields).event
    assert (sent.producer is not None, sent.sequence) == (True, 200)
    until(lambda: stored(stack, str(sent.producer)) == 200)
    _, report = reconcile(stack, "--grace", "1s")
    assert faults_of(report, str(sent.producer)) == []
    assert all(partition["unstored"] == 0 for partition in report["partitions"])
    assert sum(partition["rows"] for partition in report["partitions"]) >= 200


def test_copies_and_dead_letters_leave_no_hole(stack: Stack) -> None:
    """The second sender of an access numbered it too, and so was what could not be accepted."""
    first, second = f"first-{uuid4().hex[:8]}", f"second-{uuid4().hex[:8]}"
    events = [a_fresh_event(number) for number in range(1, 21)]
    publish(stack, first, *({**event, "sequence": number} for number, event in enumerate(events, 1)))
    conflict = {**events[0], "actor_id": "e-666", "sequence": 3}
    publish(
        stack,
        second,
        {**events[5], "sequence": 1},
        {**a_fresh_event(30), "sequence": 2},
        conflict,
        {**events[6], "sequence": 4},
        {**a_fresh_event(31), "sequence": 5},
    )
    until(lambda: (stored(stack, first), stored(stack, second)) == (20, 5))
    _, report = reconcile(stack, "--grace", "1s")
    assert (faults_of(report, first), faults_of(report, second)) == ([], [])


def test_a_number_that_never_came_is_one_finding_however_often_it_is_found(stack: Stack) -> None:
    """Found by the command, published once by the service, kept in the table."""
    producer = f"lossy-{uuid4().hex[:8]}"
    publish(
        stack,
        producer,
        {**a_fresh_event(1), "sequence": 1},
        {**a_fresh_event(4), "sequence": 4},
    )
    until(lambda: stored(stack, producer) == 2)
    assert faults_of(reconcile(stack)[1], producer) == []
    time.sleep(1.1)
    code, report = reconcile(stack, "--grace", "1s")
    assert code == 1
    assert faults_of(report, producer) == [("sequence_missing", 2, 3)]
    (fault,) = (fault for fault in report["faults"] if fault["place"] == f"producer:{producer}")
    for _ in range(2):
        published_by_a_service(stack, producer)
    (finding,) = findings(stack, fault["id"])
    assert (finding["kind"], finding["reason"], finding["customer_id"]) == (
        "inconsistent",
        "sequence_missing",
        "*",
    )
    assert (finding["first"], finding["last"], finding["size"]) == (2, 3, 2)


def published_by_a_service(stack: Stack, producer: str) -> None:
    """Let the service make some runs, and stop it."""
    (port,) = ports.free(1)
    service = subprocess.Popen(
        [*COMMAND, "--data-dir", str(stack.data_dir), "--every", "1s", "--grace", "1s"],
        cwd=ROOT,
        env={**os.environ, "EARWITNESS_HEALTH__PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: is_ready(port))
        question = f"SELECT count() FROM reconciliation_log WHERE place = 'producer:{producer}'"  # noqa: S608 - ours
        until(lambda: ask(stack, question) == 1)
        time.sleep(2)
        assert ask(stack, question) == 1
    finally:
        service.terminate()
        assert service.wait(WITHIN_S) == 0


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def findings(stack: Stack, fault_id: str) -> list[dict[str, Any]]:
    """Read the findings of one identity from the topic."""
    consumer = KafkaConsumer(
        FINDINGS,
        **stack.kafka_client("admin"),
        group_id=None,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5_000,
    )
    try:
        return [json.loads(record.value) for record in consumer if record.key == fault_id.encode()]
    finally:
        consumer.close()


def test_who_cannot_be_asked_proves_nothing(stack: Stack) -> None:
    """Exit 2 is neither complete nor incomplete."""
    clickhouse, kafka = stack.settings("worker").clickhouse, stack.settings("worker").kafka
    environ = {
        **os.environ,
        "EARWITNESS_CLICKHOUSE__HOST": clickhouse.host,
        "EARWITNESS_CLICKHOUSE__PORT": "1",
        "EARWITNESS_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "EARWITNESS_KAFKA__USERNAME": kafka.username,
        "EARWITNESS_KAFKA__PASSWORD": kafka.password.get_secret_value(),
    }
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "ClickHouse" in done.stderr


def ask(stack: Stack, question: str) -> int:
    client = stack.clickhouse("writer")
    try:
        return int(client.execute(question)[0][0])
    finally:
        client.disconnect()


def stored(stack: Stack, producer: str) -> int:
    """Count what arrived of a producer, as rows and set aside."""
    return ask(
        stack,
        f"SELECT (SELECT count() FROM access_log WHERE producer = '{producer}')"  # noqa: S608 - ours
        f" + (SELECT uniqExact(offset, partition) FROM set_aside WHERE producer = '{producer}')",
    )
