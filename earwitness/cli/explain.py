"""`earwitness explain`: why an access has its verdict."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from earwitness.cli.accesses import as_of_option, find_accesses
from earwitness.cli.explanation import Json, print_explanation
from earwitness.cli.output import (
    OutputFormat,
    console,
    reading_options,
    tell,
    write_json,
    write_json_lines,
    write_rows,
)

CHECK_COLUMNS: Final = ("id", "source", "name", "passed", "expected", "found", "evidence_ref")


@click.command()
@click.argument("identifier", metavar="ID")
@as_of_option
@reading_options
def explain(identifier: str, as_of: str | None, output: OutputFormat, data_dir: Path | None) -> None:
    """Say why one access has its verdict, and what would have justified it.

    \b
    Examples:
      earwitness explain 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a
      earwitness explain 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a --as-of 2026-01-31T09:30:00Z
      earwitness explain 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a --output json

    The access is judged again from the policy and evidence of its verdict; should the answer differ, or
    the policy version be gone, that is said first and the exit code is 1. With --as-of nothing is told
    that was not known by then.

    \b
    JSON holds:
      as_of         the instant asked for, or null
      access        the row of the trail
      policy        version, digest, title, known (whether its file is here), note
      clause        id, title, quotes: what justifies the access, or forbids it
      purpose       the same of the clause behind the declared purpose
      checks        name, passed, expected, found, evidence_ref
      missing       sentences: what would have justified it, all of them together
      alternatives  clause, title, purpose, evidence_ref, way (cited, derived, if_cited): what
                    it could have declared to be justified
      evidence      ref, cited, used, standing (says who the actor is), record, version,
                    registered_at, first_registered_at, delay_s (seconds from the access to
                    registered_at, null where it was there before), before_access (what the
                    registers held then: version, registered_at, changes as field, before,
                    after), later (version, registered_at of what the verdict does not count)
      history       each verdict with its cause: kind (first, evidence, grace_ended, policy,
                    unknown), changes (ref, version, registered_at, change), more (how many)
      differences   field, stored, judged_again; empty where judging again agrees
    CSV holds the checks.

    """
    explanations: list[Json] = find_accesses(data_dir, as_of, identifier, "explanation")["explanations"]
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
    _exit_1_unless_borne_out(explanations)


def _exit_1_unless_borne_out(explanations: list[Json]) -> None:
    policies = [explanation["policy"] for explanation in explanations]
    gone = [policy["version"] for policy in policies if policy["version"] and not policy["known"]]
    differing = any(explanation["differences"] for explanation in explanations)
    if differing:
        tell("judged again, this access gets another verdict than the trail holds: see the differences")
    elif gone:
        tell(f"policy version {gone[0]} is not in the policy folder, so nothing was judged again")
    if differing or gone:
        raise click.exceptions.Exit(1)


def _checks(explanations: list[Json]) -> Iterator[Json]:
    for explanation in explanations:
        row = explanation["access"]
        for check in explanation["checks"]:
            yield {"id": row["id"], "source": row["source"], **check}
