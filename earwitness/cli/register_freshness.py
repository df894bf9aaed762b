"""`earwitness registers list | beat | retire`: whether the registers still tell what they know."""

from pathlib import Path
from typing import Any, Final, get_args

import click
from rich.table import Table
from rich.text import Text

from earwitness.cli.client import ApiClient
from earwitness.cli.output import OutputFormat, console, reading_options, second, tell, visible, write_rows
from earwitness.cli.spans import Interval, in_words
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from models.errors import QueryRejected
from models.evidence import EvidenceKind
from models.registers import LONGEST_INTERVAL_S, check_register_name

FIELDS: Final = ("name", "kinds", "every_s", "beat_at", "retired", "overdue", "overdue_s")
KINDS: Final = get_args(EvidenceKind)

Json = dict[str, Any]


def _read_kinds(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(kind.strip() for text in given for kind in text.split(",")))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is no kind of evidence: {', '.join(KINDS)}")
    return kinds


def _read_name(_: click.Context, __: click.Parameter, name: str) -> str:
    try:
        return check_register_name(name)
    except ValueError as error:
        raise click.BadParameter(f"{name!r} {error}") from error


@click.command("list")
@reading_options
def list_(output: OutputFormat, data_dir: Path | None) -> None:
    """List the registers: what each tells of, when it last beat, and which are overdue.

    \b
    Examples:
      earwitness registers list
      earwitness registers list --output json
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        rows: list[Json] = api.get("registers")["registers"]
    if output != "table":
        write_rows(iter(rows), FIELDS, output)
        return
    if rows:
        console().print(_table(rows))
    tell(summary(rows))


@click.command()
@click.argument("name", callback=_read_name)
@click.option(
    "--kinds",
    multiple=True,
    required=True,
    metavar="KIND[,KIND...]",
    callback=_read_kinds,
    help="The kinds of evidence that it tells of.",
)
@click.option(
    "--every",
    "every_s",
    required=True,
    type=Interval(LONGEST_INTERVAL_S),
    metavar="SPAN",
    help="When to expect the next beat, with slack: 90s, 15m, 2h, 1d.",
)
@data_dir_option
def beat(name: str, kinds: tuple[str, ...], every_s: int, data_dir: Path | None) -> None:
    """Say that a register works, for as long as --every says.

    \b
    Examples:
      earwitness registers beat zendesk --kinds complaint --every 15m
      earwitness registers beat hr-directory --kinds employment,affiliation --every 1d

    Run it after each load that went well, or from a timer beside the register. Without another beat in
    time the register is overdue, and verdicts that could have used it say so. A name that is new, other
    kinds or another interval are recorded in the activity log; a beat alone is not.

    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        said = api.post("registers", name, "heartbeat", body={"kinds": list(kinds), "every_s": every_s})
    if said["changed"]:
        tell(
            f"{name} tells of {', '.join(kinds)} from now on; its next beat is due within {in_words(every_s)}"
        )


@click.command()
@click.argument("name", callback=_read_name)
@data_dir_option
def retire(name: str, data_dir: Path | None) -> None:
    """Expect nothing of a register any more: its silence marks no verdict. Beating brings it back.

    \b
    Example:
      earwitness registers retire old-ticket-system

    Recorded in the activity log: whoever retires a register switches off a warning.

    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        known = {row["name"]: row for row in api.get("registers")["registers"]}
        if name not in known:
            names = ", ".join(known) or "none"
            raise QueryRejected(f"there is no register {name!r}", f"those that ever beat: {names}")
        if known[name]["retired"]:
            tell(f"{name} is retired already")
            return
        api.post("registers", name, "retirement", body={})
    tell(f"{name} is retired")


def summary(rows: list[Json]) -> str:
    """Say in a line how many registers there are and how many are overdue."""
    if not rows:
        return "no register beats; `earwitness registers beat --help` shows how one does"
    watched = [row for row in rows if not row["retired"]]
    late = sum(row["overdue"] for row in watched)
    retired = f", {len(rows) - len(watched)} retired" if len(watched) < len(rows) else ""
    count = f"{len(watched)} register{'' if len(watched) == 1 else 's'}"
    return f"{count}, {late or 'none'} overdue{retired}"


def lateness(row: Json) -> str:
    """Say of an overdue register since when it is silent, and what that means."""
    return (
        f"overdue by {in_words(row['overdue_s'])}, last beat {second(row['beat_at'])} UTC, one promised every"
        f" {in_words(row['every_s'])}: verdicts that lean on its {', '.join(row['kinds'])} records are marked"
    )


def stale_sentence(register: Json) -> str:
    """Say what it means for a verdict that a register was overdue when it was given."""
    by = f" by {in_words(register['overdue_s'])}" if register["overdue"] else ""
    heard = (
        f" (last beat {second(register['beat_at'])} UTC, one promised every {in_words(register['every_s'])})"
        if register["overdue"]
        else ""
    )
    return (
        f"The register {register['name']} was overdue{by} when this was judged{heard}:"
        f" {', '.join(register['kinds'])} records that it had not told of yet could not count."
    )


def _table(rows: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("register", "tells of", "beats every", "last beat (UTC)", "state"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            visible(row["name"]),
            visible(", ".join(row["kinds"])),
            visible("" if row["retired"] else in_words(row["every_s"])),
            visible(second(row["beat_at"])),
            _state(row),
        )
    return table


def _state(row: Json) -> Text:
    if row["retired"]:
        return Text("retired", style="dim")
    if row["overdue"]:
        return Text(f"overdue by {in_words(row['overdue_s'])}", style="bold red")
    return Text("ok", style="green")
