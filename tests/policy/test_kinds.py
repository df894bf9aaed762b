"""Which registers a verdict leans on: the judge itself says whether a kind of evidence can matter."""

from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.policy import EvidenceIndex, Policy, PolicySet, judge
from earwitness.policy.kinds import Staleness, kinds_used
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import AccessEvent, EvidenceRecord
from models.evidence import EvidenceKind
from models.registers import RegisterState
from tests.builders import (
    A_DAY,
    NOON,
    a_complaint,
    a_legal_order,
    a_service_account,
    a_transfer,
    a_work_order,
    an_access,
    an_affiliation,
    an_election,
    an_employment,
    an_engagement,
    an_undeclared_access,
    by_a_service,
    by_a_vendor,
    by_an_affiliate,
)

POLICIES = read_policies(ROOT / "policies")
POLICY: Policy = POLICIES.policies[-1]
EMPLOYEES = {"complaint", "work_order", "legal_order", "employment"}
REGISTERS = [RegisterState(kind, (kind,), 60, NOON) for kind in sorted(get_args(EvidenceKind))]
"""One register for each kind, named by it."""

Case = tuple[dict[str, Any], tuple[EvidenceRecord, ...]]

CASES: list[Case] = [
    ({}, (a_complaint(),)),
    ({"purpose": "maintain_service", "evidence_ref": "change:W-1"}, (a_work_order(),)),
    (
        {"purpose": "protect_rights", "evidence_ref": "order:L-1"},
        (a_legal_order(purposes=["protect_rights"]),),
    ),
    (by_an_affiliate(), (a_complaint(), an_affiliation())),
    (
        by_an_affiliate(purpose="related_company", evidence_ref="affiliation:partner"),
        (an_affiliation(assignees=["p-1"]),),
    ),
    (by_a_vendor(), (an_engagement(),)),
    (by_a_service(), (a_service_account(),)),
    (
        {
            "actor_type": "acquirer",
            "actor_id": "b-1",
            "organization": "buyer",
            "purpose": "business_transfer",
            "evidence_ref": "deal:D-1",
        },
        (a_transfer(),),
    ),
    (
        {
            "actor_type": "application",
            "actor_id": "app-1",
            "organization": "crm",
            "purpose": "elected_application",
            "evidence_ref": "election:E-1",
        },
        (an_election(),),
    ),
    ({"actor_type": "customer", "actor_id": "acme", "purpose": "own_use", "evidence_ref": None}, ()),
]
"""An access of each kind of actor, and the evidence that justifies it."""

RECORDS: list[EvidenceRecord] = [
    a_complaint(),
    a_complaint(status="withdrawn"),
    a_complaint("ticket:T-2", assignees=["e-1", "p-1"]),
    a_complaint("ticket:T-3", assignees=["ann"]),
    a_work_order(),
    an_employment(aliases=["ann"]),
    an_employment("staff:e-2", assignees=["e-2"]),
    an_affiliation(),
    an_engagement(),
    a_service_account(),
    a_legal_order(assignees=["e-1"], purposes=["protect_rights"]),
    a_transfer(),
    an_election(),
]


@pytest.mark.parametrize(
    ("actor_type", "purpose", "kinds"),
    [
        ("employee", "resolve_complaint", {"complaint", "employment"}),
        ("affiliate", "legal_obligation", {"legal_order", "affiliation"}),
        ("affiliate", "related_company", {"affiliation"}),
        ("vendor", "process_calls", {"engagement"}),
        ("service", "provide_service", {"service_account"}),
        ("acquirer", "business_transfer", {"transfer"}),
        ("application", "elected_application", {"election"}),
        ("employee", None, EMPLOYEES),
        ("service", None, {"service_account"}),
        ("customer", "own_use", set()),
        ("customer", None, set()),
        ("vendor", "resolve_complaint", set()),
        ("employee", "resell", set()),
    ],
)
def test_a_verdict_leans_on_the_evidence_of_the_clauses_open_to_the_actor(
    actor_type: str, purpose: str | None, kinds: set[str]
) -> None:
    """And on what says that employees and affiliates are what they claim; a forbidden actor on nothing."""
    assert kinds_used(POLICY, actor_type, purpose) == kinds


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].get("purpose", "resolve_complaint"))
@pytest.mark.parametrize("missing", [(), ("evidence_ref",), ("evidence_ref", "purpose")])
@settings(max_examples=20, deadline=None)
@given(more=st.lists(st.sampled_from(RECORDS), max_size=2))
def test_evidence_of_any_other_kind_changes_no_access_from_or_to_justified(
    case: Case, missing: tuple[str, ...], more: list[EvidenceRecord]
) -> None:
    """The judge itself is asked: what a register still has to tell counts only if it is of these kinds."""
    changes, records = case
    access = an_access(**(changes | dict.fromkeys(missing)))
    known = [*records, *more]
    used = kinds_used(POLICY, access.actor_type, access.purpose)
    for late in RECORDS:
        if late.kind not in used:
            assert justified(access, known) == justified(access, [*known, late]), late


def justified(access: AccessEvent, records: list[EvidenceRecord]) -> bool:
    index = EvidenceIndex()
    for version, record in enumerate(records):
        index.put(record, version)
    verdict = judge(access, POLICIES, index, received_at=NOON, as_of=NOON + 2 * A_DAY)
    return verdict.outcome == "justified"


def test_only_overdue_registers_of_kinds_that_count_are_named() -> None:
    """A silent contracts database is no excuse for an agent without a ticket."""
    staleness = Staleness(POLICIES, REGISTERS)
    assert staleness.of(an_access()) == ("complaint", "employment")
    assert set(staleness.of(an_undeclared_access())) == EMPLOYEES
    assert staleness.of(an_access(**by_a_vendor())) == ("engagement",)
    assert staleness.of(an_access()) == ("complaint", "employment"), "remembered, the answer is the same"


def test_where_nothing_is_overdue_nothing_is_named() -> None:
    """The rule on almost every day, so it costs nothing: no policy is even looked up."""
    assert Staleness(PolicySet([]), ()).of(an_access()) == ()


def test_before_the_first_policy_no_register_is_to_blame() -> None:
    """There is no clause that evidence could have met."""
    early = an_access(time=POLICY.effective_from - timedelta(seconds=1))
    assert Staleness(POLICIES, REGISTERS).of(early) == ()
