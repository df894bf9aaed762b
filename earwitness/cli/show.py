"""`earwitness show`: one access, with everything the trail has of it."""

from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from earwitness.cli.accesses import as_of_option, find_accesses
from earwitness.cli.output import (
    VERDICT_STYLES,
    OutputFormat,
    console,
    reading_options,
    tell,
    visible,
    write_json,
    write_rows,
)
from earwitness.cli.register_freshness import stale_sentence
from earwitness.query.rows import ROW_FIELDS

Row = dict[str, Any]


@click.command()
@click.argument("identifier", metavar="ID")
@as_of_option
@reading_options
def show(identifier: str, as_of: str | None, output: OutputFormat, data_dir: Path | None) -> None:
    """Show one access: every field of its row in the trail.

    \b
    Examples:
      earwitness show 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a
      earwitness show 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a --as-of 2026-01-31T09:30:00Z

    With --as-of it has the verdict that was the newest one recorded by then, and `as_of` says when; where
    the access itself was not yet recorded, the exit code is 1. Where several sources used the same id, each
    access is shown; JSON is then a list.

    """
    found = find_accesses(data_dir, as_of, identifier)
    instant = {"as_of": found["as_of"]} if as_of is not None else {}
    rows: list[Row] = [{**instant, **row} for row in found["accesses"]]
    if len(rows) > 1:
        tell(f"{len(rows)} accesses of different sources share this id")
    if output == "table":
        for row, stale in zip(rows, found["stale"], strict=True):
            notes = [visible(stale_sentence(register), "yellow") for register in stale]
            console().print(Group(access_table(row), Text(), *notes, *([Text()] if notes else [])))
    elif output == "json":
        write_json(rows[0] if len(rows) == 1 else rows)
    else:
        write_rows(iter(rows), (*instant, *ROW_FIELDS), output)


def access_table(row: Row) -> Table:
    """Lay out one row, a field a line, without the absent ones."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in row.items():
        if value is not None and value != []:
            style = VERDICT_STYLES.get(str(value), "") if name == "verdict" else ""
            table.add_row(name, visible(_shown(value), style))
    return table


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return str(value)
