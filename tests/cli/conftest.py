"""Commands as people run them: the same `main`, its exit code, what it printed where."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

import pytest

from earwitness.cli.main import main
from tests.api.world import World, publish
from tests.conftest import Stack


class Ran(NamedTuple):
    """What became of one command."""

    exit_code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def world(stack: Stack) -> World:
    """A small world of this folder's own."""
    return publish(stack, uuid4().hex[:8])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command line in this process."""

    def running(*arguments: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["earwitness", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, printed.out, printed.err)

    return running


@pytest.fixture
def ask(run: Run, stack: Stack) -> Run:
    """Run one command against the stack of this session."""

    def asking(*arguments: str) -> Ran:
        return run(*arguments, "--data-dir", str(stack.data_dir))

    return asking
