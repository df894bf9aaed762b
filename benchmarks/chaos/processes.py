"""Processes of the campaign's own: kept running, and known again by whoever comes after a killed campaign."""

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from earwitness.devstack.children import Child, ChildSpec, bound_log
from earwitness.devstack.leftovers import same_process
from earwitness.devstack.lock import Holder
from earwitness.settings import ROOT

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
STABLE_S: Final = 5.0
GONE_WITHIN_S: Final = 10.0
PACE_S: Final = 0.05


class Roll(NamedTuple):
    """The file that names every process that was started, so that none is left behind."""

    path: Path

    def note(self, process: psutil.Process) -> None:
        """Add a process."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([process.pid, process.create_time()]) + "\n")

    def end_all(self) -> int:
        """Kill whatever of it still runs, and begin a new roll; say how many that were."""
        found = [process for holder in self._holders() if (process := same_process(holder))]
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=GONE_WITHIN_S)
        self.path.unlink(missing_ok=True)
        return len(found)

    def _holders(self) -> list[Holder]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [Holder(*json.loads(line)) for line in lines]


class Probe:
    """Asks in a thread whether a process is ready, for that can take a second; says what is known."""

    def __init__(self, ask: Callable[[], bool], threads: Executor) -> None:
        self._ask = ask
        self._threads = threads
        self._asked: Future[bool] | None = None

    def __call__(self) -> bool:
        """Give the answer to the last question once, and False while there is none."""
        if self._asked is None:
            self._asked = self._threads.submit(self._ask)
        if not self._asked.done():
            return False
        answer, self._asked = self._asked.result(), None
        return answer


class Kept:
    """A process that is started again whenever it ends, a little later each time that it ends at once.

    `ready_file` is removed before each start, so that it speaks of the process that runs.
    """

    def __init__(self, spec: ChildSpec, roll: Roll, ready_file: Path | None = None) -> None:
        self.spec = spec
        self.wanted = True
        self.deaths: list[str] = []
        """How it ended, each time that nobody here had sent it a signal."""
        self._roll = roll
        self._ready_file = ready_file
        self._pause_s = FIRST_PAUSE_S
        self._start_at = 0.0
        self._started_at = 0.0
        self._signalled = False
        self._child: Child | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def runs(self) -> bool:
        """Whether it was started and its end has not been noticed."""
        return self._child is not None

    @property
    def ready(self) -> bool:
        """Whether it runs and does its work."""
        return self._child is not None and self._child.ready

    @property
    def process(self) -> psutil.Process | None:
        """Give the process that runs now."""
        if self._child is None or self._child.pid is None:
            return None
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._child.pid)
        return None

    def watch(self, now: float) -> None:
        """Notice its end and start it when it is time; to be called often, by the main thread."""
        if self._child is None:
            if self.wanted and now >= self._start_at:
                self._start(now)
            return
        self._child.watch(now)
        if self._child.pid is None:
            self._ended(self._child, now)

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal; False where it does not run."""
        process = self.process
        if process is None:
            return False
        self._signalled = self._signalled or number in {signal.SIGKILL, signal.SIGTERM}
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return False
        return True

    def _start(self, now: float) -> None:
        bound_log(self.spec.log)
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)
        self._signalled = False
        self._started_at = now
        self._child = Child(self.spec)
        self._child.start(now)
        if (process := self.process) is not None:
            self._roll.note(process)

    def _ended(self, child: Child, now: float) -> None:
        if not self._signalled:
            self.deaths.append(str(child.last_exit))
        lasted = now - self._started_at >= STABLE_S
        self._pause_s = FIRST_PAUSE_S if lasted else min(self._pause_s * 2, LONGEST_PAUSE_S)
        self._start_at = now + self._pause_s
        self._child = None


def module_of_ours(
    name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, stop_limit_s: float
) -> ChildSpec:
    """Describe a process that runs a module of this repository."""
    return ChildSpec(
        name=name,
        command=(sys.executable, "-P", "-m", *command),
        environment={**environment, "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk' / 'src'}", "PYTHONUNBUFFERED": "1"},
        folder=ROOT,
        log=log,
        address=None,
        is_ready=lambda: True,
        stop_limit_s=stop_limit_s,
    )


def wait_for_end(kept: Sequence[Kept], within_s: float) -> None:
    """Ask these to end, wake those that sleep, insist after a while, and return when none runs."""
    for each in kept:
        each.wanted = False
        each.send(signal.SIGTERM)
        each.send(signal.SIGCONT)
    _watch_until_gone(kept, within_s)
    for each in kept:
        each.send(signal.SIGKILL)
    _watch_until_gone(kept, GONE_WITHIN_S)


def _watch_until_gone(kept: Sequence[Kept], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while any(each.runs for each in kept) and time.monotonic() < deadline:
        for each in kept:
            each.watch(time.monotonic())
        time.sleep(PACE_S)
