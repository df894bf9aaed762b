"""How commands show what they found: a table for people, JSON, JSON lines or CSV for programs.

Data goes to stdout and messages to stderr. Whatever a producer put into a field, a table shows no
control characters: an actor's name cannot move the reader's cursor or hide a row.
"""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earwitness.cli.curl import show_curl_option
from earwitness.cli.stack_options import data_dir_option
from earwitness.query.csv_cells import neutral

OutputFormat = Literal["table", "json", "jsonl", "csv"]
FORMATS: Final = ("table", "json", "jsonl", "csv")

PLAIN_WIDTH: Final = 120
"""Columns of a table that goes into a file or a pipe, unless COLUMNS says otherwise."""

ROWS_BETWEEN_COUNTS: Final = 1_000
_ERASED: Final = "\r\x1b[K"

VERDICT_STYLES: Final = {
    "justified": "green",
    "unjustified": "bold red",
    "pending": "yellow",
    "indeterminate": "magenta",
}

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Row = TypeVar("_Row")


def reading_options(command: _Command) -> _Command:
    """Add the options of every command that asks the API: `--output`, `--show-curl` and `--data-dir`."""
    return show_curl_option(output_options(command))


def period_options(example: str, default: str) -> Callable[[_Command], _Command]:
    """Add `--since` and `--until`: the interval of event time that is asked about."""

    def with_options(command: _Command) -> _Command:
        for option in (
            click.option("--until", metavar="T", help="Up to this event time, which is not included."),
            click.option(
                "--since",
                metavar="T",
                help=f"From this event time on, as {example}, 2026-01-31 or RFC 3339.  [default: {default}]",
            ),
        ):
            command = option(command)
        return command

    return with_options


def output_options(command: _Command) -> _Command:
    """Add `--output` and `--data-dir`."""
    for option in (
        data_dir_option,
        click.option(
            "--output",
            type=click.Choice(FORMATS),
            default="table",
            show_default=True,
            help="How to show it: for people, or for programs.",
        ),
    ):
        command = option(command)
    return command


def console() -> Console:
    """Give the console for tables on stdout: colours and the terminal's width only on a terminal."""
    if sys.stdout.isatty():
        return Console(highlight=False, emoji=False, markup=False)
    width = os.environ.get("COLUMNS", "")
    columns = int(width) if width.isdecimal() and int(width) > 0 else PLAIN_WIDTH
    return Console(width=columns, no_color=True, highlight=False, emoji=False, markup=False)


def tell(message: str) -> None:
    """Say something about the data that is not data."""
    click.echo(message, err=True)


def progressing(rows: Iterator[_Row]) -> Iterator[_Row]:
    """Count rows on stderr while they come, where somebody watches; nothing is left of it in the end."""
    if not sys.stderr.isatty():
        yield from rows
        return
    shown = False
    for count, row in enumerate(rows, start=1):
        if count % ROWS_BETWEEN_COUNTS == 0:
            click.echo(f"\r{count:,} …", err=True, nl=False)
            shown = True
        yield row
    if shown:
        click.echo(_ERASED, err=True, nl=False)


def write_json(value: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Write one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=not _speaks_unicode()))


def write_json_lines(rows: Iterable[Any]) -> None:
    """Write one JSON document a line, each as soon as it is there."""
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=not _speaks_unicode()))


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows as CSV under a header: absent values empty, lists and objects as JSON, no formulas."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])


def write_rows(rows: Iterator[Mapping[str, Any]], columns: Sequence[str], output: OutputFormat) -> None:
    """Write rows for a program, in any format but a table."""
    match output:
        case "json":
            write_json(list(rows))
        case "jsonl":
            write_json_lines(rows)
        case "csv":
            write_csv(rows, columns)
        case "table":
            msg = "a table is laid out by its command"
            raise ValueError(msg)


def plain_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Lay out an answer of any shape: its columns as they come, long values folded."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(visible(name), overflow="fold")
    for row in rows:
        table.add_row(*(visible(_flat(value)) for value in row))
    return table


def records_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Lay out an answer with many columns: each row as a list of its names and values, a line between two."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for number, row in enumerate(rows):
        if number:
            table.add_row("", "")
        for name, value in zip(columns, row, strict=True):
            table.add_row(visible(name), visible(_flat(value)))
    return table


def visible(value: object, style: str = "") -> Text:
    """Give text as a table may show it: what would draw nothing, or move the cursor, in its escaped form."""
    text = "" if value is None else str(value)
    return Text(drawn(text), style=style)


def drawn(text: str) -> str:
    """Give text with what would draw nothing, or move the cursor, in its escaped form."""
    return "".join(_drawn(character) for character in text)


def lines(*parts: Text) -> Text:
    """Put the parts that are not empty under each other."""
    return Text("\n").join(part for part in parts if part.plain)


def second(text: str) -> str:
    """Show an instant of the API to the second, as `2026-01-31 09:30:00`."""
    return text[:19].replace("T", " ")


def _drawn(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _cell(value: object) -> object:
    """Give a value as a cell of CSV, which no spreadsheet takes for a formula."""
    flat = _flat(value)
    return neutral(flat) if isinstance(flat, str) else flat


def _flat(value: object) -> object:
    """Give lists, objects and booleans as JSON, anything else as it is."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else value


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
