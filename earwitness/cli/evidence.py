"""`earwitness evidence`: what the registers say, put in and looked up."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import click
from earwitness_sdk import EvidenceRecord, InvalidEvent, Register
from rich.table import Table
from rich.text import Text

from earwitness.cli import sdk_wiring
from earwitness.cli.client import ApiClient
from earwitness.cli.evidence_activity import EvidenceActivity
from earwitness.cli.lines import (
    ANSWERED_WITHIN_S,
    JSON_LINES,
    LARGEST_LINE_BYTES,
    Line,
    publish_lines,
    read_lines,
    report,
)
from earwitness.cli.output import (
    OutputFormat,
    console,
    reading_options,
    tell,
    visible,
    write_json,
    write_rows,
)
from earwitness.cli.pages import uses
from earwitness.cli.pseudonyms import pseudonym_option, read_pseudonyms
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve

PAGE: Final = 1_000
RECORDED_AT_ONCE: Final = 1_000
"""Records that one row of the activity log tells of: each of them can be named there."""

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
    """Registers: tickets, orders, contracts, staff; what may justify an access.

    \b
    Examples:
      earwitness evidence put tickets.jsonl
      earwitness evidence get ticket:TCK-1
    """


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
    """Publish evidence records, one JSON object a line; the newest record of a ref replaces older ones.

    \b
    Example:
      echo '{"ref":"ticket:TCK-1","kind":"complaint","customer_ids":["acme"],
             "valid_from":"2026-01-31T09:00:00Z"}' | tr -d '\n' | earwitness evidence put -

    A bad line is named by file, number and field; the good ones are published all the same, and the
    exit code is 1. Who put which evidence is on record before it is published.

    """
    register = Register(
        kafka=sdk_wiring.kafka(resolve(data_dir, "register").kafka),
        pseudonymise=read_pseudonyms(pseudonym_key_file),
    )
    try:
        with EvidenceActivity(resolve(data_dir, "api").clickhouse) as activity:
            lines = _recorded(read_lines(files), register, activity, " ".join(files))
            published = publish_lines(lines, register.submit)
    finally:
        register.close(ANSWERED_WITHIN_S)
    report(published, output)


@evidence.command()
@click.argument("ref")
@reading_options
def get(ref: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Show one piece of evidence as it stands, and how many versions of it there were.

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


evidence.add_command(uses)


@evidence.command("list")
@click.option("--kind", default="", help="Only records of this kind.")
@click.option("--customer", default="", help="Only records about this customer.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="Records at most.")
@reading_options
def list_(kind: str, customer: str, limit: int, output: OutputFormat, data_dir: Path | None) -> None:
    """List the newest version of each record, by ref.

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


def _recorded(
    lines: Iterable[Line], register: Register, activity: EvidenceActivity, what: str
) -> Iterator[Line]:
    """Hand the lines on, in portions of which it is on record first what they put."""
    lines = iter(lines)
    while portion := list(islice(lines, RECORDED_AT_ONCE)):
        activity.record(
            "evidence.put", what, [record for line in portion for record in _sound(line, register)]
        )
        yield from portion


def _sound(line: Line, register: Register) -> list[EvidenceRecord]:
    """Give the record of a line that will be published; the others are refused, and named, later."""
    try:
        return [register.check(line.text)] if len(line.text) <= LARGEST_LINE_BYTES else []
    except InvalidEvent:
        return []


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
