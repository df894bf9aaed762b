"""An explanation tells of the same verdict, by the same checks."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from earwitness.policy import Access, EvidenceIndex, explain, judge
from earwitness.policy.checks import PRECEDENCE
from earwitness.policy.explaining import list_steps
from models import AccessEvent, EvidenceRecord, Explanation
from models.verdict import JUSTIFIED
from tests.builders import (
    NOON,
    a_complaint,
    a_legal_order,
    a_service_account,
    a_work_order,
    an_access,
    an_employment,
    an_undeclared_access,
    by_a_service,
    evidence,
)
from tests.policy.judged import POLICIES
from tests.policy.worlds import World, worlds


def explained(access: Access, *records: EvidenceRecord) -> Explanation:
    return explain(access, POLICIES, evidence(*records), received_at=NOON, as_of=NOON)


def known(world: World) -> EvidenceIndex:
    index = EvidenceIndex()
    for version, fields in world.evidence:
        index.put(EvidenceRecord.model_validate(fields), version)
    return index


@given(world=worlds)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_verdict_follows_from_the_checks_that_are_shown(world: World) -> None:
    """Whoever reads the checks comes to the verdict: all passed, or the first that failed is the reason."""
    access, index = AccessEvent.model_validate(world.event), known(world)
    times = {"received_at": world.received_at, "as_of": world.as_of}
    verdict = judge(access, POLICIES, index, **times)
    explanation = explain(access, POLICIES, index, **times)
    assert explanation.verdict == verdict
    steps = list_steps(access, POLICIES, index, **times)
    assert tuple(step.check for step in steps) == explanation.checks
    failed = [step.reason for step in steps if step.decides and not step.check.passed]
    if verdict.outcome == JUSTIFIED:
        assert (failed, explanation.missing) == ([], ())
    else:
        assert min(failed, key=PRECEDENCE.__getitem__) == verdict.reason
        assert explanation.missing


def test_checks_that_could_be_made_are_made_though_an_earlier_one_failed() -> None:
    """A reader wants everything that is wrong at once."""
    complaint = a_complaint(customer_ids=["globex"], valid_to=NOON, recorded_by="e-1")
    explanation = explained(an_access(), complaint, an_employment(valid_to=NOON))
    failed = [check.name for check in explanation.checks if not check.passed]
    assert failed == ["not_self_recorded", "customer", "in_force", "employed"]
    assert len(explanation.missing) == 4


def test_a_check_says_what_was_expected_and_what_was_found() -> None:
    """In words that name the things."""
    (check,) = [
        check
        for check in explained(an_access(), a_complaint(customer_ids=["globex"])).checks
        if not check.passed
    ]
    assert check == (
        "customer",
        False,
        "evidence that covers customer acme, by name",
        "customers globex",
        "ticket:T-1",
    )


def test_an_access_that_nobody_may_make_is_explained_to_the_end() -> None:
    """The actor is of the wrong kind; the evidence is held against the clause all the same."""
    customer = an_access(actor_type="customer", actor_id="globex")
    explanation = explained(customer, a_complaint(customer_ids=["globex"]))
    failed = [check.name for check in explanation.checks if not check.passed]
    assert failed == ["actor_permitted", "customer"]


def test_what_is_waited_for_is_said_with_its_deadline() -> None:
    """A pending verdict has an end."""
    (check,) = [check for check in explained(an_access()).checks if not check.passed]
    assert check.name == "evidence_found"
    assert "2026-03-03T12:00:00" in check.found
    (missing,) = explained(an_access()).missing
    assert missing.startswith("A register would have to know ticket:T-1")
    assert "waited for until 2026-03-03T12:00:00" in missing


def test_a_derivation_shows_the_checks_of_what_was_found() -> None:
    """And that nothing was declared, which alone does not decide."""
    explanation = explained(an_undeclared_access(), a_complaint(assignees=["e-1"]))
    names = [check.name for check in explanation.checks]
    assert names[:3] == ["policy_in_effect", "purpose_declared", "derived"]
    assert {check.evidence_ref for check in explanation.checks if check.name == "customer"} == {"ticket:T-1"}
    assert explanation.missing == ()


def test_a_failed_derivation_shows_the_evidence_that_came_nearest() -> None:
    """A ticket of the customer, assigned to a colleague, is shown before one of another customer."""
    near = a_complaint("ticket:near", assignees=["e-2"])
    far = a_complaint("ticket:far", customer_ids=["globex"], assignees=["e-1"], valid_to=NOON)
    explanation = explained(an_undeclared_access(), far, near)
    looked_at = [check for check in explanation.checks if check.name.startswith("looked_at.")]
    refs = list(dict.fromkeys(check.evidence_ref for check in looked_at))
    assert refs == ["ticket:near", "ticket:far"]
    named = [check for check in looked_at if check.name.endswith(".named")]
    assert [check.passed for check in named] == [False, True]


def test_what_was_looked_at_is_limited() -> None:
    """A customer with a thousand tickets does not make an explanation of thousands of lines."""
    tickets = [a_complaint(f"ticket:{number}") for number in range(1_000)]
    assert len(explained(an_undeclared_access(), *tickets).checks) < 60


def test_a_service_is_shown_its_accounts() -> None:
    """The one that does, or the one that gives the reason."""
    narrow = a_service_account("account:narrow", functions=["read"])
    checks = explained(an_access(**by_a_service()), narrow, a_service_account()).checks
    assert {check.evidence_ref for check in checks if check.name == "function_listed"} == {
        "account:transcriber"
    }
    checks = explained(an_access(**by_a_service()), narrow).checks
    assert {check.evidence_ref for check in checks if check.name == "function_listed"} == {"account:narrow"}


@pytest.mark.parametrize(
    ("access", "records", "words"),
    [
        (
            {"purpose": "curiosity"},
            [a_complaint()],
            "A purpose that the policy knows would have to be declared (resolve_complaint, ",
        ),
        (
            {"recipient": "newspaper"},
            [a_complaint()],
            "would have to be about newspaper, and be one of: engagement, ",
        ),
        ({"evidence_ref": None}, [], "would have to cite a complaint that passes every check"),
        (
            {"time": "2001-01-01T00:00:00Z"},
            [],
            "would have to be in effect when the access happened, at 2001-01-01",
        ),
        (
            {},
            [a_complaint(assignees=["e-2"])],
            "ticket:T-1 would have to be assigned to e-1, or to nobody in particular. It is assigned to e-2.",
        ),
        (
            {"actor_team": "night"},
            [a_complaint(assignees=["e-2"])],
            "no register lists the actor in team night",
        ),
        ({"customer_id": "*"}, [a_complaint()], "evidence that may go without customers"),
    ],
)
def test_what_is_missing_is_said_in_words(access: dict[str, Any], records: list[Any], words: str) -> None:
    """For whoever has to put it right."""
    assert words in " | ".join(explained(an_access(**access), *records).missing)


def test_long_lists_are_shortened() -> None:
    """An explanation is read by people."""
    many = a_work_order(assignees=[f"e-{number}" for number in range(100, 200)])
    access = an_access(purpose="maintain_service", evidence_ref="change:W-1")
    found = [check.found for check in explained(access, many).checks if check.name == "assigned"]
    assert found == ["assignees e-100, e-101, e-102, e-103, e-104 and 95 more"]


def test_a_cited_ref_without_purpose_is_held_against_the_open_clauses() -> None:
    """The reader sees under which clause it came nearest."""
    order = a_legal_order(assignees=["e-2"])
    explanation = explained(an_undeclared_access(evidence_ref="order:L-1"), order)
    nearest = next(check.name for check in explanation.checks if check.name.startswith("looked_at."))
    assert nearest == "looked_at.legal_obligation.kind"
