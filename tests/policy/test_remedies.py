"""What would have justified an access is said in sentences, whatever the reason."""

from typing import Any

import pytest

from earwitness.policy import PolicySet, explain
from earwitness.policy.cases import ReadyCase, parse_cases, run_case
from earwitness.policy.remedies import remedy_of
from earwitness.settings import ROOT
from models.verdict import JUSTIFIED, Check
from tests.builders import (
    NOON,
    a_complaint,
    a_work_order,
    an_access,
    an_undeclared_access,
    by_a_service,
    evidence,
)
from tests.policy.judged import POLICIES

(POLICY,) = POLICIES.policies
CASES = parse_cases(
    "cases.toml", (ROOT / "policies/privacy-policy/2013-02-07/cases.toml").read_bytes(), POLICY
)
REFUSED = [ready for ready in CASES if ready.case.verdict != JUSTIFIED]


@pytest.mark.parametrize("ready", REFUSED, ids=lambda ready: f"{ready.case.reason}: {ready.case.name}")
def test_every_refusal_of_the_policys_cases_is_told_in_sentences(ready: ReadyCase) -> None:
    """The accused reads it: no code of a check, no kind with an underscore in its name."""
    missing = run_case(ready, POLICY).explanation.missing
    assert missing
    for sentence in missing:
        assert sentence.endswith("."), sentence
        assert not sentence.startswith("Needed: "), "a check without words of its own"
        assert "service_account" not in sentence
        assert "work_order" not in sentence
        assert "legal_order" not in sentence


@pytest.mark.parametrize(
    ("access", "records", "sentence"),
    [
        (
            an_access(),
            [a_complaint(customer_ids=["globex", "initech"])],
            "ticket:T-1 would have to cover customer acme, by name. It covers globex, initech.",
        ),
        (
            an_access(),
            [a_complaint(valid_to=NOON)],
            (
                "It is in force from 2026-03-01T12:00:00.000000Z up to 2026-03-02T12:00:00.000000Z,"
                " which is not included."
            ),
        ),
        (
            an_access(),
            [a_work_order("ticket:T-1")],
            "The evidence would have to be a complaint. ticket:T-1 is a work order.",
        ),
        (
            an_access(evidence_ref=None),
            [],
            (
                "The access would have to cite a complaint that passes every check; or the registers would"
                " have to hold one, assigned to the actor or its team, that does."
            ),
        ),
        (
            an_undeclared_access(actor_type="customer", actor_id="globex"),
            [],
            "the policy opens no purpose to such an actor for this customer's content.",
        ),
        (
            an_access(**by_a_service()),
            [],
            "hold a service account that names svc-transcriber among its assignees. Found: none.",
        ),
    ],
)
def test_a_sentence_says_what_would_have_to_be_and_what_is(
    access: Any, records: list[Any], sentence: str
) -> None:
    """Both halves, so that nobody has to look the evidence up to see what is wrong with it."""
    explained = explain(access, POLICIES, evidence(*records), received_at=NOON, as_of=NOON)
    assert sentence in explained.missing[0]


def test_a_check_that_failed_to_run_is_our_fault_and_says_so() -> None:
    """The accused must not take it for his."""
    check = Check("customer", False, "a check that can be made", "it failed: KeyError: x", "ticket:T-1")
    assert remedy_of(check).endswith("This is a fault of ours.")


def test_a_check_of_a_later_version_of_the_judge_is_told_as_it_is() -> None:
    """A new check without words here must not break the explanation, nor be left out."""
    check = Check("on_call", False, "an actor on call", "off duty")
    assert remedy_of(check) == "Needed: an actor on call. Found: off duty."


def test_no_policy_at_all_is_said() -> None:
    """An installation without policy files decides nothing."""
    explained = explain(an_access(), PolicySet([]), evidence(), received_at=NOON, as_of=NOON)
    assert "There was no policy at all." in explained.missing[0]
