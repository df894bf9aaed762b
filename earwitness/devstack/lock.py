"""One supervisor a data folder: whoever holds the lock of its file is it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from earwitness.devstack.layout import SECRET_MODE, Layout
from models.errors import StackUnavailable

PATIENCE_S: Final = 2.0
"""A reader that asks whether the lock is held holds it for an instant itself."""

POLL_S: Final = 0.05


class Holder(NamedTuple):
    """A process, told apart from a later one with the same id by the time it started."""

    pid: int
    created_at: float


@contextmanager
def held(layout: Layout, holder: Holder) -> Iterator[None]:
    """Hold the data folder. Raises `StackUnavailable` where another supervisor does."""
    handle = os.open(layout.lock, os.O_RDWR | os.O_CREAT, SECRET_MODE)
    try:
        _take(handle, layout)
        os.truncate(handle, 0)
        os.write(handle, f"{holder.pid} {holder.created_at}\n".encode())
        yield
    finally:
        os.close(handle)


def is_held(layout: Layout) -> bool:
    """Say whether a supervisor is at work on this data folder."""
    try:
        handle = os.open(layout.lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def last_holder(layout: Layout) -> Holder | None:
    """Name the process that took the lock last, whether or not it still holds it."""
    try:
        pid, created_at = layout.lock.read_text(encoding="ascii").split()
        return Holder(int(pid), float(created_at))
    except (OSError, ValueError):
        return None


def _take(handle: int, layout: Layout) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise StackUnavailable(already_running(layout)) from error
            time.sleep(POLL_S)
        else:
            return


def already_running(layout: Layout) -> str:
    """Say that a stack runs in this folder, and what can be done."""
    holder = last_holder(layout)
    pid = f" (pid {holder.pid})" if holder else ""
    return (
        f"the stack in {layout.root} is already running{pid}: see `earwitness status`, stop it with "
        "`earwitness down`, or start a second one in another folder with --data-dir"
    )
