"""`earwitness evidence`: what the registers say, put in and looked up."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

import click
from earwitness_sdk import Register
from rich.table import Table
from rich.text import Text

from earwitness.cli import wiring
from earwitness.cli.client import ApiClient
from earwitness.cli.lines import ANSWERED_WITHIN_S, JSON_LINES, publish_lines, read_lines, report
from earwitness.cli.output import (
    OutputFormat,
    console,
    reading_options,
    tell,
    visible,
    write_json,
    write_rows,
)
from earwitness.cli.pseudonyms import pseudonym_option, read_pseudonyms
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from sinks.clickhouse.activity import Activity, ActivityLog
from sinks.clickhouse.client import ClickHouse

PAGE: Final = 1_000
SHOWN: Final = ("ref", "kind", "status", "valid_from", "valid_to", "customer_ids", "assignees")
FIELDS: Final = (
    "ref",
    "version",
    "kind",
    "status",
    "valid_from",
    "valid_to",
    "organization",
    "assignees",
    "customer_ids",
    "origin",
    "recorded_by",
    "registered_at",
)


@click.group()
def evidence() -> None:
    """Registers: tickets, orders, contracts, staff; what may justify an access."""


@evidence.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-", type=JSON_LINES)
@pseudonym_option
@data_dir_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How the result is told.")
def put(
    files: tuple[str, ...],
    data_dir: Path | None,
    pseudonym_key_file: Path | None,
    output: Literal["text", "json"],
) -> None:
    r"""Publish evidence records, one JSON object a line; the newest record of a ref replaces older ones.

    A bad line is named by file, number and field; the good ones are published all the same, and the
    exit code is 1. That evidence was put is recorded first.

    \b
    Example:
      echo '{"ref":"ticket:TCK-1","kind":"complaint","customer_ids":["acme"],
             "valid_from":"2026-01-31T09:00:00Z"}' | tr -d '\n' | earwitness evidence put -
    """
    _record_activity(files, data_dir)
    register = Register(
        kafka=wiring.sdk_kafka(resolve(data_dir, "register").kafka),
        pseudonymise=read_pseudonyms(pseudonym_key_file),
    )
    try:
        published = publish_lines(read_lines(files), register.submit)
    finally:
        register.close(ANSWERED_WITHIN_S)
    report(published, output)


@evidence.command()
@click.argument("ref")
@reading_options
def get(ref: str, output: OutputFormat, data_dir: Path | None) -> None:
    r"""Show one piece of evidence as it stands, and how many versions of it there were.

    \b
    Example:
      earwitness evidence get ticket:TCK-1
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.find("evidence", ref)
    if found is None:
        tell(f"no register has told of {ref}")
        raise click.exceptions.Exit(1)
    if output == "json":
        write_json(found)
    elif output == "table":
        for item in found["versions"]:
            console().print(_record_table(item))
    else:
        write_rows((_flat(item) for item in found["versions"]), FIELDS, output)


@evidence.command("list")
@click.option("--kind", default="", help="Only records of this kind.")
@click.option("--customer", default="", help="Only records about this customer.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="Records at most.")
@reading_options
def list_(kind: str, customer: str, limit: int, output: OutputFormat, data_dir: Path | None) -> None:
    r"""List the newest version of each record, by ref.

    \b
    Example:
      earwitness evidence list --kind complaint --customer acme
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        rows = [_flat(item) for item in _pages(api, kind, customer, limit)]
    if output == "json":
        write_json(rows)
    elif output == "table":
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in SHOWN:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(_cell(row.get(heading)) for heading in SHOWN))
        console().print(table)
        tell(_how_many(len(rows), limit))
    else:
        write_rows(iter(rows), FIELDS, output)


def _how_many(count: int, limit: int) -> str:
    told = "1 record" if count == 1 else f"{count} records"
    return f"{told}, as many as --limit asks for; there may be more" if count == limit else told


def _pages(api: ApiClient, kind: str, customer: str, limit: int) -> Iterator[dict[str, Any]]:
    after, left = "", limit
    while left > 0:
        page = api.get(
            "evidence",
            kind=kind or None,
            customer=customer or None,
            after=after or None,
            limit=min(left, PAGE),
        )
        yield from page["items"]
        left -= len(page["items"])
        after = page["next"] or ""
        if not after:
            return


def _record_activity(files: tuple[str, ...], data_dir: Path | None) -> None:
    activity = ActivityLog(ClickHouse(wiring.clickhouse(resolve(data_dir, "api").clickhouse)))
    try:
        activity.write(
            Activity(
                id=uuid4(),
                time=datetime.now(UTC),
                principal=_principal(),
                surface="cli",
                action="evidence.put",
                query=" ".join(files),
            )
        )
    finally:
        activity.close()


def _principal() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container need not know its user by name


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    return {**item["record"], "version": item["version"], "registered_at": item["registered_at"]}


def _record_table(item: dict[str, Any]) -> Table:
    table = Table(
        box=None,
        show_header=False,
        padding=(0, 2, 0, 0),
        title=f"version {item['version']}",
        title_justify="left",
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _flat(item).items():
        if value not in (None, []):
            table.add_row(name, _cell(value))
    return table


def _cell(value: object) -> Text:
    return visible(", ".join(str(part) for part in value) if isinstance(value, list) else value)
