"""Short outages on the real stack; `make outage-drill` and `make disk-drill` have the long ones."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest
from clickhouse_driver.errors import Error
from kafka import KafkaProducer

from models.topics import ACCESS_EVENTS
from tests.conftest import Stack
from tests.streams.records import an_event, event_id

pytestmark = pytest.mark.stack

SETTLED_WITHIN_S = 60.0
ENDED_WITHIN_S = 30.0
NO_ROOM = "min_free_disk_bytes_to_perform_insert"


def publish(stack: Stack, source: str, count: int, **changes: Any) -> None:
    """Publish accesses and wait for Kafka to have them."""
    producer = KafkaProducer(**stack.kafka_client("producer"), acks="all", linger_ms=5)
    now = datetime.now(UTC)
    for number in range(count):
        id_ = event_id(number + 1, int(now.timestamp() * 1000))
        event = an_event(number, id=id_, source=source, time=now.isoformat())
        if number == 0:
            event |= changes
        producer.send(ACCESS_EVENTS, key=id_.encode(), value=json.dumps(event).encode())
    producer.flush(30)
    producer.close()


def ask(stack: Stack, query: str, **parameters: Any) -> Any:
    client = stack.clickhouse("admin")
    try:
        answer = client.execute(query, parameters)
    finally:
        client.disconnect()
    return answer


def rows(stack: Stack, source: str) -> tuple[int, int]:
    """Count the rows of a source, and the accesses among them."""
    query = "SELECT count(), uniqExact(id) FROM access_log WHERE source = %(source)s"
    return tuple(ask(stack, query, source=source)[0])


def until(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if happened():
                return True
        except (Error, EOFError, OSError):
            pass
        time.sleep(0.2)
    return False


def worker(stack: Stack) -> psutil.Process:
    (pid,) = [process.pid for process in stack.state.processes if process.name == "worker-1"]
    assert pid is not None
    return psutil.Process(pid)


@contextmanager
def altered(stack: Stack, change: str, back: str) -> Iterator[None]:
    """Change the table of accesses for a while."""
    ask(stack, f"ALTER TABLE access_log {change}")
    try:
        yield
    finally:
        ask(stack, f"ALTER TABLE access_log {back}")


def test_a_disk_without_room_is_waited_for(stack: Stack) -> None:
    """ClickHouse refuses every insert; the worker stays, and stores all of it once there is room again."""
    source, before = "/tests/no-room", worker(stack)
    with altered(stack, f"MODIFY SETTING {NO_ROOM} = {10**18}", f"RESET SETTING {NO_ROOM}"):
        publish(stack, source, 50)
        time.sleep(3)
        assert rows(stack, source) == (0, 0)
    assert until(lambda: rows(stack, source)[0] >= 50)
    assert rows(stack, source) == (50, 50)
    assert before.is_running()


def test_a_row_that_clickhouse_refuses_is_a_dead_letter(stack: Stack) -> None:
    """It costs no other, and the worker does not end for it."""
    source, before = "/tests/refused", worker(stack)
    with altered(stack, "ADD CONSTRAINT odd CHECK resource_id != 'odd'", "DROP CONSTRAINT odd"):
        publish(stack, source, 50, resource_id="odd")
        assert until(lambda: rows(stack, source)[0] >= 49)
        refused = (
            "SELECT value FROM dead_letters WHERE reason = 'rejected_by_store' AND value LIKE %(source)s"
        )
        assert until(lambda: len(ask(stack, refused, source=f"%{source}%")) == 1)
    ((value,),) = ask(stack, refused, source=f"%{source}%")
    assert json.loads(value)["resource_id"] == "odd"
    assert rows(stack, source) == (49, 49)
    assert before.is_running()


def test_a_worker_that_is_told_to_end_does_so_in_time(stack: Stack) -> None:
    """A rollout waits for it: the range under way is finished or left to the next owner, whole."""
    source, told = "/tests/told-to-end", worker(stack)
    publish(stack, source, 3_000)
    told.send_signal(signal.SIGTERM)
    told.wait(ENDED_WITHIN_S)
    assert until(lambda: rows(stack, source)[0] >= 3_000)
    time.sleep(1)
    assert rows(stack, source) == (3_000, 3_000)
    (last_exit,) = [process.last_exit for process in stack.state.processes if process.name == "worker-1"]
    assert last_exit == "exit 0"
