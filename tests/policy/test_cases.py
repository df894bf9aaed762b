"""How many cases stand behind each basis of access; what each says is judged in test_policy_files."""

from collections import Counter
from typing import Final

import pytest

from earwitness.policy.cases import ReadyCase
from earwitness.policy_files import read_with_cases
from earwitness.settings import ROOT
from models.verdict import JUSTIFIED
from tests.policy import oracle

BASES: Final = {
    "access.": "employees and affiliates",
    "third-party.": "vendors",
    "business-transfer": "business transfer",
    "related-company": "related companies",
    "legal.": "law",
    "customer.elected-application": "customer's election",
}
"""The six grounds on which the policy lets somebody in, by how the ids of their clauses begin."""

OUTSIDE_THE_BASES: Final = {"customer.own-use", "use.provide-service", "no-sale-or-transfer"}
LEAST: Final = 20

CASES: Final = [
    ready
    for version in read_with_cases(ROOT / "policies")
    if version.policy.version == "2013-02-07"
    for ready in version.cases
]


def name_of(ready: ReadyCase) -> tuple[str, str]:
    return ready.case.clause, ready.case.name


def basis_of(clause: str) -> str | None:
    return next((basis for start, basis in BASES.items() if clause.startswith(start)), None)


@pytest.mark.parametrize("basis", BASES.values())
def test_every_basis_has_twenty_cases_that_must_justify_and_twenty_that_must_not(basis: str) -> None:
    """A handful of examples shows that a basis works; near misses show where it ends."""
    justify = Counter(
        ready.case.verdict == JUSTIFIED for ready in CASES if basis_of(ready.case.clause) == basis
    )
    assert justify[True] >= LEAST
    assert justify[False] >= LEAST


def test_every_clause_belongs_to_a_basis_or_is_known_to_belong_to_none() -> None:
    """A clause that no count looks at could lose its cases unseen."""
    assert {ready.case.clause for ready in CASES if basis_of(ready.case.clause) is None} == OUTSIDE_THE_BASES


def test_no_case_is_a_copy_of_another() -> None:
    """Twenty copies of one case are one case; and a case is found by its name."""
    names = Counter(name_of(ready) for ready in CASES)
    assert [name for name, count in names.items() if count > 1] == []
    first: dict[object, tuple[str, str]] = {}
    copies = []
    for ready in CASES:
        told = (ready.event, ready.evidence, ready.case.received_at, ready.case.as_of)
        if first.setdefault(told, name_of(ready)) != name_of(ready):
            copies.append((first[told], name_of(ready)))
    assert copies == []


def test_a_judge_of_another_hand_says_the_same_of_every_case() -> None:
    """What a case wants is what the contract says, not what this judge happens to say."""
    told = []
    for ready in CASES:
        evidence = [
            (version, record.model_dump(mode="json")) for version, record in enumerate(ready.evidence)
        ]
        received_at = ready.case.received_at or ready.event.time
        answer = oracle.judge(
            ready.event.model_dump(mode="json"),
            evidence,
            received_at=received_at,
            as_of=ready.case.as_of or received_at,
        )
        if (answer.verdict, answer.reason) != (ready.case.verdict, ready.case.reason):
            told.append((name_of(ready), answer))
    assert told == []
