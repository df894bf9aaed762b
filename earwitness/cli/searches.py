"""`earwitness searches`: queries that are kept under a name."""

from pathlib import Path
from typing import Final

import click

from earwitness.cli.client import ApiClient
from earwitness.cli.completing import QUERY_SETTINGS
from earwitness.cli.curl import show_curl_option
from earwitness.cli.output import (
    OutputFormat,
    console,
    plain_table,
    reading_options,
    second,
    tell,
    write_rows,
)
from earwitness.cli.pointing import pointing
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve

COLUMNS: Final = ("name", "query", "saved_at", "saved_by")


@click.group()
def searches() -> None:
    """Queries that are kept under a name, for everybody who may search.

    \b
    Examples:
      earwitness searches save vendors-last-week 'actor_type:vendor time:>=-7d'
      earwitness search --saved vendors-last-week
    """


@searches.command(context_settings=QUERY_SETTINGS)
@click.argument("name")
@click.argument("query", nargs=-1, required=True, type=click.UNPROCESSED)
@show_curl_option
@data_dir_option
def save(name: str, query: tuple[str, ...], data_dir: Path | None) -> None:
    """Keep a query under a name, in place of one that was there.

    \b
    Examples:
      earwitness searches save vendors-last-week 'actor_type:vendor time:>=-7d'
      earwitness searches save big-lists 'action:list,export bytes:>=1000000'
      earwitness search --saved vendors-last-week

    A relative time stays relative. NAME is 1 to 64 of a-z, 0-9, ".", "_" and "-".
    """
    with ApiClient(resolve(data_dir, "api").api) as api, pointing():
        saved = api.put("searches", name, body={"query": " ".join(query)})
    tell(f"{name}: {saved['query']}" if saved["changed"] else f"{name} was saved so before")


@searches.command(name="list")
@reading_options
def list_(output: OutputFormat, data_dir: Path | None) -> None:
    """List the saved searches, by name.

    \b
    Examples:
      earwitness searches list
      earwitness searches list --output csv
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.get("searches")["searches"]
    if output != "table":
        write_rows(iter(found), COLUMNS, output)
    elif found:
        rows = [(row["name"], row["query"], second(row["saved_at"]), row["saved_by"]) for row in found]
        console().print(plain_table(("name", "query", "saved (UTC)", "by"), rows))
    else:
        tell("no search is saved; `earwitness searches save NAME QUERY` keeps one")


@searches.command()
@click.argument("name")
@show_curl_option
@data_dir_option
def delete(name: str, data_dir: Path | None) -> None:
    """Delete one saved search; what was recorded of it stays.

    \b
    Example:
      earwitness searches delete vendors-last-week
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.delete("searches", name)
    if found is None:
        tell(f"no search is saved as {name}")
        raise click.exceptions.Exit(1)
    tell(f"{name} is deleted")
