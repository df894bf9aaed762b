import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from earwitness.devstack import children
from earwitness.devstack.children import FIRST_DELAY_S, LONGEST_DELAY_S, STABLE_S, Child, bound_log, tail
from tests.devstack.builders import a_child

PATIENCE_S = 10.0
SLEEPS = (sys.executable, "-c", "import time; time.sleep(60)")
FAILS = (sys.executable, "-c", "import sys; sys.exit('no luck')")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start children that do not outlive their test."""
    made: list[Child] = []

    def start(*command: str, **changes: object) -> Child:
        child = Child(a_child(tmp_path, *command, **changes))
        made.append(child)
        child.start(now=0.0)
        return child

    yield start
    for child in made:
        child.stop()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_a_child_that_dies_is_started_again(started: Callable[..., Child]) -> None:
    """A crash of Kafka must not need a person."""
    child = started(*SLEEPS)
    first = child.pid
    assert first is not None
    psutil.Process(first).kill()
    until(lambda: child.watch(now=1.0) and child.pid is None)
    assert (child.pid, child.ready, child.last_exit) == (None, False, "signal 9")
    child.watch(now=1.0 + FIRST_DELAY_S)
    assert child.pid not in {None, first}
    assert child.restarts == 1


def test_the_wait_doubles_with_each_death_up_to_a_limit(started: Callable[..., Child]) -> None:
    """A child that cannot start must not keep the machine busy."""
    child = started(*FAILS)
    for expected_s in (0.5, 1, 2, 4, 8, 16, LONGEST_DELAY_S, LONGEST_DELAY_S):
        until(lambda: child.watch(now=0.0) and child.pid is None)
        child.watch(now=expected_s - 0.01)
        assert child.pid is None
        child.watch(now=expected_s)
        assert child.pid is not None


def test_a_child_that_ran_long_is_started_again_without_the_wait_it_had_earned(
    started: Callable[..., Child],
) -> None:
    """Two crashes a week apart are not a loop."""
    child = started(*FAILS)
    until(lambda: child.watch(0.0) and child.pid is None)
    child.watch(FIRST_DELAY_S)
    late = FIRST_DELAY_S + STABLE_S
    until(lambda: child.watch(late) and child.pid is None)
    child.watch(late + FIRST_DELAY_S)
    assert child.restarts == 2


def test_a_command_that_does_not_exist_counts_as_a_death(started: Callable[..., Child]) -> None:
    """The supervisor goes on, and says what happened."""
    child = started("/no/such/program")
    until(lambda: child.watch(0.0) and child.pid is None)
    assert child.last_exit is not None
    assert "No such file" in child.tail()


def test_its_last_words_are_kept(started: Callable[..., Child]) -> None:
    """Whoever starts the stack must see why a part did not start."""
    child = started(*FAILS)
    until(lambda: child.watch(0.0) and child.pid is None)
    assert child.tail() == "no luck"


def test_words_of_an_earlier_run_are_not_its_last(started: Callable[..., Child], tmp_path: Path) -> None:
    """An error of last week would send the reader the wrong way."""
    (tmp_path / "child.log").write_text("an old error\n")
    child = started(*FAILS)
    until(lambda: child.watch(0.0) and child.pid is None)
    assert child.tail() == "no luck"


def test_a_stubborn_child_is_killed_after_its_limit(started: Callable[..., Child], tmp_path: Path) -> None:
    """`down` leaves nothing running."""
    ignores = "import signal, time; signal.signal(15, signal.SIG_IGN); open('armed', 'w'); time.sleep(60)"
    child = started(sys.executable, "-c", ignores, stop_limit_s=0.2)
    until((tmp_path / "armed").exists)
    pid = child.pid
    assert pid is not None
    child.stop()
    assert not psutil.pid_exists(pid)


def test_a_child_is_ready_only_while_it_says_so(started: Callable[..., Child]) -> None:
    """A worker that cannot record runs on and is not ready; it says why, and nobody restarts it."""
    said = ["clickhouse has not answered for 0.9 s"]
    child = started(*SLEEPS, trouble=lambda: said[0])
    pid = child.pid
    until(lambda: child.watch(0.0) and bool(child.trouble))
    assert (child.ready, child.trouble) == (False, said[0])
    said[0] = ""
    until(lambda: child.watch(10.0) and child.ready)
    assert (child.trouble, child.pid) == ("", pid)


def test_a_child_that_does_not_answer_holds_up_nobody(started: Callable[..., Child]) -> None:
    """The supervisor watches all of its children in one thread."""
    answers = threading.Event()
    child = started(*SLEEPS, trouble=lambda: "" if answers.wait(30) else "does not answer")
    began_at = time.monotonic()
    for _ in range(100):
        child.watch(0.0)
    assert time.monotonic() - began_at < 5
    answers.set()


def test_trouble_is_that_of_the_process_that_runs(started: Callable[..., Child]) -> None:
    """What the one before it suffered from is no trouble of its successor."""
    child = started(*SLEEPS, trouble=lambda: "gone")
    until(lambda: child.watch(0.0) and bool(child.trouble))
    child.stop()
    assert child.trouble == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel does it on Linux only")
def test_a_child_ends_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    """A killed supervisor leaves neither a broker nor a worker behind."""
    script = (
        "import sys, time; from pathlib import Path; from earwitness.devstack.children import Child;"
        "from tests.devstack.builders import a_child;"
        f"child = Child(a_child(Path({str(tmp_path)!r}), *{SLEEPS!r}));"
        "child.start(0.0); print(child.pid, flush=True); time.sleep(60)"
    )
    parent = psutil.Popen([sys.executable, "-c", script], stdout=-1, text=True)
    try:
        pid = int(parent.stdout.readline())
        child = psutil.Process(pid)
        until(lambda: "60" in " ".join(child.cmdline()) and "tether" not in " ".join(child.cmdline()))
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    until(lambda: not psutil.pid_exists(pid) or child.status() == psutil.STATUS_ZOMBIE)


def test_a_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that complains for a month must not fill the disk."""
    monkeypatch.setattr(children, "LARGEST_LOG_BYTES", 100)
    log = tmp_path / "child.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 101)
        writer.flush()
        bound_log(log)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "child.log.1").read_bytes() == b"x" * 101


def test_the_tail_of_a_long_log_is_whole_lines(tmp_path: Path) -> None:
    """A message cut in half misleads."""
    log = tmp_path / "child.log"
    log.write_text("".join(f"line {number} {'x' * 50}\n" for number in range(1000)))
    lines = tail(log).splitlines()
    assert all(line.startswith("line ") for line in lines)
    assert lines[-1].startswith("line 999 ")
    assert len(tail(log)) <= children.TAIL_BYTES
