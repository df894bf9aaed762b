"""What a replay does when one of its processes does not live to the end."""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from earwitness.query.history import Slice, Window
from earwitness.replay.processes import Task, replay
from models.errors import ReplayFailed
from sinks.clickhouse.client import Address
from tests.policy.judged import POLICIES

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = POLICIES.policies[-1]
SLICES = [Slice(NOW.date(), None, None)] * 3
STARTED_WITHIN_S = 30.0


def a_task(port: int) -> Task:
    address = Address("127.0.0.1", port, "earwitness", "nobody", "no password", secure=False)
    return Task(address, POLICY.document, POLICY.digest, Window(NOW, None, NOW), 0, NOW, kept=None)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody who takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def kill_the_first_process() -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not (running := multiprocessing.active_children()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running[0].pid is not None
    os.kill(running[0].pid, signal.SIGKILL)


def test_a_process_that_is_killed_fails_the_replay(silent_port: int) -> None:
    """Counts that miss a part of history would look like an answer; and nobody waits for the dead."""
    killing = threading.Thread(target=kill_the_first_process)
    killing.start()
    with pytest.raises(ReplayFailed, match=r"ended by signal 9, so its accesses are not counted"):
        list(replay(a_task(silent_port), SLICES, 2))
    killing.join()
    assert multiprocessing.active_children() == []


def test_a_process_that_cannot_read_says_why() -> None:
    """The address is what an operator looks at first."""
    with pytest.raises(ReplayFailed, match=r"ClickHouse 127\.0\.0\.1:1 did not answer"):
        list(replay(a_task(1), SLICES, 1))
    assert multiprocessing.active_children() == []


def test_nothing_to_judge_starts_no_process() -> None:
    """An empty time is answered at once, also where ClickHouse has gone since."""
    assert list(replay(a_task(1), [], 8)) == []


def test_ctrl_c_still_stops_the_command_afterwards(silent_port: int) -> None:
    """The processes are deaf to it, their parent is not: it ends them."""
    before = signal.getsignal(signal.SIGINT)
    killing = threading.Thread(target=kill_the_first_process)
    killing.start()
    with pytest.raises(ReplayFailed):
        list(replay(a_task(silent_port), SLICES, 1))
    killing.join()
    assert signal.getsignal(signal.SIGINT) is before
