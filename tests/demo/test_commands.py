import shlex
from pathlib import Path

import click
import pytest

from earwitness.cli.main import earwitness
from earwitness.demo import commands
from earwitness.demo.labels import LabelledAccess, unjustified

DATA_DIR = Path("a folder/.demo")
EXAMPLE = LabelledAccess(
    {
        "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
        "actor_id": "emp-1",
        "customer_id": "cus-1",
        "evidence_ref": "ticket:TCK-1",
    },
    "another_customers_ticket",
    unjustified("evidence_wrong_customer"),
)
SUGGESTED = [commands.to_bring_it_back(DATA_DIR), *commands.to_go_on(EXAMPLE, DATA_DIR)]


@pytest.mark.parametrize("suggestion", SUGGESTED, ids=lambda suggestion: suggestion.purpose)
def test_every_suggested_command_is_one_that_the_program_takes(suggestion: commands.Suggestion) -> None:
    """A person copies it as it stands; a renamed option must not survive in the demo."""
    arguments = shlex.split(suggestion.command.removeprefix(commands.program()))
    current: click.Command = earwitness
    context = click.Context(earwitness)
    while isinstance(current, click.Group):
        name = arguments.pop(0)
        found = current.get_command(context, name)
        assert found is not None, name
        current, context = found, click.Context(found, parent=context)
    parsed = current.make_context(current.name, arguments, parent=context.parent)
    assert parsed.params["data_dir"] == DATA_DIR


def test_the_program_is_named_so_that_a_shell_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After `make demo` the program lies in a virtual environment that is not on the PATH."""
    in_venv = tmp_path / ".venv" / "bin" / "earwitness"
    in_venv.parent.mkdir(parents=True)
    in_venv.touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(in_venv.with_name("python")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert commands.program() == ".venv/bin/earwitness"
    monkeypatch.setenv("PATH", str(in_venv.parent))
    assert commands.program() == "earwitness"


def test_another_earwitness_on_the_path_is_not_suggested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It might be of another version, and would not be the one that just ran."""
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "earwitness").touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "ours" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "theirs"))
    assert commands.program() == str(tmp_path / "ours" / "earwitness")
