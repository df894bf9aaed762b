"""What every command says of itself: examples first, for nobody reads a manual to the end."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import click
import pytest

from earwitness.cli.main import earwitness
from tests.cli.conftest import Run


def leaves(
    command: click.Command, name: str, above: click.Context | None
) -> Iterator[tuple[str, click.Context]]:
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=above)
    if not isinstance(command, click.Group):
        yield name, context
        return
    for inner in command.list_commands(context):
        found = command.get_command(context, inner)
        assert found is not None
        yield from leaves(found, f"{name} {inner}", context)


COMMANDS = dict(leaves(earwitness, "earwitness", None))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_examples_before_anything_else(name: str) -> None:
    """One sentence what it is for, then how it is called, as it is called."""
    context = COMMANDS[name]
    said = context.command.get_help(context)
    usage, _, rest = said.partition("\n\n")
    sentence, examples, *_ = rest.split("\n\n")
    assert usage.startswith("Usage: ")
    assert sentence.strip().endswith("."), sentence
    assert examples.strip().startswith("Example"), examples
    assert name in examples


@pytest.mark.parametrize(
    ("shell", "mark"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --")]
)
def test_each_shell_gets_a_script(run: Run, shell: str, mark: str) -> None:
    """Nothing but the script on stdout, and no stack is needed."""
    ran = run("completion", shell)
    assert (ran.exit_code, ran.err) == (0, "")
    assert mark in ran.out
    assert "_EARWITNESS_COMPLETE" in ran.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(run: Run, shell: str) -> None:
    """A mistake in it would meet people at their next login."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = run("completion", shell).out
    subprocess.run([shell, "-n"], input=script, text=True, check=True, env={"PATH": os.environ["PATH"]})


def test_another_shell_is_refused(run: Run) -> None:
    """With the ones that there are."""
    ran = run("completion", "tcsh")
    assert ran.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in ran.err
