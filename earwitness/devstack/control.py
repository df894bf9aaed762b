"""Starting and stopping a stack from another process: what `up --detach` and `down` do."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from earwitness.devstack import downloads, leftovers, lock, state
from earwitness.devstack.children import tail
from earwitness.devstack.layout import Layout, layout_of, prepare
from earwitness.devstack.state import StackState
from earwitness.devstack.supervisor import Options
from earwitness.settings import ROOT
from models.errors import StackUnavailable

POLL_S: Final = 0.1
LAUNCH_LIMIT_S: Final = 20.0
READY_LIMIT_S: Final = 300.0
STOP_LIMIT_S: Final = 120.0
EXIT_LIMIT_S: Final = 10.0
"""How long a supervisor that has let go of its folder may take to end."""

NAME_LIMIT_S: Final = 5.0
"""How long a supervisor may hold the lock without having written who it is."""

_DETACH: Final = Path(__file__).with_name("detach.py")
_ERROR: Final = re.compile(r"^\S+ error: ", re.MULTILINE)

Report = Callable[[str], None]


def fetch_kafka(maven_url: str, report: Report) -> None:
    """Make sure that Kafka's jars are there. Raises `StackUnavailable`."""
    downloads.fetch(downloads.cache_folder(os.environ), downloads.read_lock(), maven_url, report)


def start_detached(options: Options) -> StackState:
    """Start a supervisor of its own session and return once its stack is ready.

    Raises `StackUnavailable` with what the supervisor said where it gave up.
    """
    layout = layout_of(options.data_dir)
    prepare(layout)
    if lock.is_held(layout):
        raise StackUnavailable(lock.already_running(layout))
    log = layout.log("supervisor")
    said_before = log.stat().st_size if log.exists() else 0
    supervisor = _launch(options, log)
    try:
        return _until_ready(layout, supervisor, said_before)
    except BaseException:
        _end(supervisor)
        raise


def stop(layout: Layout, report: Report) -> bool:
    """Stop the stack of that folder and wait until nothing of it runs; say whether there was one.

    Raises `StackUnavailable` where its supervisor does not end in time.
    """
    if not lock.is_held(layout):
        killed = state.was_killed(layout)
        leftovers.remove(layout, report)
        if killed:
            state.mark_stopped(layout)
        return killed
    began_at = time.monotonic()
    asked: psutil.Process | None = None
    while lock.is_held(layout):
        asked = asked or _ask_to_stop(layout)
        limit_s = STOP_LIMIT_S if asked else NAME_LIMIT_S
        if time.monotonic() - began_at > limit_s:
            who = f"the supervisor (pid {asked.pid})" if asked else "an unknown process"
            raise StackUnavailable(
                f"{who} still holds {layout.lock} after {limit_s:.0f} s: end it by hand, and see "
                f"{layout.log('supervisor')}"
            )
        time.sleep(POLL_S)
    if asked:
        psutil.wait_procs([asked], timeout=EXIT_LIMIT_S)
    return True


def _ask_to_stop(layout: Layout) -> psutil.Process | None:
    """Ask the supervisor to end; None where it has taken the lock but not yet said who it is."""
    holder = lock.last_holder(layout)
    process = leftovers.same_process(holder) if holder else None
    if process is None:
        return None
    try:
        process.terminate()
    except psutil.AccessDenied as error:
        raise StackUnavailable(f"the supervisor (pid {error.pid}) belongs to another user") from error
    except psutil.NoSuchProcess:
        return None
    return process


def _launch(options: Options, log: Path) -> int:
    command = [sys.executable, "-P", "-m", "earwitness.devstack.supervisor", options.model_dump_json()]
    launched = subprocess.run(
        [sys.executable, "-I", "-S", str(_DETACH), str(log), *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=LAUNCH_LIMIT_S,
        check=True,
    )
    return int(launched.stdout)


def _until_ready(layout: Layout, supervisor: int, said_before: int) -> StackState:
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline:
        if _has_ended(supervisor):
            said = layout.log("supervisor").read_bytes()[said_before:].decode(errors="replace")
            raise StackUnavailable(_last_words(said) or "the supervisor ended without a word")
        current = state.recorded(layout)
        if current and current.supervisor_pid == supervisor and current.phase == "ready":
            return current
        time.sleep(POLL_S)
    raise StackUnavailable(
        f"the stack was not ready after {READY_LIMIT_S:.0f} s:\n{tail(layout.log('supervisor'))}"
    )


def _last_words(said: str) -> str:
    """Give the supervisor's error out of its log, or all of it where it names none."""
    error = _ERROR.search(said)
    return (said[error.end() :] if error else said).strip()


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _end(pid: int) -> None:
    """Ask a supervisor that did not make it to clean up, and wait until it has."""
    with suppress(psutil.NoSuchProcess):
        supervisor = psutil.Process(pid)
        supervisor.terminate()
        _, stubborn = psutil.wait_procs([supervisor], timeout=STOP_LIMIT_S)
        for process in stubborn:
            process.kill()
