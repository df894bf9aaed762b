"""Hold what the trail says of a day against its labels."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.verdict import JUSTIFIED, Outcome, Reason

from .labels import Label, LabelledAccess


class StoredVerdict(NamedTuple):
    """One row of the trail, as far as a label speaks of it. `clause` is empty where there is none."""

    id: str
    verdict: str
    reason: str
    clause: str


class Surprise(NamedTuple):
    """An access of which the trail does not say what its label says."""

    access: LabelledAccess
    found: Sequence[StoredVerdict]
    """None: the access is missing. Several: it is doubled. One: its verdict is another."""

    def describe(self) -> str:
        """Say in one line which access it is, what was expected and what was found."""
        found = " and ".join(_words(row.verdict, row.reason, row.clause) for row in self.found)
        expected = _words(*self.access.label)
        return f"{self.access.id} ({self.access.kind}): expected {expected}; found {found or 'no row'}"


def surprises(accesses: Sequence[LabelledAccess], rows: Iterable[StoredVerdict]) -> list[Surprise]:
    """Name every access that is missing, doubled, or judged otherwise than labelled."""
    found: defaultdict[str, list[StoredVerdict]] = defaultdict(list)
    for row in rows:
        found[row.id].append(row)
    return [
        Surprise(access, tuple(found[access.id]))
        for access in accesses
        if [_as_label(row) for row in found[access.id]] != [access.label]
    ]


def _as_label(row: StoredVerdict) -> tuple[str, str, str | None]:
    return row.verdict, row.reason, row.clause or None


def _words(verdict: str, reason: str, clause: str | None) -> str:
    return f"{verdict}, {reason}" + (f", {clause}" if clause else "")


class ClauseLine(NamedTuple):
    """One clause, and what it justified."""

    clause: str
    total: int
    derived_total: int
    """How many of `total` declared too little, and were explained by evidence all the same."""
    example: LabelledAccess


class ReasonLine(NamedTuple):
    """One reason for which accesses were not justified."""

    reason: Reason
    verdict: Outcome
    total: int
    example: LabelledAccess


def as_found(accesses: Sequence[LabelledAccess], rows: Iterable[StoredVerdict]) -> list[LabelledAccess]:
    """Give the accesses with the verdicts that the trail holds in place of their labels."""
    found = {row.id: row for row in rows}
    return [
        access._replace(label=Label._make(_as_label(found[access.id])))
        for access in accesses
        if access.id in found
    ]


def by_clause(accesses: Sequence[LabelledAccess]) -> list[ClauseLine]:
    """Count justified accesses by clause, the most frequent first."""
    groups: defaultdict[str, list[LabelledAccess]] = defaultdict(list)
    for access in accesses:
        if access.label.verdict == JUSTIFIED:
            groups[access.label.clause or ""].append(access)
    lines = [
        ClauseLine(
            clause,
            len(group),
            sum(access.label.reason == "derived" for access in group),
            _typical(group),
        )
        for clause, group in groups.items()
    ]
    return sorted(lines, key=lambda line: -line.total)


def by_reason(accesses: Sequence[LabelledAccess]) -> list[ReasonLine]:
    """Count what was not justified by reason, the most frequent first."""
    groups: defaultdict[Label, list[LabelledAccess]] = defaultdict(list)
    for access in accesses:
        if access.label.verdict != JUSTIFIED:
            groups[access.label].append(access)
    lines = [
        ReasonLine(label.reason, label.verdict, len(group), _typical(group))
        for label, group in groups.items()
    ]
    return sorted(lines, key=lambda line: -line.total)


def _typical(accesses: Sequence[LabelledAccess]) -> LabelledAccess:
    """Take the first access of the kind of scene that is the most frequent among these."""
    ((kind, _),) = Counter(access.kind for access in accesses).most_common(1)
    return next(access for access in accesses if access.kind == kind)
