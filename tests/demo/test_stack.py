import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from earwitness.demo import stack as demo_stack
from earwitness.demo.progress import Progress
from earwitness.demo.stack import stack_in
from models.errors import StackUnavailable

DATA_DIR = Path("demo-data")


class FakeDevstack:
    """Stands in for a data folder and the one who starts and stops what runs there."""

    def __init__(self, phase: str | None) -> None:
        self.phase = phase
        self.done: list[str] = []

    def recorded(self, _layout: object) -> object:
        """Say whether a stack was ever there."""
        return self.phase

    def read(self, _data_dir: Path) -> SimpleNamespace:
        """Say how the stack is."""
        running = self.phase not in {"stopped", "failed"}
        return SimpleNamespace(phase=self.phase, running=running, ready=self.phase == "ready")

    def fetch_kafka(self, _url: str, _report: object) -> None:
        """Fetch nothing."""

    def start_detached(self, options: object) -> None:
        """Start nothing."""
        self.done.append("started")

    def stop(self, _layout: object, _report: object) -> bool:
        """Stop nothing."""
        self.done.append("stopped")
        return True


@pytest.fixture
def progress() -> Progress:
    """Tell the steps to nobody."""
    return Progress(Console(file=io.StringIO()))


def given(monkeypatch: pytest.MonkeyPatch, phase: str | None) -> FakeDevstack:
    """Put a stack of that phase (none where None) into the data folder."""
    fake = FakeDevstack(phase)
    monkeypatch.setattr(demo_stack, "state", fake)
    monkeypatch.setattr(demo_stack, "control", fake)
    return fake


@pytest.mark.parametrize("phase", [None, "stopped", "failed"])
def test_where_none_runs_a_stack_is_started_and_stopped_again(
    monkeypatch: pytest.MonkeyPatch, progress: Progress, phase: str | None
) -> None:
    """A demo leaves nothing running that nobody asked for."""
    fake = given(monkeypatch, phase)
    with stack_in(DATA_DIR, "", progress):
        assert fake.done == ["started"]
    assert fake.done == ["started", "stopped"]


def test_it_is_stopped_when_the_demo_fails_as_well(
    monkeypatch: pytest.MonkeyPatch, progress: Progress
) -> None:
    """Ctrl-C in the middle is the usual way to end a demo."""
    fake = given(monkeypatch, None)
    with pytest.raises(KeyboardInterrupt), stack_in(DATA_DIR, "", progress):
        raise KeyboardInterrupt
    assert fake.done == ["started", "stopped"]


def test_it_stays_when_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
    """`--keep` is for going on with the commands that the demo prints."""
    fake = given(monkeypatch, None)
    with stack_in(DATA_DIR, "", progress) as stack:
        stack.leave_running()
    assert fake.done == ["started"]


def test_a_stack_that_runs_already_is_used_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, progress: Progress
) -> None:
    """Whoever started it did not ask the demo to stop it."""
    fake = given(monkeypatch, "ready")
    with stack_in(DATA_DIR, "", progress):
        pass
    assert fake.done == []


@pytest.mark.parametrize("phase", ["starting", "degraded", "stopping"])
def test_a_stack_that_is_not_ready_is_neither_used_nor_started_over(
    monkeypatch: pytest.MonkeyPatch, progress: Progress, phase: str
) -> None:
    """The message says how it is and what to do."""
    fake = given(monkeypatch, phase)
    with pytest.raises(StackUnavailable, match=f"is {phase}; wait until"), stack_in(DATA_DIR, "", progress):
        pass
    assert fake.done == []
