"""`earwitness tokens`: who may ask the API, for what, and until when."""

from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from earwitness.cli.client import ApiClient
from earwitness.cli.output import (
    OutputFormat,
    console,
    reading_options,
    tell,
    visible,
    write_json,
    write_rows,
)
from earwitness.devstack.state import resolve
from models.tokens import DEFAULT_LIFE, ROLES

_COLUMNS: Final = (
    "name",
    "role",
    "customers",
    "vendors",
    "last_four",
    "state",
    "expires_at",
    "created_at",
    "created_by",
    "revoked_at",
    "revoked_by",
)
_SHOWN: Final = ("name", "role", "scope", "ends in", "state", "expires", "created by")


@click.group()
def tokens() -> None:
    """Create, list and revoke tokens of the API. Needs a token of the role admin.

    \b
    Examples:
      earwitness tokens create --role investigator --customer acme --expires 30d ann
      earwitness tokens list
      earwitness tokens revoke ann
    """


@tokens.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@click.option("--customer", "customers", multiple=True, metavar="ID", help="Only theirs; repeatable.")
@click.option("--vendor", "vendors", multiple=True, metavar="ORG", help="Only what it did; repeatable.")
@click.option(
    "--expires", metavar="SPAN", help=f"How long it lives, as 12h or 30d.  [default: {DEFAULT_LIFE.days}d]"
)
@reading_options
def create(  # noqa: PLR0913, PLR0917 - one for each option
    name: str,
    role: str,
    customers: tuple[str, ...],
    vendors: tuple[str, ...],
    expires: str | None,
    output: OutputFormat,
    data_dir: Path | None,
) -> None:
    """Create a token and print it, this once: it is not kept.

    \b
    Examples:
      earwitness tokens create --role investigator --customer acme --expires 30d ann
      earwitness tokens create --role auditor auditor-2026

    Whoever gets it sets EARWITNESS_API__TOKEN (or …_TOKEN_FILE) and EARWITNESS_API__URL. Without --customer
    and --vendor it sees all of them. docs/access-control.md says what each role may do.
    """
    body: dict[str, Any] = {"name": name, "role": role, "customers": customers, "vendors": vendors}
    with ApiClient(resolve(data_dir, "api").api) as api:
        made = api.post("tokens", body=body | ({"expires": expires} if expires else {}))
    if output == "table":
        click.echo(made["token"])
        tell(f"{name} may ask as {role} until {made['expires_at']}; this is shown once")
    elif output == "json":
        write_json(made)
    else:
        write_rows(iter([made]), ("token", *_COLUMNS), output)


@tokens.command("list")
@reading_options
def list_tokens(output: OutputFormat, data_dir: Path | None) -> None:
    """List the tokens, those that ended too.

    \b
    Example:
      earwitness tokens list
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.get("tokens")["tokens"]
    if output == "table":
        console().print(_table(found))
    elif output == "json":
        write_json(found)
    else:
        write_rows(iter(found), _COLUMNS, output)


@tokens.command()
@click.argument("name")
@reading_options
def revoke(name: str, output: OutputFormat, data_dir: Path | None) -> None:
    """End a token; within two seconds every API refuses it.

    \b
    Example:
      earwitness tokens revoke ann
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        done = api.post("tokens", name, "revocation", body={})
    if output == "table":
        tell(f"{name} is revoked")
    else:
        write_json(done)


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in _SHOWN:
        table.add_column(title, overflow="fold")
    for token in found:
        scope = ", ".join((*token["customers"], *token["vendors"])) or "everything"
        cells = (token["name"], token["role"], scope, token["last_four"], token["state"])
        table.add_row(*map(visible, (*cells, token["expires_at"], token["created_by"])))
    return table
