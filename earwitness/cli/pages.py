"""`earwitness actor`, `customer`, `resource` and `evidence uses`: all there is of one thing, on a page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar, Unpack

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earwitness.cli.client import ApiClient
from earwitness.cli.output import (
    VERDICT_STYLES,
    OutputFormat,
    console,
    period_options,
    reading_options,
    second,
    tell,
    visible,
    write_json,
    write_rows,
)
from earwitness.cli.search import PAGE_ROWS, accesses_table
from earwitness.devstack.state import resolve
from earwitness.query.pages import PageKind
from earwitness.query.rows import ROW_FIELDS

Page = dict[str, Any]
_Command = TypeVar("_Command", bound=Callable[..., Any])


class PageOptions(TypedDict):
    """What the command line gives to each of the commands here."""

    identifier: str
    since: str | None
    until: str | None
    limit: int
    output: OutputFormat
    data_dir: Path | None


_COUNTED: Final = {
    "verdicts": ("verdict", ""),
    "clauses": ("clause", "none"),
    "purposes": ("purpose", "none declared"),
    "actor_types": ("actor_type", ""),
}


def _page_options(command: _Command) -> _Command:
    for option in (
        reading_options,
        click.option(
            "--limit",
            type=click.IntRange(1),
            default=20,
            show_default=True,
            metavar="N",
            help="Most accesses listed.",
        ),
        period_options("30d", "all"),
        click.argument("identifier", metavar="ID"),
    ):
        command = option(command)
    return command


@click.command()
@_page_options
def actor(**asked: Unpack[PageOptions]) -> None:
    """What one actor did: when first and last, how often by clause, verdict and purpose, and what last.

    \b
    Example:
      earwitness actor e-1 --since 30d
    """
    _show("actor", **asked)


@click.command()
@_page_options
def customer(**asked: Unpack[PageOptions]) -> None:
    """What was done with one customer's content. `report customer` makes a report of it.

    \b
    Example:
      earwitness customer acme
    """
    _show("customer", **asked)


@click.command()
@_page_options
def resource(**asked: Unpack[PageOptions]) -> None:
    """Who touched one recording, message or account: when first and last, why, and how often.

    \b
    Example:
      earwitness resource rec-1
    """
    _show("resource", **asked)


@click.command()
@_page_options
def uses(**asked: Unpack[PageOptions]) -> None:
    """Which accesses one record justifies: when first and last, how often, and which last.

    \b
    Example:
      earwitness evidence uses ticket:TCK-1
    """
    _show("evidence", **asked)


def _show(kind: PageKind, **asked: Unpack[PageOptions]) -> None:
    limit, output = asked["limit"], asked["output"]
    with ApiClient(resolve(asked["data_dir"], "api").api) as api:
        found = _ask(api, kind, asked["identifier"], limit=limit, since=asked["since"], until=asked["until"])
    if output == "table":
        _print(console(), found)
    elif output == "json":
        write_json(found)
    else:
        write_rows(iter(found["accesses"]), ROW_FIELDS if output == "csv" else (), output)
    if found["next"]:
        tell(f"there are more: --limit shows further than {limit}")


def _ask(api: ApiClient, kind: PageKind, identifier: str, *, limit: int, **bounds: str | None) -> Page:
    """Ask for a page and, where many accesses are wanted, for the next ones."""
    found: Page = api.get("pages", kind, identifier, **bounds, limit=min(limit, PAGE_ROWS))
    while found["next"] and len(found["accesses"]) < limit:
        most = min(limit - len(found["accesses"]), PAGE_ROWS)
        more = api.get("pages", kind, identifier, **bounds, limit=most, after=found["next"])
        found["accesses"] += more["accesses"]
        found["next"] = more["next"]
    return found


def _print(to: Console, found: Page) -> None:
    to.print(Text.assemble(found["kind"], " ", visible(found["id"], "bold")))
    if not found["total"]:
        to.print("No access of that time.")
        return
    first, last = second(found["first"]), second(found["last"])
    count = "1 access" if found["total"] == 1 else f"{found['total']:,} accesses"
    to.print(f"{count}, the first at {first} and the last at {last} UTC")
    to.print()
    to.print(_counts_table(found))
    to.print()
    listed = len(found["accesses"])
    title = "All of them, newest first" if not found["next"] else f"The newest {listed} of them"
    to.print(Text(title, style="bold"))
    to.print(accesses_table(found["accesses"]))


def _counts_table(found: Page) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("by")
    table.add_column("", overflow="fold")
    table.add_column("accesses", justify="right")
    for part, (name, absent) in _COUNTED.items():
        for number, counted in enumerate(found[part]):
            style = VERDICT_STYLES.get(counted[name] or "", "") if name == "verdict" else ""
            label = "" if number else name.replace("_", " ")
            table.add_row(label, visible(counted[name] or absent, style), visible(counted["accesses"]))
    return table
