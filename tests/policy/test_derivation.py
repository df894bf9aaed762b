from typing import Any

import pytest

from earwitness.policy import EvidenceIndex, judge
from models import EvidenceRecord
from tests.builders import (
    NOON,
    a_complaint,
    a_legal_order,
    a_transfer,
    a_work_order,
    an_access,
    an_affiliation,
    an_election,
    an_employment,
    an_engagement,
    an_undeclared_access,
    by_a_vendor,
    by_an_affiliate,
)
from tests.policy.judged import POLICIES, reason_of, said_of, verdict_of


def test_a_derived_verdict_says_so() -> None:
    """Readers can tell what was declared from what was found."""
    verdict = verdict_of(an_undeclared_access(), a_complaint(assignees=["e-1"]))
    assert (verdict.outcome, verdict.reason, verdict.derived) == ("justified", "derived", True)
    assert not verdict_of(an_access(), a_complaint()).derived


def test_evidence_that_nobody_cited_must_name_an_employee() -> None:
    """That somebody of the company may look does not mean that this one did so for it."""
    assert reason_of(an_undeclared_access(), a_complaint()) == "purpose_not_declared"
    assert reason_of(an_undeclared_access(), a_complaint(assignees=["e-2"])) == "purpose_not_declared"
    assert reason_of(an_undeclared_access(), a_complaint(assignees=["e-2", "e-1"])) == "derived"


def test_evidence_may_name_the_employees_team_or_alias() -> None:
    """Naming is as everywhere else."""
    staff = an_employment(teams=["support"], aliases=["e1@example.com"])
    in_team = an_undeclared_access(actor_team="support")
    assert reason_of(in_team, a_complaint(assignees=["support"]), staff) == "derived"
    assert reason_of(in_team, a_complaint(assignees=["support"]), an_employment()) == "purpose_not_declared"
    by_alias = a_complaint(assignees=["e1@example.com"])
    assert reason_of(an_undeclared_access(), by_alias, staff) == "derived"


def test_evidence_that_nobody_cited_must_name_an_affiliate() -> None:
    """Also for its own company's affiliation."""
    access = an_undeclared_access(**by_an_affiliate())
    assert reason_of(access, an_affiliation()) == "purpose_not_declared"
    assert said_of(access, an_affiliation(assignees=["p-1"])) == (
        "derived",
        "related-company",
        ("affiliation:partner",),
    )


@pytest.mark.parametrize(
    ("access", "record", "clause"),
    [
        (by_a_vendor(), an_engagement(), "third-party.process-calls"),
        ({"actor_type": "acquirer", "organization": "buyer"}, a_transfer(), "business-transfer"),
        (
            {"actor_type": "application", "organization": "crm"},
            an_election(),
            "customer.elected-application",
        ),
    ],
)
def test_evidence_need_not_name_the_people_of_outsiders(
    access: dict[str, Any], record: EvidenceRecord, clause: str
) -> None:
    """Their contract names the organization; where it names people, it is for these."""
    undeclared = an_undeclared_access(**access | {"purpose": None, "evidence_ref": None})
    assert said_of(undeclared, record) == ("derived", clause, (record.ref,))
    for_others = record.model_copy(update={"assignees": ("somebody",)})
    assert reason_of(undeclared, for_others) == "purpose_not_declared"


@pytest.mark.parametrize(
    "changes",
    [
        {"customer_ids": ["globex"]},
        {"resource_types": ["sms_content"]},
        {"resource_ids": ["rec-2"]},
        {"valid_to": NOON},
        {"status": "withdrawn"},
        {"recorded_by": "e-1"},
        {"origin": "actor_statement"},
    ],
)
def test_derived_evidence_meets_every_check(changes: dict[str, Any]) -> None:
    """What would not do if cited does not do uncited."""
    complaint = a_complaint(assignees=["e-1"], **changes)
    assert reason_of(an_undeclared_access(), complaint) == "purpose_not_declared"
    declared = an_undeclared_access(purpose="resolve_complaint")
    assert reason_of(declared, complaint) == "evidence_not_cited"


def test_a_leaver_is_not_excused_by_what_is_still_assigned_to_him() -> None:
    """Standing is one of the checks."""
    left = an_employment(valid_to=NOON)
    assert reason_of(an_undeclared_access(), a_complaint(assignees=["e-1"]), left) == "purpose_not_declared"


def test_a_declared_purpose_is_derived_by_its_own_clause_only() -> None:
    """Who declares a complaint is not excused by a work order."""
    order = a_work_order()
    assert said_of(an_undeclared_access(), order).clause == "access.maintain-service"
    assert reason_of(an_undeclared_access(purpose="resolve_complaint"), order) == "evidence_not_cited"
    found = said_of(an_undeclared_access(purpose="maintain_service"), order)
    assert found == ("derived", "access.maintain-service", ("change:W-1",))


def test_of_several_clauses_the_first_in_the_table_counts() -> None:
    """Whatever was registered first."""
    order = a_work_order(purposes=["enhance_service", "maintain_service"])
    legal = a_legal_order(assignees=["e-1"])
    complaint = a_complaint(assignees=["e-1"])
    assert said_of(an_undeclared_access(), legal, order, complaint).clause == "access.resolve-complaint"
    assert said_of(an_undeclared_access(), legal, order).clause == "access.maintain-service"


def test_of_several_pieces_of_evidence_the_first_registered_counts() -> None:
    """By the offset of its newest record, not by its ref or its validity."""
    later = a_complaint("ticket:A", assignees=["e-1"])
    first = a_complaint("ticket:Z", assignees=["e-1"], valid_from=NOON)
    assert said_of(an_undeclared_access(), first, later).evidence_used == ("ticket:Z",)


def test_a_new_record_of_a_ref_puts_it_behind_the_others() -> None:
    """The newest record's offset is the one that counts."""
    first, other = a_complaint("ticket:Z", assignees=["e-1"]), a_complaint("ticket:A", assignees=["e-1"])
    assert said_of(an_undeclared_access(), first, other, first).evidence_used == ("ticket:A",)


def test_the_first_registered_counts_however_it_is_found() -> None:
    """By customer or without customers, by name or by team: one order."""
    staff = an_employment(teams=["storage"])
    access = an_undeclared_access(actor_team="storage")
    by_name = a_work_order("change:name", customer_ids=["acme"])
    by_team = a_work_order("change:team", assignees=["storage"])
    assert said_of(access, staff, by_team, by_name).evidence_used == ("change:team",)
    assert said_of(access, staff, by_name, by_team).evidence_used == ("change:name",)


def test_evidence_with_long_lists_is_found_like_any_other() -> None:
    """It is filed in another way; that must not show."""
    customer_ids = [*(f"customer-{number}" for number in range(200)), "acme"]
    assignees = [*(f"e-{number}" for number in range(100, 200)), "e-1"]
    broad = a_complaint("ticket:broad", customer_ids=customer_ids, assignees=assignees)
    narrow = a_complaint("ticket:narrow", assignees=["e-1"])
    assert said_of(an_undeclared_access(), broad).evidence_used == ("ticket:broad",)
    assert said_of(an_undeclared_access(), broad, narrow).evidence_used == ("ticket:broad",)
    assert said_of(an_undeclared_access(), narrow, broad).evidence_used == ("ticket:narrow",)
    assert reason_of(an_undeclared_access(actor_id="e-7"), broad) == "purpose_not_declared"
    replaced = a_complaint("ticket:broad", customer_ids=["globex"], assignees=["e-1"])
    assert reason_of(an_undeclared_access(), broad, replaced) == "purpose_not_declared"


def test_the_order_of_arrival_does_not_matter() -> None:
    """Versions decide, so every worker that knows the same records says the same."""
    first, later = a_complaint("ticket:Z", assignees=["e-1"]), a_complaint("ticket:A", assignees=["e-1"])
    index = EvidenceIndex()
    index.put(later, 7)
    index.put(first, 3)
    verdict = judge(an_undeclared_access(), POLICIES, index, received_at=NOON, as_of=NOON)
    assert verdict.evidence_used == ("ticket:Z",)


class TestCitedWithoutPurpose:
    """Where a ref is cited without a purpose, only that evidence counts."""

    def test_it_need_not_name_the_actor(self) -> None:
        """Citing is naming."""
        access = an_undeclared_access(evidence_ref="ticket:T-1")
        assert said_of(access, a_complaint()) == ("derived", "access.resolve-complaint", ("ticket:T-1",))

    def test_where_it_names_others_it_is_for_others(self) -> None:
        """Scope holds as ever."""
        access = an_undeclared_access(evidence_ref="ticket:T-1")
        assert reason_of(access, a_complaint(assignees=["e-2"])) == "purpose_not_declared"

    def test_other_evidence_does_not_help(self) -> None:
        """Whoever cites has said why; another reason is not looked for."""
        access = an_undeclared_access(evidence_ref="ticket:T-1")
        records = [a_complaint(customer_ids=["globex"]), a_complaint("ticket:T-2", assignees=["e-1"])]
        assert reason_of(access, *records) == "purpose_not_declared"

    def test_what_is_not_known_is_waited_for(self) -> None:
        """Whatever else might explain the access."""
        access = an_undeclared_access(evidence_ref="ticket:unknown")
        verdict = verdict_of(access, a_complaint("ticket:T-2", assignees=["e-1"]))
        assert (verdict.outcome, verdict.reason) == ("pending", "evidence_not_found")

    def test_its_kind_finds_the_clause(self) -> None:
        """The first that it meets."""
        access = an_undeclared_access(evidence_ref="order:L-1")
        order = a_legal_order(purposes=["protect_rights"])
        assert said_of(access, order).clause == "legal.obligation"


def test_nothing_is_derived_for_an_actor_to_whom_the_clause_is_closed() -> None:
    """A vendor is not excused by a complaint that names its person."""
    vendor = an_access(**by_a_vendor(purpose=None, evidence_ref=None))
    assert reason_of(vendor, a_complaint(assignees=["v-1"])) == "purpose_not_declared"


def test_an_access_to_many_customers_is_derived_from_evidence_without_customers_only() -> None:
    """`*` is covered by what covers all."""
    access = an_undeclared_access(customer_id="*")
    assert reason_of(access, a_work_order()) == "derived"
    assert reason_of(access, a_work_order(customer_ids=["acme"])) == "purpose_not_declared"
    assert reason_of(access, a_complaint(assignees=["e-1"])) == "purpose_not_declared"
