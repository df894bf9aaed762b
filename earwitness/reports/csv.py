"""A report as CSV: its consultations, a line each, which no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from earwitness.query.csv_cells import neutral

COLUMNS: Final = (
    "day",
    "first",
    "last",
    "actor_type",
    "organization",
    "actor_id",
    "recipient",
    "action",
    "resource_type",
    "outcome",
    "purpose",
    "verdict",
    "reason",
    "clause",
    "clause_number",
    "clause_title",
    "policy_version",
    "accesses",
    "resources",
    "customers",
)


def as_csv(report: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of the file, a header first. Actors are a column where the report names them."""
    columns = [name for name in COLUMNS if name != "actor_id" or report["with_actors"]]
    yield _line(columns)
    for row in worded(report):
        yield _line([row.get(name) for name in columns])


def worded(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the consultations with number and title of their clause."""
    clauses = {(clause["policy_version"], clause["id"]): clause for clause in report["clauses"]}
    for row in report["consultations"]:
        clause = clauses.get((row["policy_version"], row["clause"]), {})
        yield {**row, "clause_number": clause.get("number"), "clause_title": clause.get("title")}


def _line(values: list[Any]) -> str:
    line = io.StringIO()
    cells = [neutral(value) if isinstance(value, str) else value for value in values]
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
