"""`earwitness policy`: whether the policy versions are sound, and whether their cases hold."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from rich.table import Table

from earwitness.cli.output import OutputFormat, console, second, tell, visible, write_rows
from earwitness.cli.policy_diff import diff
from earwitness.cli.policy_options import (
    Row,
    folder_argument,
    folder_of,
    not_there,
    output_option,
    policies_option,
)
from earwitness.cli.policy_replay import replay
from earwitness.cli.policy_show import show
from earwitness.policy import Policy
from earwitness.policy.cases import CaseResult, run_case
from earwitness.policy.problems import SEVERITIES, Problem
from earwitness.policy_files import VersionWithCases, read_more_cases, read_policies, read_with_cases
from earwitness.policy_inspection import Inspected, inspect
from models.errors import PolicyInvalid
from models.fields import format_time
from models.verdict import JUSTIFIED

CHECK_COLUMNS: Final = (
    "file",
    "policy",
    "version",
    "digest",
    "effective_from",
    "clauses",
    "cases",
    "sound",
    "problems",
)
CASE_COLUMNS: Final = ("version", "clause", "name", "passed", "differences")
COLOURS: Final = {"fault": "red", "warning": "yellow", "note": "cyan"}
DIGEST_SHOWN: Final = 12


@click.group()
def policy() -> None:
    """The privacy policy as data: its versions, clauses and cases.

    \b
    Examples:
      earwitness policy show
      earwitness policy check
    """


policy.add_command(show)
policy.add_command(diff)
policy.add_command(replay)


@policy.command()
@folder_argument
@policies_option
@output_option
def check(named_folder: Path | None, folder: Path | None, output: OutputFormat) -> None:
    """Check that every version can be used, and means what it says.

    \b
    Examples:
      earwitness policy check
      earwitness policy check drafts/ --output json

    A fault makes the exit code 1: a file that cannot be read, a clause that nobody can meet, words that are
    not in the policy's text, a clause without cases. A warning or a note does not: a clause that lets in
    more than it seems to, or that no case tries. Each says where it is and what to do.
    """
    versions = _inspected(folder_of(named_folder, folder))
    if output == "table":
        console().print(_check_table(versions))
        for version in versions:
            _tell_problems(version.problems)
    else:
        write_rows((_version_row(version) for version in versions), CHECK_COLUMNS, output)
    _tell_sum(versions)
    if not all(version.is_sound for version in versions):
        raise click.exceptions.Exit(1)


@policy.command()
@folder_argument
@click.option(
    "--cases",
    "case_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Judge the cases of this file instead: TOML as cases.toml, or one case a line in a .jsonl file.",
)
@click.option("--version", help="The version to judge by.  [default: all; with --cases, the newest]")
@policies_option
@output_option
def test(
    named_folder: Path | None,
    case_file: Path | None,
    version: str | None,
    folder: Path | None,
    output: OutputFormat,
) -> None:
    """Judge the cases beside each version, or those of a file; exit 1 unless each comes out as it must.

    \b
    Examples:
      earwitness policy test
      earwitness policy test --version 2013-02-07 --cases disputed.toml
      earwitness policy test drafts/ --output jsonl
    """
    versions = _with_cases(folder_of(named_folder, folder), version, case_file)
    results = [(one.policy, run_case(case, one.policy)) for one in versions for case in one.cases]
    if output == "table":
        _show_results(results)
    else:
        write_rows((_case_row(*result) for result in results), CASE_COLUMNS, output)
    failed = sum(bool(result.differences) for _, result in results)
    tell(f"{len(results) - failed} of {len(results)} cases come out as they must")
    if failed:
        raise click.exceptions.Exit(1)


def _inspected(folder: Path) -> list[Inspected]:
    try:
        return inspect(folder)
    except PolicyInvalid as error:
        raise _told(error) from error


def _with_cases(folder: Path, version: str | None, case_file: Path | None) -> list[VersionWithCases]:
    try:
        if case_file is None:
            found = read_with_cases(folder)
            chosen = [one for one in found if version in (None, one.policy.version)]
            if not chosen:
                raise not_there(version or "", [one.policy.version for one in found])
            return chosen
        policies = read_policies(folder)
        judged_by = policies.policies[-1] if version is None else policies.version(version)
        if judged_by is None:
            raise not_there(version or "", [one.version for one in policies.policies])
        return [VersionWithCases(judged_by, read_more_cases(case_file, judged_by))]
    except PolicyInvalid as error:
        raise _told(error) from error


def _told(error: PolicyInvalid) -> click.exceptions.Exit:
    for fault in error.faults:
        tell(fault)
    return click.exceptions.Exit(1)


def _version_row(version: Inspected) -> Row:
    known = version.policy
    return {
        "file": version.file,
        "policy": known.document.policy if known else None,
        "version": known.version if known else None,
        "digest": known.digest if known else None,
        "effective_from": format_time(known.effective_from) if known else None,
        "clauses": len(known.document.clauses) if known else None,
        "cases": version.case_count,
        "sound": version.is_sound,
        "problems": [problem._asdict() for problem in version.problems],
    }


def _check_table(versions: Sequence[Inspected]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("version", "effective from (UTC)", "clauses", "cases", "sound", "digest"):
        table.add_column(heading, justify="right" if heading in ("clauses", "cases") else "left")
    for version in versions:
        sound = visible("yes" if version.is_sound else "no", "green" if version.is_sound else "bold red")
        known = version.policy
        if known is None:
            table.add_row(visible(version.file), "", "", "", sound, "")
            continue
        table.add_row(
            visible(f"{known.document.policy} {known.version}"),
            second(format_time(known.effective_from)),
            str(len(known.document.clauses)),
            str(version.case_count),
            sound,
            f"{known.digest[:DIGEST_SHOWN]}…",
        )
    return table


def _tell_problems(problems: Sequence[Problem]) -> None:
    """Say the worst first, each with its file, its part and what to do."""
    for problem in sorted(problems, key=lambda one: SEVERITIES.index(one.severity)):
        place = ": ".join(part for part in (problem.file, problem.part) if part)
        severity = click.style(problem.severity, fg=COLOURS[problem.severity], bold=True)
        tell(f"\n{severity}  {visible(f'{place}: {problem.what}')}")
        if problem.advice:
            tell(f"  to do: {visible(problem.advice)}")


def _tell_sum(versions: Sequence[Inspected]) -> None:
    counted = Counter(problem.severity for version in versions for problem in version.problems)
    told = [_counted(counted[severity], severity) for severity in SEVERITIES if counted[severity]]
    tell(f"\n{', '.join(told) or 'nothing is wrong'}")


def _counted(number: int, severity: str) -> str:
    return f"{number} {severity}" if number == 1 else f"{number} {severity}s"


def _case_row(judged_by: Policy, result: CaseResult) -> Row:
    return {
        "version": judged_by.version,
        "clause": result.case.clause,
        "name": result.case.name,
        "passed": not result.differences,
        "differences": list(result.differences),
    }


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
