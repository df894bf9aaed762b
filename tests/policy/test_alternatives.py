"""Under which other clause an access would have been justified."""

from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from earwitness.policy import EvidenceIndex, PolicySet, judge
from earwitness.policy.alternatives import Alternative, declared, find_alternatives
from models import AccessEvent, EvidenceRecord
from models.verdict import JUSTIFIED
from tests.builders import (
    A_DAY,
    NOON,
    a_complaint,
    a_legal_order,
    a_service_account,
    a_work_order,
    an_access,
    an_affiliation,
    an_employment,
    an_engagement,
    an_undeclared_access,
    by_a_service,
    by_a_vendor,
    by_an_affiliate,
    evidence,
)
from tests.policy.judged import POLICIES
from tests.policy.worlds import World, worlds


def known(world: World) -> EvidenceIndex:
    index = EvidenceIndex()
    for version, fields in world.evidence:
        index.put(EvidenceRecord.model_validate(fields), version)
    return index


def found(access: AccessEvent, *records: EvidenceRecord) -> tuple[Alternative, ...]:
    return find_alternatives(access, POLICIES, evidence(*records), received_at=NOON, as_of=NOON)


def short(alternatives: tuple[Alternative, ...]) -> list[tuple[str, str | None, str]]:
    return [(each.clause, each.evidence_ref, each.way) for each in alternatives]


@given(world=worlds)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whoever_had_declared_an_alternative_would_have_been_justified(world: World) -> None:
    """An alternative is a claim before an auditor: the judge must bear it out by just that."""
    access, index = AccessEvent.model_validate(world.event), known(world)
    times = {"received_at": world.received_at, "as_of": world.as_of}
    alternatives = find_alternatives(access, POLICIES, index, **times)
    event(f"{len(alternatives)} alternatives")
    for alternative in alternatives:
        verdict = judge(declared(access, alternative), POLICIES, index, **times)
        assert (verdict.outcome, verdict.clause) == (JUSTIFIED, alternative.clause)
        assert verdict.evidence_used == tuple(filter(None, [alternative.evidence_ref]))
        assert (alternative.way == "cited") <= (alternative.evidence_ref == access.evidence_ref)
    if judge(access, POLICIES, index, **times).outcome == JUSTIFIED:
        assert alternatives == ()


@given(world=worlds)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_purpose_that_would_have_done_is_left_out(world: World) -> None:
    """By what is cited, and by what the registers explain of themselves: each purpose is tried as it is."""
    access, index = AccessEvent.model_validate(world.event), known(world)
    times = {"received_at": world.received_at, "as_of": world.as_of}
    listed = {each.clause for each in find_alternatives(access, POLICIES, index, **times)}
    if judge(access, POLICIES, index, **times).outcome == JUSTIFIED:
        return
    for clause in POLICIES.policies[0].clauses:
        for ref in {access.evidence_ref, None}:
            tried = access.model_copy(update={"purpose": clause.purpose, "evidence_ref": ref})
            if judge(tried, POLICIES, index, **times).outcome == JUSTIFIED:
                assert clause.id in listed


def test_a_wrong_purpose_with_the_right_evidence() -> None:
    """An engineer on a work order said complaint: what he cites would have done for what he did."""
    access = an_access(evidence_ref="change:W-1")
    assert short(found(access, a_work_order())) == [("access.maintain-service", "change:W-1", "cited")]


def test_the_right_purpose_with_the_wrong_evidence() -> None:
    """He cited another customer's ticket, and the one that is assigned to him explains the access."""
    wrong = a_complaint(customer_ids=["globex"])
    right = a_complaint("ticket:T-2", assignees=["e-1"])
    assert short(found(an_access(), wrong, right)) == [("access.resolve-complaint", "ticket:T-2", "derived")]


def test_evidence_that_names_nobody_would_have_had_to_be_cited() -> None:
    """A complaint in nobody's hands explains nothing of itself; it wants to be cited."""
    assert short(found(an_undeclared_access(), a_complaint())) == [
        ("access.resolve-complaint", "ticket:T-1", "if_cited")
    ]


def test_each_clause_is_named_once_and_in_the_order_of_the_policy() -> None:
    """What is cited comes before what else there is."""
    access = an_access(purpose="curiosity", evidence_ref="order:L-1")
    order = a_legal_order(purposes=["protect_rights"])
    assert short(found(access, order, a_complaint(assignees=["e-1"]))) == [
        ("access.resolve-complaint", "ticket:T-1", "derived"),
        ("legal.obligation", "order:L-1", "cited"),
        ("legal.rights-and-property", "order:L-1", "cited"),
    ]


@pytest.mark.parametrize(
    ("access", "records"),
    [
        (an_access(), [a_complaint()]),
        (an_undeclared_access(), [a_complaint(assignees=["e-1"])]),
        (an_access(**by_a_service()), [a_service_account()]),
    ],
)
def test_a_justified_access_has_no_alternatives(access: AccessEvent, records: list[Any]) -> None:
    """There is nothing to put right, and nothing to suggest."""
    assert found(access, *records) == ()


@pytest.mark.parametrize(
    ("access", "records"),
    [
        (an_access(), []),
        (an_access(recipient="newspaper", evidence_ref="change:W-1"), [a_work_order()]),
        (an_access(evidence_ref="change:W-1"), [a_work_order(valid_to=NOON)]),
        (an_access(evidence_ref="change:W-1"), [a_work_order(recorded_by="e-1")]),
        (an_access(evidence_ref="change:W-1"), [a_work_order(), an_employment(valid_to=NOON)]),
        (an_access(**by_an_affiliate(evidence_ref="change:W-1")), [a_work_order(assignees=["p-1"])]),
        (an_access(evidence_ref="contract:C-1"), [an_engagement()]),
        (an_access(**by_a_vendor(resource_type="sms_content")), [an_engagement()]),
        (an_undeclared_access(actor_type="customer", actor_id="globex"), [a_complaint()]),
    ],
    ids=[
        "no evidence",
        "the content leaves for somebody whom the evidence does not name",
        "evidence that was over",
        "evidence that the actor entered",
        "nobody's employee",
        "no affiliation",
        "a clause for other actors",
        "a purpose that does not need the content",
        "another customer",
    ],
)
def test_no_declaration_helps_where_the_access_itself_is_wrong(
    access: AccessEvent, records: list[Any]
) -> None:
    """A forbid still wins, and what is true of the evidence stays true under any purpose."""
    assert found(access, *records) == ()


def test_a_recipient_whom_the_right_evidence_names() -> None:
    """The order that was cited under the wrong purpose names the court that the content goes to."""
    access = an_access(recipient="high-court", evidence_ref="order:L-1")
    assert short(found(access, a_legal_order())) == [("legal.obligation", "order:L-1", "cited")]


def test_the_own_content_of_a_customer_needs_no_evidence() -> None:
    """A customer who declared a purpose of the staff was entitled all the same."""
    access = an_access(actor_type="customer", actor_id="acme")
    assert short(found(access)) == [("customer.own-use", None, "derived")]


def test_a_pending_access_may_have_been_justified_otherwise_all_along() -> None:
    """The ticket that is cited is not known yet; another explains the access."""
    other = a_complaint("ticket:T-2", assignees=["e-1"])
    assert short(found(an_access(), other)) == [("access.resolve-complaint", "ticket:T-2", "derived")]


def test_without_a_policy_there_is_no_clause() -> None:
    """Before the first version nothing was permitted under any."""
    before = an_access(time=POLICIES.policies[0].effective_from - A_DAY)
    assert found(before, a_complaint()) == ()
    assert find_alternatives(an_access(), PolicySet([]), evidence(), received_at=NOON, as_of=NOON) == ()


def test_an_affiliate_is_shown_what_its_affiliation_allows() -> None:
    """The affiliation alone justifies one purpose, if it is cited."""
    access = an_access(**by_an_affiliate())
    assert short(found(access, an_affiliation())) == [("related-company", "affiliation:partner", "if_cited")]
