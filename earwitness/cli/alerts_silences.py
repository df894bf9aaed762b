"""`earwitness alerts silence | silences | unsilence`: what nobody is told of for a while, and why."""

from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from earwitness.cli.alerts_completing import complete_rule, complete_silence
from earwitness.cli.client import ApiClient
from earwitness.cli.output import (
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
from earwitness.devstack.state import resolve
from earwitness.reports.alert_words import about

COLUMNS: Final = (
    "id", "rule", "grouping", "reason", "created_at", "created_by", "expires_at", "written_by", "in_force",
)  # fmt: skip
Silence = dict[str, Any]


@click.command()
@click.option(
    "--rule", default="", metavar="RULE", shell_complete=complete_rule, help="Only alerts of this rule."
)
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Only alerts grouped so; repeatable.")
@click.option("--reason", required=True, metavar="TEXT", help="Why nobody needs to be told.")
@click.option(
    "--for", "expires", required=True, metavar="SPAN", help="How long, as 12h or 7d; or until when."
)
@reading_options
def silence(  # noqa: PLR0913, PLR0917 - one for each option
    rule: str,
    where: tuple[str, ...],
    reason: str,
    expires: str,
    output: OutputFormat,
    data_dir: Path | None,
) -> None:
    """Have nobody told of some alerts for a while; they are raised and listed all the same.

    \b
    Examples:
      earwitness alerts silence --rule bulk-access --where actor_id=e-1 --for 12h --reason 'migration CHG-12'
      earwitness alerts silence --where customer_id=acme --for 2d --reason 'their own audit, TCK-40'

    It lasts at most 30 days. Name a rule, what its alerts are grouped by, or both.
    """
    body = {"rule": rule, "grouping": dict(map(_pair, where)), "reason": reason, "expires": expires}
    with ApiClient(resolve(data_dir, "api").api) as api:
        made = api.post("silences", body=body)
    if output == "table":
        tell(f"{made['id'][:8]}: {_what(made)} is silent until {second(made['expires_at'])} UTC")
    else:
        _write(made, output)


@click.command()
@click.option("--ended", is_flag=True, help="Those that are over, too.")
@reading_options
def silences(ended: bool, output: OutputFormat, data_dir: Path | None) -> None:  # noqa: FBT001 - a flag of click
    """List the silences: what is silent, why, by whom and until when.

    \b
    Examples:
      earwitness alerts silences
      earwitness alerts silences --ended --output csv
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.get("silences", ended="true" if ended else None)["silences"]
    if output != "table":
        write_rows(iter(found), COLUMNS, output)
    elif found:
        console().print(_table(found))
    else:
        tell("nothing is silenced")


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=complete_silence)
@reading_options
def unsilence(identifier: str, output: OutputFormat, data_dir: Path | None) -> None:
    """End a silence now; what was recorded of it stays.

    \b
    Example:
      earwitness alerts unsilence 0190b5a2
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        ended = api.delete("silences", identifier)
    if ended is None:
        tell(f"no silence has the id {identifier}")
        raise click.exceptions.Exit(1)
    if output == "table":
        tell(f"{ended['id'][:8]}: {_what(ended)} is no longer silent")
    else:
        _write(ended, output)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise click.BadParameter(f"{text!r} is no NAME=VALUE, as actor_id=e-1", param_hint="--where")
    return name, value


def _what(silence: Silence) -> str:
    return ", ".join(filter(None, (silence["rule"] or "every rule", about(silence["grouping"]))))


def _write(silence: Silence, output: OutputFormat) -> None:
    if output == "json":
        write_json(silence)
    else:
        write_rows(iter([silence]), COLUMNS, output)


def _table(found: list[Silence]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("id", no_wrap=True)
    table.add_column("what is silent", overflow="fold", ratio=3)
    table.add_column("why\nby", overflow="fold", ratio=3)
    table.add_column("until (UTC)", no_wrap=True)
    for silence in found:
        until = second(silence["expires_at"])
        table.add_row(
            visible(silence["id"][:8]),
            lines(visible(silence["rule"] or "every rule"), visible(about(silence["grouping"]), "dim")),
            lines(visible(silence["reason"]), visible(silence["created_by"], "dim")),
            visible(
                until if silence["in_force"] else f"over since {until}", "" if silence["in_force"] else "dim"
            ),
        )
    return table
