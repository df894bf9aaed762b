"""The embedded stack under the demo: one that runs already is used, any other is started for the demo."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from models.errors import StackUnavailable

from .progress import Progress

WORKERS: Final = 1


class DemoStack:
    """A stack that is up. What the demo started, it stops again, unless asked to leave it."""

    def __init__(self, data_dir: Path, *, started_here: bool) -> None:
        self.data_dir = data_dir
        self.stays = not started_here

    def leave_running(self) -> None:
        """Do not stop the stack when the demo ends."""
        self.stays = True


@contextmanager
def stack_in(data_dir: Path, maven_url: str, progress: Progress) -> Iterator[DemoStack]:
    """Give the stack of the data folder, started if need be.

    Raises `StackUnavailable` where one is there that is not ready, or it cannot be started.
    """
    stack = DemoStack(data_dir, started_here=not _is_up(data_dir))
    if stack.stays:
        progress.note(f"using the stack that is running in {data_dir}")
    else:
        _start(data_dir, maven_url, progress)
    try:
        yield stack
    finally:
        if not stack.stays:
            with progress.step("Stop the stack; its data stays"):
                control.stop(layout_of(data_dir), progress.note)


def _is_up(data_dir: Path) -> bool:
    if state.recorded(layout_of(data_dir)) is None:
        return False
    current = state.read(data_dir)
    if current.running and not current.ready:
        raise StackUnavailable(
            f"the stack in {data_dir} is {current.phase}; wait until `earwitness status` says ready, or stop "
            "it with `earwitness down`, and run the demo again"
        )
    return current.ready


def _start(data_dir: Path, maven_url: str, progress: Progress) -> None:
    with progress.step("Make sure that Kafka is here"):
        control.fetch_kafka(maven_url, progress.note)
    with progress.step("Start Kafka, ClickHouse, a judging worker and the read API"):
        control.start_detached(Options(data_dir=data_dir, workers=WORKERS))
