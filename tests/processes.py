"""How tests have a server sleep: one that answers nothing and refuses nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psutil

STOPPED_WITHIN_S: Final = 20.0


def suspend(process: psutil.Process) -> None:
    """Stop all its threads.

    The signal wakes one of them, which has the others stop once it gets a processor: until then they run
    on, answer what was sent to them meanwhile, and one would take the next signal for all of them.
    """
    process.suspend()
    deadline = time.monotonic() + STOPPED_WITHIN_S
    while not all(_is_stopped(thread.id) for thread in process.threads()):
        assert time.monotonic() < deadline, f"{process} goes on"
        time.sleep(0.01)


@contextmanager
def asleep(pid: int | None) -> Iterator[None]:
    """Have a process sleep for the time of the block."""
    assert pid is not None
    process = psutil.Process(pid)
    suspend(process)
    try:
        yield
    finally:
        process.resume()


def _is_stopped(thread: int) -> bool:
    try:
        return bool(psutil.Process(thread).status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:  # a thread that has ended meanwhile
        return True
