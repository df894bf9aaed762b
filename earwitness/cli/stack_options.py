"""What the commands of the embedded stack have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def data_dir_option(command: _Command) -> _Command:
    """Add `--data-dir`."""
    option = click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the stack.  [default: .earwitness]",
    )
    return option(command)


def say(line: str) -> None:
    """Tell the person at the terminal something that is not data."""
    click.echo(line, err=True)
