"""`earwitness report`: what there is to tell a customer, or those who ask for one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earwitness.cli.client import ApiClient
from earwitness.cli.output import (
    VERDICT_STYLES,
    OutputFormat,
    console,
    lines,
    reading_options,
    second,
    tell,
    visible,
    write_json,
    write_rows,
)
from earwitness.cli.search import accesses_table
from earwitness.devstack.state import resolve
from earwitness.query.rows import ROW_FIELDS

Row = dict[str, Any]


@click.group()
def report() -> None:
    """Summaries of the trail."""


@report.command()
@click.argument("customer_id", metavar="ID")
@click.option(
    "--since", metavar="T", help="From this event time on, as 30d, 2026-01-31 or RFC 3339.  [default: all]"
)
@click.option("--until", metavar="T", help="Up to this event time, which is not included.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="Most accesses listed.",
)
@reading_options
def customer(  # noqa: PLR0913, PLR0917 - one for each option
    customer_id: str,
    since: str | None,
    until: str | None,
    limit: int,
    output: OutputFormat,
    data_dir: Path | None,
) -> None:
    """Who touched this customer's content, when and why.

    \b
    Example:
      earwitness report customer acme --since 30d

    A table or JSON holds the counts by actor, purpose and clause, and the newest accesses; JSON lines and
    CSV hold those accesses alone, as `search` gives them.

    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.get("reports", "customer", customer_id, since=since, until=until, limit=limit)
    if output == "table":
        print_report(console(), found)
    elif output == "json":
        write_json(found)
    else:
        write_rows(iter(found["accesses"]), ROW_FIELDS, output)
    if found["wide_count"]:
        tell(
            f"accesses that touched many or unknown customers, so perhaps this one: {found['wide_count']};"
            " they are found by customer:* (earwitness search 'customer:*')"
        )


def print_report(to: Console, found: Row) -> None:
    """Print a customer's report for a person."""
    to.print(Text.assemble("Accesses to the content of ", visible(found["customer_id"], "bold")))
    to.print(Text(_interval(found), style="dim"))
    to.print()
    if not found["total"]:
        to.print("Nobody touched it.")
        return
    to.print(_totals(found))
    to.print()
    to.print(Text("Who, and why", style="bold"))
    to.print(_groups_table(found["groups"]))
    to.print()
    listed = len(found["accesses"])
    title = "All of them, newest first" if listed == found["total"] else f"The newest {listed} of them"
    to.print(Text(title, style="bold"))
    to.print(accesses_table(found["accesses"]))


def _interval(found: Row) -> str:
    since, until = found["since"], found["until"]
    begin = f"from {second(since)}" if since else "from the beginning of the trail"
    return f"{begin} {f'up to {second(until)}' if until else 'until now'} (UTC)"


def _totals(found: Row) -> Text:
    counts = [
        Text.assemble((f"{count} {verdict}", VERDICT_STYLES.get(verdict, "")))
        for verdict, count in sorted(found["verdicts"].items(), key=lambda item: -item[1])
    ]
    return Text.assemble(f"{found['total']} accesses: ", Text(", ").join(counts))


def _groups_table(groups: Iterable[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("who", overflow="fold")
    table.add_column("purpose", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("clause or reason\nevidence", overflow="fold")
    table.add_column("accesses", justify="right", no_wrap=True)
    table.add_column("first (UTC)\nlast", no_wrap=True)
    for group in groups:
        table.add_row(*_group_cells(group))
    return table


def _group_cells(group: Row) -> tuple[Text, ...]:
    style = VERDICT_STYLES.get(group["verdict"], "")
    organization = f", {group['organization']}" if group["organization"] else ""
    refs = group["evidence_refs"]
    cited = ", ".join(refs[:3]) + (f" and {len(refs) - 3} more" if len(refs) > 3 else "")
    return (
        lines(visible(group["actor_id"], "bold"), visible(f"{group['actor_type']}{organization}", "dim")),
        visible(group["purpose"] or "none declared"),
        visible(group["verdict"], style),
        lines(
            visible(group["clause"] if group["verdict"] == "justified" else group["reason"]),
            visible(cited, "dim"),
        ),
        visible(group["accesses"]),
        lines(visible(second(group["first"])), visible(second(group["last"]), "dim")),
    )
