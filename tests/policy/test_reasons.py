"""Which verdict and reason an access gets where several things are wrong, or nothing can be decided."""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from earwitness.policy import EvidenceIndex, explain, judge, parse_policies
from models import AccessEvent, Verdict
from models.verdict import INDETERMINATE, Reason
from tests.builders import (
    A_DAY,
    A_TICK,
    NOON,
    a_complaint,
    a_record,
    a_work_order,
    an_access,
    an_affiliation,
    an_employment,
    evidence,
)
from tests.policy.judged import POLICIES, reason_of, verdict_of


def test_every_failing_thing_at_once_is_told_in_the_order_of_the_contract() -> None:
    """An access that breaks every rule is mended rule by rule; the reason moves down the list."""
    event: dict[str, Any] = {
        "time": "2013-02-06T00:00:00Z",
        "actor_type": "vendor",
        "actor_id": "v-1",
        "organization": "voiceco",
        "purpose": "spy",
        "evidence_ref": "contract:unknown",
        "recipient": "elsewhere",
        "resource_type": "sms_content",
    }
    record: dict[str, Any] = {
        "organization": "other",
        "functions": [],
        "customer_ids": ["globex"],
        "resource_ids": ["rec-2"],
        "valid_from": NOON + A_DAY,
        "status": "withdrawn",
        "assignees": ["v-2"],
        "recorded_by": "v-1",
        "kind": "transfer",
    }
    mends: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("no_policy_in_effect", {"time": NOON}, {}),
        ("purpose_unknown", {"purpose": "resolve_complaint"}, {}),
        ("actor_not_permitted", {"purpose": "process_calls"}, {}),
        ("evidence_not_found", {"evidence_ref": "contract:C-1"}, {}),
        ("outside_transfer", {"recipient": "other"}, {}),
        ("evidence_wrong_kind", {}, {"kind": "engagement"}),
        ("evidence_self_recorded", {}, {"recorded_by": "e-1"}),
        ("evidence_wrong_organization", {"recipient": "voiceco"}, {"organization": "voiceco"}),
        ("evidence_wrong_function", {}, {"functions": ["process_calls"]}),
        ("resource_not_needed", {"resource_type": "call_recording"}, {}),
        ("evidence_wrong_customer", {}, {"customer_ids": []}),
        ("evidence_wrong_resource", {}, {"resource_ids": []}),
        ("evidence_not_in_force", {}, {"valid_from": NOON}),
        ("evidence_withdrawn", {}, {"status": "active"}),
        ("actor_not_assigned", {}, {"assignees": ["v-1"]}),
        ("clause_met", {}, {}),
    ]
    for reason, event_mended, record_mended in mends:
        assert reason_of(an_access(**event), a_record("contract:C-1", **record)) == reason
        event |= event_mended
        record |= record_mended


@pytest.mark.parametrize(
    ("record", "event", "reason"),
    [
        ({"purposes": [], "assignees": []}, {}, "evidence_wrong_purpose"),
        ({"assignees": []}, {"customer_id": "*"}, "evidence_without_scope"),
        ({"customer_ids": ["globex"], "resource_types": ["sms_content"]}, {}, "evidence_wrong_customer"),
        ({"resource_types": ["sms_content"], "valid_to": NOON}, {}, "evidence_wrong_resource"),
        ({"assignees": ["e-2"]}, {}, "actor_not_assigned"),
        ({}, {}, "actor_not_employed"),
    ],
)
def test_the_order_holds_for_work_orders(record: dict[str, Any], event: dict[str, Any], reason: str) -> None:
    """The reasons that a vendor cannot have; the employee is a leaver throughout."""
    access = an_access(purpose="maintain_service", evidence_ref="change:W-1", **event)
    assert reason_of(access, a_work_order(**record), an_employment(valid_to=NOON)) == reason


def test_the_reasons_stand_in_the_order_of_the_contract() -> None:
    """Compiled checks are sorted by this list."""
    assert get_args(Reason) == (
        "clause_met",
        "derived",
        "no_policy_in_effect",
        "purpose_unknown",
        "actor_not_permitted",
        "evidence_not_found",
        "outside_transfer",
        "purpose_not_declared",
        "evidence_not_cited",
        "account_not_registered",
        "evidence_wrong_kind",
        "evidence_self_recorded",
        "evidence_wrong_purpose",
        "evidence_without_scope",
        "evidence_wrong_organization",
        "evidence_wrong_function",
        "resource_not_needed",
        "action_not_needed",
        "evidence_wrong_customer",
        "evidence_wrong_resource",
        "evidence_not_in_force",
        "evidence_withdrawn",
        "actor_not_assigned",
        "actor_not_employed",
        "affiliation_not_in_force",
        "judge_error",
    )


def test_a_refusal_names_the_policy_that_refuses() -> None:
    """Whoever is accused can ask by which rules: the version, and the content that it had."""
    refused = verdict_of(an_access(customer_id="globex"), a_complaint())
    (policy,) = POLICIES.policies
    assert (refused.policy_version, refused.policy_digest) == (policy.version, policy.digest)


class TestGrace:
    """Evidence that is not known yet may still arrive, for a day."""

    @pytest.mark.parametrize(
        ("waited", "outcome"),
        [
            (timedelta(0), "pending"),
            (timedelta(hours=24) - A_TICK, "pending"),
            (timedelta(hours=24), "unjustified"),
            (timedelta(days=900), "unjustified"),
        ],
    )
    def test_it_is_pending_until_the_grace_ends(self, waited: timedelta, outcome: str) -> None:
        """The end is exclusive; the reason stays the same."""
        verdict = verdict_of(an_access(), as_of=NOON + waited)
        assert (verdict.outcome, verdict.reason, verdict.clause) == (outcome, "evidence_not_found", None)

    def test_the_grace_runs_from_receipt_not_from_the_access(self) -> None:
        """An event that was spooled for days gets its day too."""
        received_at = NOON + 5 * A_DAY
        verdict = verdict_of(an_access(), received_at=received_at, as_of=received_at + A_DAY - A_TICK)
        assert verdict.outcome == "pending"

    def test_what_is_known_and_does_not_do_is_not_waited_for(self) -> None:
        """Only evidence nobody has told of yet is pending."""
        assert verdict_of(an_access(customer_id="globex"), a_complaint()).outcome == "unjustified"

    def test_late_evidence_that_was_in_force_counts(self) -> None:
        """Registers are slower than people."""
        assert reason_of(an_access(), a_complaint(recorded_at=NOON + A_DAY)) == "clause_met"


class TestPolicyInEffect:
    """The policy version in effect at the time of the access counts."""

    def test_before_the_first_version_nothing_is_decided(self) -> None:
        """Neither justified nor an offence."""
        early = an_access(time="2013-02-06T23:59:59.999999Z")
        verdict = verdict_of(early, a_complaint(valid_from="2013-01-01T00:00:00Z"))
        assert (verdict.outcome, verdict.reason) == ("indeterminate", "no_policy_in_effect")
        assert (verdict.policy_version, verdict.policy_digest) == ("", "")

    def test_its_first_instant_is_included(self) -> None:
        """Effective from midnight."""
        first = an_access(time="2013-02-07T00:00:00Z")
        verdict = verdict_of(first, a_complaint(valid_from="2013-01-01T00:00:00Z"))
        assert (verdict.reason, verdict.policy_version) == ("clause_met", "2013-02-07")

    def test_an_offset_does_not_change_the_instant(self) -> None:
        """Midnight in Bengaluru is half past six the evening before in London."""
        early = an_access(time="2013-02-07T05:29:59+05:30")
        assert reason_of(early, a_complaint(valid_from="2013-01-01T00:00:00Z")) == "no_policy_in_effect"

    def test_without_any_version_nothing_is_decided(self) -> None:
        """A worker without policies justifies nothing."""
        verdict = judge(
            an_access(), parse_policies({}), evidence(a_complaint()), received_at=NOON, as_of=NOON
        )
        assert verdict.reason == "no_policy_in_effect"


class Broken:
    """An access whose field `name` raises when it is read."""

    def __init__(self, access: AccessEvent, name: str) -> None:
        self._access = access
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise RuntimeError(f"{name} is broken")
        return getattr(self._access, name)


class TestJudgeError:
    """A judge that fails justifies nothing, and says that it failed."""

    @pytest.mark.parametrize("name", ["customer_id", "actor_type", "purpose", "recipient", "actor_id"])
    def test_a_check_that_raises_is_indeterminate(self, name: str) -> None:
        """The version that failed is named; clause and evidence are not."""
        broken: Any = Broken(an_access(), name)
        verdict = verdict_of(broken, a_complaint(), received_at=NOON)
        assert (verdict.outcome, verdict.reason, verdict.clause) == (INDETERMINATE, "judge_error", None)
        assert verdict.policy_version == "2013-02-07"

    def test_an_access_without_a_time_is_indeterminate(self) -> None:
        """Then not even the version is known."""
        broken: Any = Broken(an_access(), "time")
        verdict = verdict_of(broken, a_complaint(), received_at=NOON)
        assert verdict == Verdict(
            INDETERMINATE, "judge_error", None, (), derived=False, policy_version="", policy_digest=""
        )
        assert type(verdict.derived) is bool

    def test_a_time_without_an_offset_is_indeterminate(self) -> None:
        """It cannot be compared; no time zone is guessed."""
        naive = an_access().model_copy(update={"time": datetime(2026, 3, 2, 12)})  # noqa: DTZ001 - the point
        assert verdict_of(naive, a_complaint(), received_at=NOON).reason == "judge_error"

    def test_the_explanation_names_the_check_that_failed(self) -> None:
        """And makes the others all the same."""
        broken: Any = Broken(an_access(), "customer_id")
        explained = explain(broken, POLICIES, evidence(a_complaint()), received_at=NOON, as_of=NOON)
        failed = [check for check in explained.checks if not check.passed]
        assert [check.name for check in failed] == ["customer"]
        assert "customer_id is broken" in failed[0].found
        assert explained.checks[-1].name == "employed"

    def test_an_explanation_says_that_the_judge_failed_where_no_check_can_be_made(self) -> None:
        """Where the failure lies outside the checks."""
        broken: Any = Broken(an_access(), "actor_id")
        explained = explain(broken, POLICIES, EvidenceIndex(), received_at=NOON, as_of=NOON)
        assert (explained.verdict.reason, explained.checks[-1].name) == ("judge_error", "judge")
        assert explained.missing


def test_an_affiliation_missing_is_the_last_reason() -> None:
    """All else of the access is in order."""
    access = an_access(actor_type="affiliate", organization="partner")
    assert reason_of(access, a_complaint()) == "affiliation_not_in_force"
    assert reason_of(access, a_complaint(assignees=["x"])) == "actor_not_assigned"
    assert reason_of(access, a_complaint(), an_affiliation()) == "clause_met"
