"""What the commands about policy files have in common: where the files are, and which version is meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from earwitness import settings
from earwitness.cli.output import FORMATS, visible
from models.errors import QueryRejected

Row = dict[str, Any]

policies_option = click.option(
    "--policies",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the policy versions.  [default: the policies_dir of the settings]",
)
folder_argument = click.argument(
    "named_folder", metavar="[FOLDER]", required=False, type=click.Path(path_type=Path, file_okay=False)
)
output_option = click.option(
    "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="How to show it."
)


def folder_of(*named: Path | None) -> Path:
    """Give the folder that was named, or that of the settings. Raises `QueryRejected` where two were."""
    folders = [folder for folder in named if folder is not None]
    if len(folders) > 1:
        raise QueryRejected("the folder is named twice", "give FOLDER or --policies, not both")
    return folders[0] if folders else settings.load().policies_dir


def not_there(version: str, known: Sequence[str]) -> QueryRejected:
    """Say that a version is not there, and which are."""
    return QueryRejected(f"there is no version {version}", f"there are {', '.join(known)}")


def facts(rows: Sequence[tuple[str, str]], indent: int = 0) -> RenderableType:
    """Lay out names with what is said of each beside them, folded under itself."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, told in rows:
        table.add_row(visible(name), visible(told))
    return Padding(table, (0, 0, 0, indent))


def points(lines: Sequence[str], mark: str = "-") -> RenderableType:
    """Lay out sentences one under the other, each folded under itself."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row(mark, visible(line))
    return Group(table)
