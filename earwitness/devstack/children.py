"""One child process of the supervisor: started, watched, started again, stopped."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import psutil

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 30.0
STABLE_S: Final = 60.0
"""A child that ran this long is restarted without the delay that its earlier deaths had earned."""

ASKED_EVERY_S: Final = 1.0
"""How often a child that was ready is asked whether it still is."""

MOST_ASKED_AT_ONCE: Final = 8

LARGEST_LOG_BYTES: Final = 10 << 20
TAIL_BYTES: Final = 4_000
KILL_LIMIT_S: Final = 10.0

_ASKING: Final = ThreadPoolExecutor(MOST_ASKED_AT_ONCE, thread_name_prefix="health")
_TETHER: Final = Path(__file__).with_name("tether.py")


class ChildSpec(NamedTuple):
    """What to run, and how to tell that it works."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    address: str | None
    is_ready: Callable[[], bool]
    stop_limit_s: float
    trouble: Callable[[], str] | None = None
    """Asked again and again once it was ready: what keeps it from its work, or nothing."""


class Child:
    """One child process over all its restarts. Only the supervisor's thread uses it."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.restarts = 0
        self.trouble = ""
        self.last_exit: str | None = None
        self.created_at: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_again_at = 0.0
        self._delay_s = FIRST_DELAY_S
        self._log_starts_at = 0
        self._was_ready = False
        self._asked: Future[str] | None = None
        self._ask_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether it does its work now."""
        return self._was_ready and not self.trouble

    @property
    def pid(self) -> int | None:
        """Its process, or None while it does not run."""
        return self._process.pid if self._process else None

    def start(self, now: float) -> None:
        """Run it; where that cannot be done it counts as having ended."""
        try:
            self._start()
        except OSError as error:
            self._note_end(f"it could not be started: {error}", now)
        self._started_at = now

    def watch(self, now: float) -> bool:
        """Notice its end, its readiness, and when it is time to start it again; say what changed."""
        before = (self.pid, self.ready, self.trouble)
        if self._process is None:
            if now >= self._start_again_at:
                self.restarts += 1
                self.start(now)
        elif (code := self._process.poll()) is not None:
            if now - self._started_at >= STABLE_S:
                self._delay_s = FIRST_DELAY_S
            self._note_end(f"signal {-code}" if code < 0 else f"exit {code}", now)
        elif not self._was_ready:
            self._was_ready = self.spec.is_ready()
        else:
            self._look_after(now)
        return before != (self.pid, self.ready, self.trouble)

    def ask_to_stop(self) -> None:
        """Ask it to end."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to end, insist after its limit, and wait until it is gone."""
        self.ask_to_stop()
        if self._process is None:
            return
        try:
            self._process.wait(self.spec.stop_limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(KILL_LIMIT_S)
        self._forget()

    def tail(self) -> str:
        """Give the end of what it logged since it was last started."""
        return tail(self.spec.log, self._log_starts_at)

    def _start(self) -> None:
        tethered = (sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *self.spec.command)
        with self.spec.log.open("ab") as log:
            self._log_starts_at = log.tell()
            self._process = subprocess.Popen(
                tethered,
                cwd=self.spec.folder,
                env=dict(self.spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.created_at = psutil.Process(self._process.pid).create_time()

    def _note_end(self, how: str, now: float) -> None:
        self.last_exit = how
        self._start_again_at = now + self._delay_s
        self._delay_s = min(self._delay_s * 2, LONGEST_DELAY_S)
        self._forget()

    def _forget(self) -> None:
        self._process = None
        self.created_at = None
        self._was_ready = False
        self.trouble = ""
        self._asked = None

    def _look_after(self, now: float) -> None:
        """Ask how it is, without waiting for the answer: one that hangs must not hold up the others."""
        if self._asked is not None:
            if self._asked.done():
                self.trouble = self._asked.result()
                self._asked = None
                self._ask_at = now + ASKED_EVERY_S
        elif self.spec.trouble is not None and now >= self._ask_at:
            self._asked = _ASKING.submit(self.spec.trouble)


def bound_log(log: Path) -> None:
    """Keep a log from growing without limit: its last piece and the one before it stay.

    Lines written in the instant of the cut may be lost; this is an operational log.
    """
    try:
        if log.stat().st_size > LARGEST_LOG_BYTES:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
    except FileNotFoundError:
        return


def tail(log: Path, starts_at: int = 0) -> str:
    """Give the end of a log from that byte on, in whole lines; nothing where there is none."""
    try:
        with log.open("rb") as file:
            begin = max(starts_at, log.stat().st_size - TAIL_BYTES)
            file.seek(begin)
            text = file.read(TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
    return (text.partition("\n")[2] if begin > starts_at else text).strip()
