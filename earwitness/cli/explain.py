"""`earwitness explain`: why an access has its verdict, for a person to read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earwitness.cli.client import ApiClient
from earwitness.cli.output import (
    VERDICT_STYLES,
    OutputFormat,
    console,
    reading_options,
    second,
    tell,
    visible,
    write_json,
    write_json_lines,
    write_rows,
)
from earwitness.cli.register_freshness import stale_sentence
from earwitness.cli.wording import DONE, REASONS, shorten_times
from earwitness.devstack.state import resolve

CHECK_COLUMNS: Final = ("id", "source", "name", "passed", "expected", "found", "evidence_ref")
_INDENT: Final = (0, 0, 0, 2)

Json = dict[str, Any]


@click.command()
@click.argument("identifier", metavar="ID")
@reading_options
def explain(identifier: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Say why one access has its verdict: clause, evidence, each check, history.

    The access is judged again from the policy and evidence of its verdict; should the answer differ, that
    is said first and the exit code is 1. CSV holds the checks.

    \b
    Example:
      earwitness explain 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.find("accesses", identifier, "explanation")
    if found is None:
        tell(f"no access has the id {identifier}")
        raise click.exceptions.Exit(1)
    explanations: list[Json] = found["explanations"]
    if len(explanations) > 1:
        tell(f"{len(explanations)} accesses of different sources share this id")
    match output:
        case "table":
            for explanation in explanations:
                print_explanation(console(), explanation)
        case "json":
            write_json(explanations[0] if len(explanations) == 1 else explanations)
        case "jsonl":
            write_json_lines(explanations)
        case "csv":
            write_rows(_checks(explanations), CHECK_COLUMNS, output)
    if any(explanation["differences"] for explanation in explanations):
        tell("judged again, this access gets another verdict than the trail holds: see the differences")
        raise click.exceptions.Exit(1)


def print_explanation(to: Console, explanation: Json) -> None:
    """Print one explanation as a page: verdict, clause, checks, evidence, history."""
    row = explanation["access"]
    if explanation["differences"]:
        _section(to, "THE TRAIL AND THE JUDGE DISAGREE", _differences(explanation), style="bold white on red")
    to.print(_headline(row))
    to.print(Padding(Text(REASONS[row["reason"]]), _INDENT))
    to.print(Padding(_sentence(row), _INDENT))
    for register in explanation["stale"]:
        to.print(Padding(visible(stale_sentence(register), "yellow"), _INDENT))
    to.print()
    _section(to, "Policy", _policy(explanation))
    _section(to, "Checks (times are UTC)", [_checks_table(explanation)])
    if explanation["missing"]:
        _section(to, "What would have justified it", [_bullet(text) for text in explanation["missing"]])
    if explanation["evidence"]:
        _section(to, "Evidence, as it was known then", _evidence(explanation))
    _section(to, "History", [_history_table(explanation["history"])])
    _section(to, "Where it is recorded", [_origin(row)])


def _section(to: Console, title: str, content: list[RenderableType], style: str = "bold") -> None:
    to.print(Text(title, style=style))
    for part in content:
        to.print(Padding(part, _INDENT))
    to.print()


def _headline(row: Json) -> Text:
    style = VERDICT_STYLES.get(row["verdict"], "bold")
    late = " (late: the evidence came after the access was first judged)" if row["late"] else ""
    return Text.assemble(
        (row["verdict"].upper(), style),
        "  ",
        visible(row["clause"] if row["verdict"] == "justified" else row["reason"], style),
        late,
        "  ",
        visible(row["id"], "dim"),
    )


def _sentence(row: Json) -> Text:
    """Tell the access in one sentence."""
    organization = f" of {row['organization']}" if row["organization"] else ""
    team = f" (team {row['actor_team']})" if row["actor_team"] else ""
    done, tried = DONE[row["action"]]
    verb = done if row["outcome"] == "succeeded" else f"tried to {tried}"
    customer = "many or unknown customers" if row["customer_id"] == "*" else f"customer {row['customer_id']}"
    return visible(
        f"On {second(row['time'])} UTC, {row['actor_type']} {row['actor_id']}{organization}{team} {verb}"
        f" {row['resource_type']} {row['resource_id']} of {customer}{_circumstances(row)}."
        f" Reported by {row['source']}."
    )


def _circumstances(row: Json) -> str:
    outcome = "" if row["outcome"] == "succeeded" else f" ({row['outcome']})"
    recipient = f" (the content goes to {row['recipient']})" if row["recipient"] else ""
    purpose = f", declaring {row['purpose']}" if row["purpose"] else ", declaring no purpose"
    cited = f" and citing {row['evidence_ref']}" if row["evidence_ref"] else " and citing no evidence"
    return f"{outcome}{recipient}{purpose}{cited}"


def _policy(explanation: Json) -> list[RenderableType]:
    policy, clause, purpose = (explanation[name] for name in ("policy", "clause", "purpose"))
    if policy["version"] is None:
        return [Text("No policy version was in effect then.")]
    title = policy["title"] or "this version is not among the policy files here"
    parts: list[RenderableType] = [
        Text.assemble("version ", visible(policy["version"]), "  ", visible(title, "dim"))
    ]
    if clause is not None:
        parts += _quoted("clause", clause)
    elif purpose is not None:
        parts += _quoted("this purpose stands on", purpose)
    else:
        parts.append(Text("No clause stands behind this access.", style="yellow"))
    return parts


def _quoted(label: str, clause: Json) -> list[RenderableType]:
    heading = Text.assemble(f"{label} ", visible(clause["id"], "bold"), "  ", visible(clause["title"]))
    return [heading, *(Padding(visible(f"“{quote}”", "italic"), _INDENT) for quote in clause["quotes"])]


def _checks_table(explanation: Json) -> RenderableType:
    if not explanation["checks"]:
        return Text("None could be made.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("expected", overflow="fold", ratio=5)
    table.add_column("found", overflow="fold", ratio=4)
    table.add_column("evidence", overflow="fold", ratio=2)
    # Where the access is justified, what was not met was not needed: it alarms nobody.
    failed = ("no", "dim") if explanation["access"]["verdict"] == "justified" else ("NO", "bold red")
    for check in explanation["checks"]:
        mark, style = ("ok", "green") if check["passed"] else failed
        table.add_row(
            Text(mark, style=style),
            visible(shorten_times(check["expected"])),
            visible(shorten_times(check["found"]), "" if check["passed"] else style),
            visible(check["evidence_ref"], "dim"),
        )
    return table


def _evidence(explanation: Json) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for shown in explanation["evidence"]:
        roles = " and ".join(role for role in ("cited", "used") if shown[role]) or "looked at"
        parts.append(Text.assemble(visible(shown["ref"], "bold"), "  ", (roles, "dim")))
        parts.append(Padding(_record(shown), _INDENT))
    return parts


def _record(shown: Json) -> RenderableType:
    later = [second(item["registered_at"]) for item in shown["later"]]
    if shown["record"] is None:
        text = (
            f"no register had told of it; one did at {later[0]} UTC"
            if later
            else "no register has told of it"
        )
        return Text(text, style="red")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in shown["record"].items():
        if name != "ref":
            table.add_row(
                name, visible(", ".join(value) if isinstance(value, list) else shorten_times(value))
            )
    table.add_row("registered", visible(f"{second(shown['registered_at'])} UTC, version {shown['version']}"))
    if later:
        table.add_row("changed since", visible(f"{len(later)} times, last at {later[-1]} UTC", "yellow"))
    return table


def _history_table(history: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("judged (UTC)", "verdict", "reason", "clause", "policy", "evidence version"):
        table.add_column(name, overflow="fold")
    for verdict in history:
        table.add_row(
            visible(second(verdict["judged_at"])),
            visible(verdict["verdict"], VERDICT_STYLES.get(verdict["verdict"], "")),
            visible(verdict["reason"] + (", late" if verdict["late"] else "")),
            visible(verdict["clause"]),
            visible(verdict["policy_version"]),
            visible(verdict["evidence_version"]),
        )
    return table


def _origin(row: Json) -> Text:
    return visible(
        f"{row['position']}, received {second(row['received_at'])}, recorded {second(row['recorded_at'])} UTC"
    )


def _differences(explanation: Json) -> list[RenderableType]:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("field", "in the trail", "judged again"):
        table.add_column(name, overflow="fold")
    for difference in explanation["differences"]:
        table.add_row(*(visible(difference[name]) for name in ("field", "stored", "judged_again")))
    return [
        table,
        Text("A policy file or the evidence log is not what it was. Do not rely on either verdict."),
    ]


def _bullet(text: str) -> Text:
    return Text.assemble("- ", visible(shorten_times(text)))


def _checks(explanations: list[Json]) -> Iterator[Json]:
    for explanation in explanations:
        row = explanation["access"]
        for check in explanation["checks"]:
            yield {"id": row["id"], "source": row["source"], **check}
