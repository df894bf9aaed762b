"""`earwitness report`: what there is to tell a customer, or those who ask about a vendor or a clause."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earwitness.cli.client import ApiClient
from earwitness.cli.curl import is_wanted, show_curl_option
from earwitness.cli.output import (
    VERDICT_STYLES,
    console,
    lines,
    period_options,
    second,
    tell,
    visible,
    write_json,
    write_json_lines,
)
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from earwitness.query.reports import ReportKind
from earwitness.reports.csv import as_csv, worded
from earwitness.reports.page import as_html
from earwitness.wording import REASONS, within

ReportOutput = Literal["table", "html", "json", "jsonl", "csv"]
OUTPUTS: Final = ("table", "html", "json", "jsonl", "csv")

Report = dict[str, Any]
_Command = TypeVar("_Command", bound=Callable[..., Any])


class ReportOptions(TypedDict):
    """What the command line gives to each of the commands here."""

    subject: str
    since: str | None
    until: str | None
    with_actors: bool
    output: ReportOutput
    data_dir: Path | None


def _report_options(subject: str, everything: str) -> Callable[[_Command], _Command]:
    def with_options(command: _Command) -> _Command:
        for option in (
            data_dir_option,
            show_curl_option,
            click.option(
                "--output",
                type=click.Choice(OUTPUTS),
                default="table",
                show_default=True,
                help="How to show it; html is a page to hand on or print.",
            ),
            click.option(
                "--with-actors", is_flag=True, help="Name the actors, where that is allowed to you."
            ),
            period_options("30d", everything),
            click.argument("subject", metavar=subject),
        ):
            command = option(command)
        return command

    return with_options


@click.group()
def report() -> None:
    """What was done with a customer's content, by a vendor or under a clause: to read, print or hand on.

    \b
    Examples:
      earwitness report customer acme --output html > acme.html
      earwitness report vendor smsco --since 7d
    """


@report.command()
@_report_options("ID", "all")
def customer(**asked: Unpack[ReportOptions]) -> None:
    """When and why this customer's content was touched, by what kind of actor and under which clause.

    \b
    Examples:
      earwitness report customer acme --since 30d
      earwitness report customer acme --output html > acme.html
      earwitness report customer acme --with-actors --output csv > acme.csv

    It is what a customer who asks is owed. Persons are not named without --with-actors.
    """
    _show("customer", **asked)


@report.command()
@_report_options("ORG", "30d")
def vendor(**asked: Unpack[ReportOptions]) -> None:
    """What the people and programs of an organization touched, and what content went to it.

    \b
    Example:
      earwitness report vendor smsco --since 2026-10-01 --until 2026-11-01
    """
    _show("vendor", **asked)


@report.command()
@_report_options("CLAUSE", "30d")
def clause(**asked: Unpack[ReportOptions]) -> None:
    """What was done under a clause of the policy, or broke it.

    \b
    Examples:
      earwitness report clause access.resolve-complaint --since 7d
      earwitness report clause no-sale-or-transfer --since 2026-01-01
    """
    _show("clause", **asked)


def _show(kind: ReportKind, **asked: Unpack[ReportOptions]) -> None:
    with ApiClient(resolve(asked["data_dir"], "api").api) as api:
        found = api.get(
            "reports",
            kind,
            asked["subject"],
            since=asked["since"],
            until=asked["until"],
            with_actors="true" if asked["with_actors"] else None,
            # Here the answer is laid out from JSON; who asks by curl has the API do it.
            format=asked["output"] if is_wanted() and asked["output"] in ("html", "csv") else None,
        )
    match asked["output"]:
        case "table":
            print_report(console(), found)
        case "html":
            click.echo(as_html(found), nl=False)
        case "json":
            write_json(found)
        case "jsonl":
            write_json_lines(worded(found))
        case "csv":
            click.echo("".join(as_csv(found)), nl=False)
    if found["wide_count"] is None:
        tell(
            "accesses that touched many or unknown customers are beyond this token's scope; this customer may"
            " be among them"
        )
    elif found["wide_count"]:
        tell(
            f"accesses that touched many or unknown customers, so perhaps this one: {found['wide_count']};"
            " they are found by customer:* (earwitness search 'customer:*')"
        )


def print_report(to: Console, found: Report) -> None:
    """Print a report for a person."""
    to.print(Text.assemble(f"Report on {found['kind']} ", visible(found["subject"], "bold")))
    to.print(Text(_interval(found), style="dim"))
    to.print(Text(_standing(found), style="dim"))
    if found["scope"]:
        to.print(Text(within(found["scope"]), style="yellow"))
    to.print()
    if not found["total"]:
        to.print("Nobody touched it." if found["kind"] == "customer" else "Nothing was done.")
        return
    to.print(_totals(found))
    to.print()
    to.print(Text("Why", style="bold"))
    to.print(_why_table(found))
    to.print()
    left_out = f"; {found['left_out']} older accesses are not listed" if found["left_out"] else ""
    to.print(Text(f"Each day, the newest first{left_out}", style="bold"))
    to.print(_days_table(found))


def _interval(found: Report) -> str:
    since, until = found["since"], found["until"]
    begin = f"from {second(since)}" if since else "from the beginning of the trail"
    return (
        f"{begin} {f'up to {second(until)}' if until else 'until now'} (UTC); made {second(found['made_at'])}"
    )


def _standing(found: Report) -> str:
    known = found["completeness"]
    versions = ", ".join(str(policy["version"]) for policy in found["policies"]) or "none"
    complete = {
        True: f"complete up to the end of {known['through']}",
        False: f"not proven complete up to the end of {known['through']}: see earwitness reconcile",
        None: "not checked for completeness: nothing was received on whole days",
    }[known["complete"]]
    return f"policy versions: {versions}; {complete}; {found['pending']['accesses']} not decided yet"


def _totals(found: Report) -> Text:
    counts = [
        Text.assemble((f"{count} {verdict}", VERDICT_STYLES.get(verdict, "")))
        for verdict, count in sorted(found["verdicts"].items(), key=lambda item: -item[1])
    ]
    return Text.assemble(f"{found['total']} accesses: ", Text(", ").join(counts))


def _why_table(found: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("no.", justify="right", no_wrap=True)
    table.add_column("clause, or why none", overflow="fold")
    table.add_column("accesses", justify="right", no_wrap=True)
    for one in found["clauses"]:
        table.add_row(
            visible(one["number"]),
            lines(visible(one["id"]), visible(one["title"], "dim")),
            visible(one["accesses"]),
        )
    for one in found["unexplained"]:
        style = VERDICT_STYLES.get(one["verdict"], "")
        words = lines(visible(f"{one['verdict']}: {one['reason']}", style), visible(_sentence(one), "dim"))
        table.add_row("", words, visible(one["accesses"]))
    return table


def _sentence(one: Report) -> str:
    return REASONS.get(one["reason"], "")


def _days_table(found: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("day (UTC)\nfirst, last", no_wrap=True)
    table.add_column("who", overflow="fold")
    table.add_column("did what", overflow="fold")
    table.add_column("purpose\nverdict", overflow="fold")
    table.add_column("clause or reason", overflow="fold")
    table.add_column("accesses", justify="right", no_wrap=True)
    for row in found["consultations"]:
        table.add_row(*_cells(row))
    return table


def _cells(row: Report) -> tuple[Text, ...]:
    style = VERDICT_STYLES.get(row["verdict"], "")
    outcome = "" if row["outcome"] == "succeeded" else f"{row['outcome']} "
    organization = f", {row['organization']}" if row["organization"] else ""
    times = dict.fromkeys((row["first"][11:16], row["last"][11:16]))
    return (
        lines(visible(row["day"]), visible(" ".join(times), "dim")),
        lines(
            visible(row.get("actor_id"), "bold"),
            visible(f"{row['actor_type']}{organization}"),
        ),
        lines(
            visible(f"{outcome}{row['action']} {row['resource_type']}"),
            visible(f"for {row['recipient']}" if row["recipient"] else "", "yellow"),
        ),
        lines(visible(row["purpose"] or "none declared"), visible(row["verdict"], style)),
        visible(row["clause"] if row["verdict"] == "justified" else row["reason"]),
        visible(row["accesses"]),
    )
