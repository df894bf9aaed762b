"""Kills while accesses flow: what was acknowledged is stored, once. The long campaign comes later."""

import signal
import threading
import time
from datetime import UTC, datetime

import psutil
import pytest
from clickhouse_driver.errors import Error
from earwitness_sdk import Forwarder

from earwitness.cli import wiring
from tests.conftest import Stack
from tests.streams.records import an_event, event_id

pytestmark = pytest.mark.stack

EVENTS = 12_000
SETTLED_WITHIN_S = 120.0


@pytest.mark.parametrize("target", ["worker-1", "clickhouse"])
def test_a_kill_neither_loses_nor_doubles_an_access(stack: Stack, target: str) -> None:
    """The plain table is right without FINAL, whichever process dies in the middle of a range."""
    source = f"/tests/kill-{target}"
    publishing = threading.Thread(target=_publish, args=(stack, source))
    publishing.start()
    kills = 0
    while publishing.is_alive() and kills < 4:
        time.sleep(0.7)
        kills += _kill(stack, target)
    publishing.join()
    kills += _kill(stack, target)
    assert kills >= 2
    assert _settled(stack, source) == (EVENTS, EVENTS)


def _publish(stack: Stack, source: str) -> None:
    forwarder = Forwarder(kafka=wiring.sdk_kafka(stack.settings("producer").kafka))
    now = datetime.now(UTC)
    made_ms = int(now.timestamp() * 1000)
    for number in range(EVENTS):
        event = an_event(number, id=event_id(number, made_ms), source=source, time=now.isoformat())
        forwarder.submit(event)
    report = forwarder.close(60)
    assert report.acknowledged == EVENTS


def _kill(stack: Stack, target: str) -> int:
    for process in stack.state.processes:
        if process.name == target and process.pid is not None:
            try:
                psutil.Process(process.pid).send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                return 0
            return 1
    return 0


def _settled(stack: Stack, source: str) -> tuple[int, int]:
    """Wait until every access is there, and a little longer for one too many."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    counted = (0, 0)
    while time.monotonic() < deadline:
        try:
            counted = _counted(stack, source)
        except (Error, EOFError, OSError):
            counted = (0, 0)
        if counted[0] >= EVENTS:
            time.sleep(2)
            return _counted(stack, source)
        time.sleep(0.5)
    return counted


def _counted(stack: Stack, source: str) -> tuple[int, int]:
    client = stack.clickhouse("admin")
    try:
        query = "SELECT count(), uniqExact(id) FROM access_log WHERE source = %(source)s"
        ((rows, accesses),) = client.execute(query, {"source": source})
    finally:
        client.disconnect()
    return int(rows), int(accesses)
