"""Whether each process says that it cannot record, while its servers sleep and die, and that it can again."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import pytest

from earwitness.devstack.state import ProcessState
from tests.conftest import Stack
from tests.processes import asleep

pytestmark = pytest.mark.stack

RED_WITHIN_S = 3.0
"""A second, as tests/health holds with a clock of its own, and room for a machine that does much else."""

GREEN_WITHIN_S = 90.0


def process(stack: Stack, name: str) -> ProcessState:
    return next(found for found in stack.state.processes if found.name == name)


def ready(stack: Stack, name: str) -> tuple[bool, list[str]]:
    """Ask a process itself."""
    answer = httpx.get(f"http://{process(stack, name).address}/readyz", timeout=10, trust_env=False)
    said: dict[str, Any] = answer.json()
    assert answer.status_code == (200 if said["ready"] else 503)
    assert answer.text.count("\n") == 1
    return said["ready"], said["why"]


def until(done: Callable[[], bool], within_s: float) -> None:
    give_up_at = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


@contextmanager
def afflicted(stack: Stack, name: str, affliction: signal.Signals) -> Iterator[None]:
    """Have a server sleep for the time of the block, or die at its beginning."""
    pid = process(stack, name).pid
    if affliction == signal.SIGSTOP:
        with asleep(pid):
            yield
    else:
        psutil.Process(pid).send_signal(affliction)
        yield


@pytest.mark.parametrize("affliction", [signal.SIGSTOP, signal.SIGKILL])
@pytest.mark.parametrize("server", ["clickhouse", "kafka"])
def test_a_worker_says_that_it_cannot_record_and_why(
    stack: Stack, server: str, affliction: signal.Signals
) -> None:
    """A server that sleeps answers nothing and refuses nothing: that is the outage which hides best."""
    until(lambda: ready(stack, "worker-1")[0], GREEN_WITHIN_S)
    with afflicted(stack, server, affliction):
        until(lambda: not ready(stack, "worker-1")[0], RED_WITHIN_S)
        assert any(server in why for why in ready(stack, "worker-1")[1])
    until(lambda: ready(stack, "worker-1")[0], GREEN_WITHIN_S)
    until(lambda: stack.state.ready, GREEN_WITHIN_S)


def test_the_api_says_that_it_cannot_answer(stack: Stack) -> None:
    """Whoever asks is let in without a token: this tells of no access."""
    with afflicted(stack, "clickhouse", signal.SIGSTOP):
        until(lambda: not ready(stack, "api")[0], RED_WITHIN_S)
    until(lambda: ready(stack, "api")[0], GREEN_WITHIN_S)


def test_the_stack_is_degraded_while_a_worker_cannot_record(stack: Stack) -> None:
    """`earwitness status` must not call ready what records nothing; and nobody restarts the worker for it."""
    until(lambda: stack.state.ready, GREEN_WITHIN_S)
    pid = process(stack, "worker-1").pid
    with afflicted(stack, "clickhouse", signal.SIGSTOP):
        until(lambda: stack.state.phase == "degraded", 10 * RED_WITHIN_S)
        until(lambda: "clickhouse" in (process(stack, "worker-1").trouble or ""), 10 * RED_WITHIN_S)
        assert stack.state.problem is not None
    until(lambda: stack.state.ready, GREEN_WITHIN_S)
    assert process(stack, "worker-1").pid == pid


def test_a_worker_lives_through_an_outage(stack: Stack) -> None:
    """Restarting it would mend nothing, and cost the registers that it has read."""
    with afflicted(stack, "clickhouse", signal.SIGSTOP):
        until(lambda: not ready(stack, "worker-1")[0], RED_WITHIN_S)
        answer = httpx.get(f"http://{process(stack, 'worker-1').address}/livez", timeout=10, trust_env=False)
        assert answer.json()["alive"]
    until(lambda: ready(stack, "worker-1")[0], GREEN_WITHIN_S)


def test_a_worker_measures_what_it_stores(stack: Stack) -> None:
    """Lag and age of each of its partitions, zero included."""
    text = httpx.get(f"http://{process(stack, 'worker-1').address}/metrics", timeout=10, trust_env=False).text
    lines = [line for line in text.splitlines() if line.startswith("earwitness_partition_lag_events{")]
    assert len(lines) == 8
    assert "earwitness_ready 1.0" in text


def test_what_is_not_there_is_not_found(stack: Stack) -> None:
    """The listener serves three paths and no files."""
    address = process(stack, "worker-1").address
    assert httpx.get(f"http://{address}/etc/passwd", timeout=10, trust_env=False).status_code == 404
