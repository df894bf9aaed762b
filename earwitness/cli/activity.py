"""`earwitness search --activity`: who asked what of this system."""

from collections.abc import Sequence
from typing import Any, Final

import click
from rich.table import Table
from rich.text import Text

from earwitness.cli.client import ApiClient
from earwitness.cli.output import OutputFormat, console, lines, second, tell, visible, write_rows
from earwitness.query.activity import ACTIVITY_FIELDS, ACTIVITY_TERMS

CUSTOMERS_SHOWN: Final = 3

Row = dict[str, Any]


def show_activity(  # noqa: PLR0913 - one for each option of the command
    api: ApiClient,
    words: tuple[str, ...],
    *,
    since: str | None,
    until: str | None,
    limit: int,
    output: OutputFormat,
) -> None:
    """Show what the activity log has, newest first."""
    found = api.get("activity", **_asked(words), since=since, until=until, limit=limit)
    rows = found["rows"]
    if output == "table":
        if rows:
            console().print(_table(rows))
        more = ", the newest; there may be more: --limit shows further" if len(rows) == limit else ""
        tell(
            f"{len(rows)} {'entry' if len(rows) == 1 else 'entries'} since {second(found['since'])} UTC{more}"
        )
    else:
        write_rows(iter(rows), ACTIVITY_FIELDS, output)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("time (UTC)\nwho, through", no_wrap=True)
    table.add_column("did", overflow="fold")
    table.add_column("asked for", overflow="fold", ratio=1)
    table.add_column("customers", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    for row in rows:
        who = Text.assemble(visible(row["principal"], "bold"), ", ", visible(row["surface"], "dim"))
        table.add_row(
            lines(Text(second(row["time"])), who),
            visible(row["action"]),
            visible(row["query"]),
            visible(_some(row["customer_ids"])),
            visible(row["row_count"]),
        )
    return table


def _some(customers: Sequence[str]) -> str:
    shown = ", ".join(customers[:CUSTOMERS_SHOWN])
    more = len(customers) - CUSTOMERS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _asked(words: tuple[str, ...]) -> dict[str, str]:
    """Read terms as a query has them: field:value, with commas between alternatives."""
    asked: dict[str, str] = {}
    for word in " ".join(words).split():
        name, colon, value = word.partition(":")
        if not colon or name not in ACTIVITY_TERMS or not value or name in asked:
            raise click.BadParameter(
                f"with --activity the terms are {':…, '.join(ACTIVITY_TERMS)}:…, each once, with commas"
                f" between alternatives; not {word}"
            )
        asked[name] = value
    return asked
