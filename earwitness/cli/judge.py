"""`earwitness judge`: a dry run. Nothing is published and nothing is stored."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from earwitness import settings
from earwitness.cli.client import ApiClient
from earwitness.cli.lines import JSON_LINES, Line, read_lines
from earwitness.cli.output import (
    FORMATS,
    VERDICT_STYLES,
    OutputFormat,
    console,
    lines,
    tell,
    visible,
    write_rows,
)
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from earwitness.policy import EvidenceIndex, PolicySet, explain
from earwitness.policy_files import read_policies
from earwitness.query.dry_run import judged_row
from earwitness.wording import shorten_times
from models.errors import MalformedEvent, QueryRejected, StackUnavailable
from models.evidence import EvidenceRecord, contradiction_in
from models.fields import made_at_ms
from streams.judge import refuse_the_future
from streams.wire import read_access, read_evidence

COLUMNS: Final = (
    "id",
    "verdict",
    "reason",
    "clause",
    "evidence_used",
    "derived",
    "policy_version",
    "missing",
)
AGAINST: Final = ("registers", "api")
PAGE: Final = 1_000
"""Records in one answer of the API."""

MOST_SHOWN: Final = 50
"""Faults named one by one; the rest are counted."""

Row = dict[str, Any]


@click.command()
@click.argument("file", metavar="FILE|-", type=JSON_LINES)
@click.option(
    "--evidence",
    "evidence_file",
    metavar="FILE",
    type=JSON_LINES,
    help="Registers as JSON lines, in the order of their entry; no stack is needed then.",
)
@click.option(
    "--policies",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the policy versions.  [default: the policies_dir of the settings]",
)
@click.option(
    "--against",
    type=click.Choice(AGAINST),
    default="registers",
    show_default=True,
    help="Judge here by the registers, or ask the API: by its policies, and recorded as a reading.",
)
@data_dir_option
@click.option(
    "--output", type=click.Choice(FORMATS), default="jsonl", show_default=True, help="How to show it."
)
def judge(  # noqa: PLR0913, PLR0917 - one for each option
    file: str,
    evidence_file: str | None,
    folder: Path | None,
    against: str,
    data_dir: Path | None,
    output: OutputFormat,
) -> None:
    """Judge access events, one JSON object a line, as if received now; nothing is stored.

    \b
    Examples:
      earwitness judge events.jsonl --evidence registers.jsonl
      earwitness judge events.jsonl --output table
      earwitness judge events.jsonl --against api

    A bad line is named by number and field; the good ones are judged all the same, and the exit code
    is 1.

    """
    faults = _Faults()
    if against == "api":
        if evidence_file is not None or folder is not None:
            raise click.UsageError("the API judges by its own evidence and policies: leave those options out")
        rows = _judged_by_the_api(read_lines([file]), data_dir, faults)
    else:
        policies = read_policies(folder or settings.load().policies_dir)
        if evidence_file is None:
            evidence = _registers_of_stack(data_dir)
        else:
            evidence = _registers_of_file(evidence_file, faults)
        rows = _judged(read_lines([file]), policies, evidence, faults)
    if output == "table":
        console().print(_table(rows))
    else:
        write_rows(rows, COLUMNS, output)
    faults.report()


class _Faults:
    """Lines that could not be read: named up to a limit, and counted."""

    def __init__(self) -> None:
        self._count = 0
        self._warnings = 0

    def add(self, line: Line, detail: str) -> None:
        self._count += 1
        if self._count <= MOST_SHOWN:
            tell(f"{line.file}:{line.number}: {detail}")

    def warn(self, line: Line, detail: str) -> None:
        """Tell of a line that counts all the same."""
        self._warnings += 1
        if self._warnings <= MOST_SHOWN:
            tell(f"{line.file}:{line.number}: warning: {detail}")

    def report(self) -> None:
        """Count those that were not named; leave with exit code 1 if there was any fault."""
        if self._warnings > MOST_SHOWN:
            tell(f"… and {self._warnings - MOST_SHOWN} more lines to be warned of")
        if self._count > MOST_SHOWN:
            tell(f"… and {self._count - MOST_SHOWN} more bad lines")
        if self._count:
            raise click.exceptions.Exit(1)


def _judged(
    found: Iterable[Line], policies: PolicySet, evidence: EvidenceIndex, faults: _Faults
) -> Iterator[Row]:
    now = datetime.now(UTC)
    now_ms = int(now.timestamp() * 1_000)
    for line in found:
        try:
            event, _ = read_access(line.text, ())
            refuse_the_future(event, made_at_ms(event.id), now_ms)
        except MalformedEvent as error:
            faults.add(line, error.detail)
            continue
        yield judged_row(event.id, explain(event, policies, evidence, received_at=now, as_of=now))


def _judged_by_the_api(found: Iterable[Line], data_dir: Path | None, faults: _Faults) -> Iterator[Row]:
    with ApiClient(resolve(data_dir, "api").api) as client:
        for line in found:
            try:
                judged = client.post("judge", body=json.loads(line.text))
            except QueryRejected as error:
                faults.add(line, error.message)
                continue
            except ValueError as error:
                faults.add(line, f"is not JSON: {error}")
                continue
            yield {name: judged[name] for name in COLUMNS}


def _registers_of_file(name: str, faults: _Faults) -> EvidenceIndex:
    index = EvidenceIndex()
    for line in read_lines([name]):
        try:
            record = read_evidence(line.text)
        except MalformedEvent as error:
            faults.add(line, error.detail)
            continue
        contradiction = contradiction_in(record)
        if contradiction is not None:
            faults.warn(
                line, f"{': '.join(contradiction)}; a register would be refused this, it counts here only"
            )
        index.put(record, line.number - 1)
    return index


def _registers_of_stack(data_dir: Path | None) -> EvidenceIndex:
    try:
        api = resolve(data_dir, "api").api
    except StackUnavailable as error:
        raise StackUnavailable(f"{error}, or name the registers with --evidence FILE") from error
    index = EvidenceIndex()
    with ApiClient(api) as client:
        after: str | None = None
        while True:
            page = client.get("evidence", after=after, limit=PAGE)
            for item in page["items"]:
                index.put(EvidenceRecord.model_validate(item["record"]), item["version"])
            after = page["next"]
            if after is None:
                return index


def _table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("id", width=36, overflow="fold")
    for heading in ("verdict\nreason", "clause\nevidence", "missing"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            visible(row["id"]),
            lines(visible(row["verdict"], VERDICT_STYLES[row["verdict"]]), visible(row["reason"])),
            lines(visible(row["clause"]), visible(", ".join(row["evidence_used"]))),
            visible(shorten_times(" ".join(row["missing"]))),
        )
    return table
