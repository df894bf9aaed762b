"""Alerts as a person at a terminal reads them: a list, and one of them as a page."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earwitness.cli.output import VERDICT_STYLES, lines, second, visible
from earwitness.cli.policy_options import points
from earwitness.reports.alert_words import (
    OUTCOMES,
    about,
    cited,
    detail,
    reasons,
    standing,
    stated,
    told,
    what_happened,
    who_was_told,
)

SEVERITY_STYLES: Final = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
STATE_STYLES: Final = {"open": "bold", "acknowledged": "yellow", "closed": "green"}
MOST_EXPLAINED: Final = 3
"""Accesses whose `earwitness explain` the page writes out."""

_INDENT: Final = (0, 0, 0, 2)

Json = dict[str, Any]


def alerts_table(found: list[Json]) -> Table:
    """Lay out alerts, one or two lines each."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("id", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("what\nabout", overflow="fold", ratio=1)
    table.add_column("accesses", justify="right", no_wrap=True)
    table.add_column("state\nwhose", overflow="fold", max_width=16)
    table.add_column("raised\n(UTC)", no_wrap=True)
    for alert in found:
        table.add_row(
            visible(alert["id"][:8]),
            visible(alert["severity"], SEVERITY_STYLES[alert["severity"]]),
            lines(visible(alert["title"]), visible(about(alert["grouping"]), "dim")),
            visible(f"{alert['access_count']:,}"),
            lines(_state(alert), visible(alert["assignee"], "dim")),
            lines(visible(alert["raised_at"][:10]), visible(alert["raised_at"][11:19], "dim")),
        )
    return table


def print_alert(to: Console, whole: Json, most: int) -> None:
    """Print one alert as a page."""
    alert = whole["alert"]
    to.print(_headline(alert))
    for line in _facts(whole):
        to.print(Padding(line, _INDENT))
    to.print()
    if whole["members"]:
        _section(to, "What happened", _accesses(whole, most))
    if summed := reasons(whole["members"]):
        _section(to, "Why nothing justified it", [points(summed)])
    _section(to, "Who was told", _told(whole))
    if answers := list(_answers(whole["entries"])):
        _section(to, "What the actor says (it proves nothing by itself)", answers)
    _section(to, "What became of it", [_history(whole["entries"])])
    _section(to, "What to do next", [points(list(_next(whole)))])


def _section(to: Console, title: str, content: list[RenderableType]) -> None:
    to.print(Text(title, style="bold"))
    for part in content:
        to.print(Padding(part, _INDENT))
    to.print()


def _state(alert: Json) -> Text:
    outcome = f", {alert['outcome']}" if alert["outcome"] else ""
    return visible(f"{alert['state']}{outcome}", STATE_STYLES[alert["state"]])


def _headline(alert: Json) -> Text:
    return Text.assemble(
        visible(f" {alert['severity'].upper()} ", SEVERITY_STYLES[alert["severity"]]),
        "  ",
        visible(alert["title"], "bold"),
        "  ",
        visible(alert["id"], "dim"),
    )


def _facts(whole: Json) -> Iterator[Text]:
    alert = whole["alert"]
    yield visible(about(alert["grouping"]))
    count = "1 access" if alert["access_count"] == 1 else f"{alert['access_count']:,} accesses"
    when = (
        f", from {second(alert['first_at'])} to {second(alert['last_at'])} UTC" if alert["first_at"] else ""
    )
    yield visible(f"{count}{when}")
    code = f" ({whole['rule']['code']})" if whole["rule"] else ""
    yield visible(f"raised at {second(alert['raised_at'])} UTC by the rule {alert['rule']}{code}")
    if seen := detail(whole["entries"]):
        yield visible(seen, "yellow")
    by = f" since {second(alert['state_since'])} UTC, by {alert['state_by']}"
    whose = f"; assigned to {alert['assignee']}" if alert["assignee"] else ""
    yield Text.assemble(_state(alert), visible(f"{by}{whose}"))
    if alert["state"] == "closed":
        yield visible(f"{OUTCOMES.get(alert['outcome'], '')}: {alert['closing_note']}")


def _accesses(whole: Json, most: int) -> list[RenderableType]:
    table = Table(box=None, padding=(0, 2, 1, 0), show_header=False)
    table.add_column(overflow="fold", ratio=1)
    for member in whole["members"][:most]:
        now = standing(member)
        table.add_row(
            lines(
                visible(what_happened(member)),
                Text.assemble(
                    visible(now, VERDICT_STYLES.get(member["verdict"] or "", "")),
                    "  " if now else "",
                    visible(member["id"], "dim"),
                ),
            )
        )
    left = whole["alert"]["access_count"] - len(whole["members"][:most])
    more = f"and {left:,} more: earwitness alerts show {whole['alert']['id'][:8]} --output csv"
    return [table, *([Text(more, style="dim")] if left > 0 else [])]


def _told(whole: Json) -> list[RenderableType]:
    parts: list[RenderableType] = []
    rows = list(who_was_told(whole["deliveries"]))
    if rows:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for width in (None, None, 1):
            table.add_column(overflow="fold", ratio=width)
        for channel, at, became in rows:
            table.add_row(visible(channel), visible(second(at), "dim"), visible(became))
        parts.append(table)
    else:
        parts.append(Text("Nobody yet: no channel has taken a notice of it.", style="yellow"))
    return [*parts, *map(_silent, whole["silences"])]


def _silent(silence: Json) -> Text:
    return visible(
        f"Silent until {second(silence['expires_at'])} UTC, by {silence['created_by']}:"
        f" {silence['reason']} (earwitness alerts unsilence {silence['id'][:8]})",
        "yellow",
    )


def _answers(entries: list[Json]) -> Iterator[RenderableType]:
    for entry in entries:
        if entry["kind"] == "stated":
            who = entry["done_by"].removeprefix("actor:")
            yield visible(f"{second(entry['at'])} UTC, {who}: {stated(entry)}")


def _history(entries: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold", max_width=24)
    table.add_column(overflow="fold", ratio=1)
    for entry in entries:
        table.add_row(visible(second(entry["at"])), visible(entry["done_by"]), visible(told(entry)))
    return table


def _next(whole: Json) -> Iterator[str]:
    alert, short = whole["alert"], whole["alert"]["id"][:8]
    if whole["rule"]:
        yield f"read {whole['rule']['runbook']}"
    for member in whole["members"][:MOST_EXPLAINED]:
        if member["action"] is not None:
            yield f"earwitness explain {member['id']}"
    for ref in cited(whole["entries"]):
        yield f"look up what the actor cites: earwitness evidence get {ref}"
    if "actor_id" in alert["grouping"]:
        yield f"earwitness actor {alert['grouping']['actor_id']} --since 30d"
    if alert["state"] == "open":
        yield f"earwitness alerts ack {short}"
    if alert["state"] == "closed":
        yield f"earwitness alerts reopen {short} --note TEXT"
    else:
        yield f"earwitness alerts close {short} --outcome true|explained|false --note TEXT"
