"""`earwitness alerts list | show`: which alerts there are, and all there is of one."""

from pathlib import Path
from typing import Any, Final, get_args

import click

from earwitness.cli.alerts_completing import complete_any, complete_rule
from earwitness.cli.alerts_handling import COLUMNS
from earwitness.cli.alerts_page import alerts_table, print_alert
from earwitness.cli.client import ApiClient
from earwitness.cli.output import OutputFormat, console, reading_options, tell, write_json, write_rows
from earwitness.devstack.state import resolve
from models.alerts import Severity, State

PAGE_ROWS: Final = 1_000
NOT_CLOSED: Final = "open,acknowledged"
ACCESSES_SHOWN: Final = 10
MEMBER_COLUMNS: Final = (
    "time", "actor_type", "actor_id", "organization", "action", "resource_type", "resource_id",
    "customer_id", "outcome", "purpose", "evidence_ref", "recipient",
    "verdict_then", "reason_then", "verdict",
    "reason", "clause", "source", "id", "added_at",
)  # fmt: skip


@click.command("list")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(get_args(State)), help="Only these; repeatable."
)
@click.option("--all", "every_state", is_flag=True, help="The closed ones too.")
@click.option("--rule", default="", metavar="RULE", shell_complete=complete_rule, help="Only of this rule.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice(get_args(Severity)),
    help="Only these; repeatable.",
)
@click.option("--assignee", default="", metavar="WHO", help="Only those assigned to them.")
@click.option("--actor", default="", metavar="ID", help="Only about this actor.")
@click.option("--customer", default="", metavar="ID", help="Only about this customer.")
@click.option("--since", metavar="T", help="Raised from then on, as 7d, 2026-01-31 or RFC 3339.")
@click.option("--until", metavar="T", help="Raised before then.")
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="Most alerts."
)
@reading_options
def list_alerts(  # noqa: PLR0913 - one for each option
    *,
    states: tuple[str, ...],
    every_state: bool,
    severities: tuple[str, ...],
    limit: int,
    output: OutputFormat,
    data_dir: Path | None,
    **narrowed: str | None,
) -> None:
    """List alerts that are not closed, the one that was raised last first.

    \b
    Examples:
      earwitness alerts list
      earwitness alerts list --severity high --severity critical --since 24h
      earwitness alerts list --all --actor e-1 --output jsonl

    The eight characters of an id that the table shows are enough for every command here.
    """
    state = ",".join(states) or ("" if every_state else NOT_CLOSED)
    asked = {**narrowed, "state": state, "severity": ",".join(severities)}
    found: list[dict[str, Any]] = []
    after: str | None = None
    with ApiClient(resolve(data_dir, "api").api) as api:
        while len(found) < limit:
            page = api.get("alerts", **asked, limit=min(limit - len(found), PAGE_ROWS), after=after)
            found += page["alerts"]
            after = page["next"]
            if after is None:
                break
    if output != "table":
        write_rows(iter(found), COLUMNS, output)
    elif found:
        console().print(alerts_table(found))
    if not found:
        tell("no alert is like that" if any(asked.values()) and not _is_plain(asked) else "no alert is open")
    if after is not None:
        tell(f"there are more: --limit shows further than {limit}")


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=complete_any)
@click.option(
    "--accesses",
    type=click.IntRange(1, 100),
    default=ACCESSES_SHOWN,
    show_default=True,
    metavar="N",
    help="Most accesses on the page; JSON has up to 100, CSV and JSON lines have all.",
)
@reading_options
def show(identifier: str, accesses: int, output: OutputFormat, data_dir: Path | None) -> None:
    """Show one alert: what happened, why nothing justifies it, who was told, and what to do next.

    \b
    Examples:
      earwitness alerts show 6f3a6f0e
      earwitness alerts show 6f3a6f0e --output csv > accesses.csv

    Of JSON, `alert` is what `list` gives, `rule` has the runbook, `members` are the accesses with their
    verdicts then and now, `entries` is what happened to the alert, `deliveries` is who was told.
    CSV and JSON lines give its accesses.

    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        whole = api.find("alerts", identifier)
        if whole is None:
            tell(f"no alert has the id {identifier}; `earwitness alerts list` shows them")
            raise click.exceptions.Exit(1)
        if output in {"csv", "jsonl"}:
            write_rows(iter(_members(api, whole)), MEMBER_COLUMNS, output)
    if output == "json":
        write_json(whole)
    elif output == "table":
        print_alert(console(), whole, accesses)


def _members(api: ApiClient, whole: dict[str, Any]) -> list[dict[str, Any]]:
    found, after = list(whole["members"]), whole["next"]
    while after is not None:
        page = api.get("alerts", whole["alert"]["id"], "members", limit=PAGE_ROWS, after=after)
        found += page["members"]
        after = page["next"]
    return found


def _is_plain(asked: dict[str, Any]) -> bool:
    return asked["state"] == NOT_CLOSED and not any(text for name, text in asked.items() if name != "state")
