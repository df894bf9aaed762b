"""`earwitness policy`: what the policy versions say, whether they are sound, whether their cases hold."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from earwitness import settings
from earwitness.cli.output import FORMATS, OutputFormat, console, lines, tell, visible, write_json, write_rows
from earwitness.cli.policy_replay import replay
from earwitness.policy import Policy
from earwitness.policy.cases import CaseResult, run_case
from earwitness.policy_files import VersionWithCases, read_policies, read_with_cases
from models.errors import PolicyInvalid, QueryRejected
from models.fields import format_time
from models.policy import Clause, Forbid, PolicyDocument
from models.verdict import JUSTIFIED

CHECK_COLUMNS: Final = ("policy", "version", "digest", "effective_from", "clauses", "cases")
CLAUSE_COLUMNS: Final = ("id", "purpose", "actors", "evidence", "requires", "title")
CASE_COLUMNS: Final = ("version", "clause", "name", "passed", "differences")

Row = dict[str, Any]

policies_option = click.option(
    "--policies",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the policy versions.  [default: the policies_dir of the settings]",
)
output_option = click.option(
    "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="How to show it."
)


@click.group()
def policy() -> None:
    """The privacy policy as data: its versions, clauses and cases."""


policy.add_command(replay)


@policy.command()
@policies_option
@output_option
def check(folder: Path | None, output: OutputFormat) -> None:
    r"""Check that every version can be used: clauses, cases, and words quoted from its text.

    Names every fault with its file, clause and field; the exit code is then 1.

    \b
    Example:
      earwitness policy check --policies policies
    """
    versions = _sound(folder or settings.load().policies_dir)
    rows = [_version_row(version) for version in versions]
    if output == "table":
        console().print(_table(CHECK_COLUMNS, rows))
    else:
        write_rows(iter(rows), CHECK_COLUMNS, output)


@policy.command()
@click.argument("clause_id", metavar="[CLAUSE]", required=False)
@click.option("--version", help="The version to show.  [default: the newest]")
@policies_option
@output_option
def show(clause_id: str | None, version: str | None, folder: Path | None, output: OutputFormat) -> None:
    r"""Show what a version permits, or one clause with the words it stands on.

    \b
    Examples:
      earwitness policy show
      earwitness policy show access.resolve-complaint
      earwitness policy show --output json
    """
    shown = _version(folder or settings.load().policies_dir, version)
    if clause_id is not None:
        _show_clause(shown.document, clause_id, output)
        return
    rows = [_clause_row(clause) for clause in shown.document.clauses]
    if output == "table":
        _show_version(shown, rows)
    elif output == "json":
        write_json({"digest": shown.digest, **shown.document.model_dump(mode="json")})
    else:
        write_rows(iter(rows), CLAUSE_COLUMNS, output)


@policy.command()
@policies_option
@output_option
def test(folder: Path | None, output: OutputFormat) -> None:
    r"""Judge every case of every version; exit 1 unless each comes out as it must.

    \b
    Example:
      earwitness policy test --policies policies
    """
    versions = _sound(folder or settings.load().policies_dir)
    results = [
        (version.policy, run_case(case, version.policy)) for version in versions for case in version.cases
    ]
    if output == "table":
        _show_results(results)
    else:
        write_rows((_case_row(*result) for result in results), CASE_COLUMNS, output)
    failed = sum(bool(result.differences) for _, result in results)
    tell(f"{len(results) - failed} of {len(results)} cases come out as they must")
    if failed:
        raise click.exceptions.Exit(1)


def _sound(folder: Path) -> list[VersionWithCases]:
    try:
        return read_with_cases(folder)
    except PolicyInvalid as error:
        for fault in error.faults:
            tell(fault)
        raise click.exceptions.Exit(1) from error


def _version(folder: Path, version: str | None) -> Policy:
    policies = read_policies(folder)
    if version is None:
        return policies.policies[-1]
    found = policies.version(version)
    if found is None:
        known = ", ".join(one.version for one in policies.policies)
        raise QueryRejected(f"there is no version {version}", f"there are {known}")
    return found


def _version_row(version: VersionWithCases) -> Row:
    document = version.policy.document
    return {
        "policy": document.policy,
        "version": document.version,
        "digest": version.policy.digest,
        "effective_from": format_time(document.effective_from),
        "clauses": len(document.clauses),
        "cases": len(version.cases),
    }


def _clause_row(clause: Clause) -> Row:
    requires: list[str] = [*clause.requires]
    if clause.actions:
        requires.append(f"actions {', '.join(clause.actions)}")
    if clause.resource_types:
        requires.append(f"resources {', '.join(clause.resource_types)}")
    return {
        "id": clause.id,
        "purpose": clause.purpose,
        "actors": list(clause.actors),
        "evidence": clause.evidence,
        "requires": requires,
        "title": clause.title,
    }


def _case_row(judged_by: Policy, result: CaseResult) -> Row:
    return {
        "version": judged_by.version,
        "clause": result.case.clause,
        "name": result.case.name,
        "passed": not result.differences,
        "differences": list(result.differences),
    }


def _show_version(shown: Policy, rows: Sequence[Row]) -> None:
    document = shown.document
    click.echo(f"{document.policy} {document.version}: {document.title}")
    click.echo(f"effective from {format_time(document.effective_from)}, digest {shown.digest}")
    click.echo(f"cited evidence may take {document.grace_hours:g} hours to become known\n")
    console().print(_clause_table(rows))
    click.echo(f"\n{document.forbid.id}: {document.forbid.title}")
    for standing in document.standing:
        click.echo(f"{standing.evidence}: {standing.title}")
    tell("`earwitness policy show CLAUSE` shows the words that a clause stands on")


def _show_clause(document: PolicyDocument, clause_id: str, output: OutputFormat) -> None:
    parts: list[Clause | Forbid] = [*document.clauses, document.forbid]
    part = next((one for one in parts if one.id == clause_id), None)
    if part is None:
        known = ", ".join(one.id for one in parts)
        raise QueryRejected(f"version {document.version} has no clause {clause_id}", f"it has {known}")
    fields = part.model_dump(mode="json")
    if output == "table":
        console().print(_table(("field", "value"), list(_lines(fields))))
    else:
        write_rows(iter([fields]), tuple(fields), output)


def _lines(fields: Row) -> Iterator[Row]:
    for name, value in fields.items():
        for part in value if name == "quotes" else [value]:
            if part not in ([], None):
                yield {"field": name, "value": part}


def _show_results(results: Sequence[tuple[Policy, CaseResult]]) -> None:
    held: Counter[tuple[str, str, str]] = Counter()
    for judged_by, result in results:
        kind = "must justify" if result.case.verdict == JUSTIFIED else "must not"
        held[judged_by.version, result.case.clause, kind] += not result.differences
        if result.differences:
            tell(f"{judged_by.version}: {result.case.clause}: {result.case.name}")
            for difference in result.differences:
                tell(f"  {difference}")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("version", "clause", "justify as they must", "refused as they must"):
        table.add_column(heading)
    for version, clause in dict.fromkeys((version, clause) for version, clause, _ in held):
        counts = (held[version, clause, kind] for kind in ("must justify", "must not"))
        table.add_row(version, clause, *(str(count) for count in counts))
    console().print(table)


def _table(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(visible(_words(row[column])) for column in columns))
    return table


def _clause_table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("clause\npurpose", no_wrap=True)
    table.add_column("who may\non what evidence", overflow="fold")
    table.add_column("in plain words", overflow="fold")
    for row in rows:
        evidence = _words([row["evidence"], *row["requires"]])
        table.add_row(
            lines(visible(row["id"]), visible(row["purpose"], "dim")),
            lines(visible(_words(row["actors"])), visible(evidence, "dim")),
            visible(row["title"]),
        )
    return table


def _words(value: object) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
