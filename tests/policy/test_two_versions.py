"""Versioning, proven on two versions that differ in every way: each access is judged by that of its time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.policy import PolicySet, explain, judge
from earwitness.policy.cases import ReadyCase, run_case
from earwitness.policy_files import read_policies, read_with_cases
from earwitness.settings import ROOT
from models import AccessEvent, EvidenceRecord
from models.fields import parse_time
from models.verdict import Verdict
from tests.builders import (
    A_DAY,
    A_TICK,
    a_complaint,
    a_legal_order,
    a_work_order,
    an_access,
    an_affiliation,
    an_election,
    an_employment,
    an_engagement,
    an_undeclared_access,
    by_a_vendor,
    by_an_affiliate,
    evidence,
)
from tests.policy.versions import BOTH, FIRST, SECOND, SECOND_VERSION

SWITCH: Final = SECOND.effective_from
BEFORE: Final = SWITCH - A_TICK
LONG_AGO: Final = parse_time("2013-03-01T00:00:00Z")

CASES: Final = [
    ready
    for folder in (ROOT / "policies", SECOND_VERSION)
    for version in read_with_cases(folder)
    for ready in version.cases
]


def judged(access: AccessEvent, *records: EvidenceRecord, policies: PolicySet = BOTH) -> Verdict:
    return judge(
        access, policies, evidence(*records), received_at=access.time, as_of=access.time + timedelta(hours=3)
    )


def both_sides(changes: dict[str, Any], records: Sequence[EvidenceRecord]) -> list[str]:
    """The reasons for one and the same access, a microsecond before the switch and at it."""
    return [judged(an_access(**changes, time=time), *records).reason for time in (BEFORE, SWITCH)]


def always(record: EvidenceRecord) -> EvidenceRecord:
    return record.model_copy(update={"valid_from": LONG_AGO})


DIFFERENCES: Final[list[tuple[str, dict[str, Any], list[EvidenceRecord], list[str]]]] = [
    (
        "a clause added",
        {"purpose": "train_support", "evidence_ref": None},
        [a_work_order(purposes=["train_support"])],
        ["purpose_unknown", "clause_met"],
    ),
    (
        "a clause removed",
        by_a_vendor(purpose="maintain_databases_servers"),
        [an_engagement(functions=["maintain_databases_servers"])],
        ["clause_met", "purpose_unknown"],
    ),
    (
        "a purpose renamed",
        by_an_affiliate(purpose="related_company", evidence_ref="affiliation:partner"),
        [an_affiliation()],
        ["clause_met", "purpose_unknown"],
    ),
    (
        "a purpose renamed, by its new name",
        by_an_affiliate(purpose="group_company", evidence_ref="affiliation:partner"),
        [an_affiliation()],
        ["purpose_unknown", "clause_met"],
    ),
    (
        "actors removed",
        by_an_affiliate(),
        [a_complaint(), an_affiliation()],
        ["clause_met", "actor_not_permitted"],
    ),
    (
        "actors added",
        by_a_vendor(purpose="maintain_service", evidence_ref="change:W-1"),
        [a_work_order(assignees=[], customer_ids=["acme"])],
        ["actor_not_permitted", "clause_met"],
    ),
    (
        "another kind of evidence",
        {"purpose": "enhance_service", "evidence_ref": "change:W-1"},
        [a_work_order(purposes=["enhance_service"])],
        ["clause_met", "evidence_wrong_kind"],
    ),
    (
        "evidence found instead of cited",
        {"purpose": "protect_rights", "evidence_ref": "order:L-1"},
        [a_legal_order(purposes=["protect_rights"])],
        ["clause_met", "account_not_registered"],
    ),
    (
        "a requirement added",
        {"purpose": "legal_obligation", "evidence_ref": "order:L-1"},
        [a_legal_order()],
        ["clause_met", "evidence_wrong_purpose"],
    ),
    (
        "a requirement replaced",
        by_a_vendor(purpose="process_sms", resource_type="sms_content"),
        [an_engagement(functions=["process_sms"])],
        ["clause_met", "evidence_wrong_purpose"],
    ),
    ("actions restricted", {"action": "download"}, [a_complaint()], ["clause_met", "action_not_needed"]),
    (
        "resource types restricted",
        {"action": "read", "resource_type": "call_detail"},
        [a_complaint()],
        ["clause_met", "resource_not_needed"],
    ),
    (
        "another lifted_by",
        by_a_vendor(recipient="voiceco"),
        [an_engagement()],
        ["clause_met", "outside_transfer"],
    ),
    (
        "nothing free any more",
        {"actor_type": "customer", "actor_id": "acme", "purpose": "own_use", "recipient": "friend"},
        [],
        ["clause_met", "outside_transfer"],
    ),
]


@pytest.mark.parametrize(
    ("changes", "records", "reasons"),
    [case[1:] for case in DIFFERENCES],
    ids=[case[0] for case in DIFFERENCES],
)
def test_an_access_is_judged_by_the_version_in_effect_when_it_happened(
    changes: dict[str, Any], records: list[EvidenceRecord], reasons: list[str]
) -> None:
    """To the microsecond: the last one before the switch, and the first one after it."""
    assert both_sides(changes, [always(record) for record in records]) == reasons


def test_the_verdict_names_the_version_and_digest_of_its_time() -> None:
    """A row of the trail says by which words it was judged."""
    known = always(a_complaint())
    for time, version in ((BEFORE, FIRST), (SWITCH, SECOND)):
        verdict = judged(an_access(time=time), known)
        assert (verdict.policy_version, verdict.policy_digest) == (version.version, version.digest)


def test_an_affiliation_is_asked_of_affiliates_by_the_first_version_alone() -> None:
    """Standing belongs to a version, as its clauses do."""
    access = by_an_affiliate(purpose="protect_liability", evidence_ref="order:L-1")
    order = always(a_legal_order(purposes=["protect_liability"]))
    assert both_sides(access, [order])[0] == "affiliation_not_in_force"
    assert FIRST.standing.keys() - SECOND.standing.keys() == {"affiliate"}


def test_the_grace_is_that_of_the_version() -> None:
    """Three hours after receipt the first version still waits, and the second no longer does."""
    waits = [judged(an_access(time=time)).outcome for time in (BEFORE, SWITCH)]
    assert waits == ["pending", "unjustified"]


def test_of_two_clauses_that_explain_an_access_the_first_of_the_version_counts() -> None:
    """Where an access declares nothing, the order of the clauses decides what it is laid to."""
    known = [always(a_complaint(assignees=["e-1"])), always(a_work_order())]
    clauses = [judged(an_undeclared_access(time=time), *known).clause for time in (BEFORE, SWITCH)]
    assert clauses == ["access.resolve-complaint", "access.maintain-service"]


def test_before_the_first_version_nothing_can_be_decided() -> None:
    """There is no policy to judge by."""
    verdict = judged(an_access(time=FIRST.effective_from - A_TICK))
    assert (verdict.outcome, verdict.reason) == ("indeterminate", "no_policy_in_effect")


def test_late_evidence_is_judged_by_the_version_of_the_access() -> None:
    """A ticket that is registered under the new policy still excuses what happened under the old one."""
    access = an_access(**by_an_affiliate(), time=BEFORE)
    known = [always(an_affiliation())]
    late = SWITCH + 30 * A_DAY
    first = judge(access, BOTH, evidence(*known), received_at=BEFORE, as_of=BEFORE)
    again = judge(access, BOTH, evidence(*known, always(a_complaint())), received_at=BEFORE, as_of=late)
    assert (first.outcome, again.outcome) == ("pending", "justified")
    assert first.policy_version == again.policy_version == FIRST.version


def test_a_grace_that_began_under_one_version_ends_as_that_version_says() -> None:
    """An access of the last minute is waited for a day, though the next version gives two hours."""
    access = an_access(time=BEFORE)
    ends_at = BEFORE + timedelta(hours=24)
    outcomes = [
        judge(access, BOTH, evidence(), received_at=BEFORE, as_of=as_of).outcome
        for as_of in (SWITCH + timedelta(hours=3), ends_at - A_TICK, ends_at)
    ]
    assert outcomes == ["pending", "pending", "unjustified"]


def test_an_explanation_is_made_by_the_version_of_the_access() -> None:
    """The reader is told which version was in effect, and every check is that version's."""
    access = an_access(time=SWITCH, action="download")
    told = explain(access, BOTH, evidence(always(a_complaint())), received_at=SWITCH, as_of=SWITCH)
    assert told.checks[0].found.startswith("version 2026-01-01")
    assert "action_needed" in {check.name for check in told.checks if not check.passed}


class TestLoadedTogether:
    """Both versions in one folder."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for source in (ROOT / "policies", SECOND_VERSION):
            for file in source.glob("*/*/*"):
                place = tmp_path / file.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.read_bytes())
        return tmp_path

    def test_each_is_what_it_is_alone(self, folder: Path) -> None:
        """A version's digest does not depend on its neighbours."""
        together = read_policies(folder).policies
        assert [policy.digest for policy in together] == [FIRST.digest, SECOND.digest]
        assert [policy.version for policy in together] == ["2013-02-07", "2026-01-01"]

    def test_the_cases_of_both_hold(self, folder: Path) -> None:
        """Each version is proven by its own cases."""
        results = [run_case(case, one.policy) for one in read_with_cases(folder) for case in one.cases]
        assert [result.case.name for result in results if result.differences] == []


TIMES: Final = st.datetimes(datetime(2013, 2, 7), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - made aware
    lambda time: time.replace(tzinfo=SWITCH.tzinfo)
)


@settings(max_examples=300, deadline=None)
@given(ready=st.sampled_from(CASES), time=TIMES | st.sampled_from([BEFORE, SWITCH, SWITCH + A_TICK]))
def test_two_versions_judge_together_as_the_one_of_the_time_judges_alone(
    ready: ReadyCase, time: datetime
) -> None:
    """Every case of both versions, at any time: a neighbour changes nothing, and a replay agrees."""
    access = ready.event.model_copy(update={"time": time})
    in_effect = FIRST if time < SWITCH else SECOND
    alone = judged(access, *ready.evidence, policies=PolicySet([in_effect]))
    assert judged(access, *ready.evidence) == alone
    assert judged(access, *ready.evidence, policies=PolicySet([SECOND, FIRST])) == alone


def test_an_employee_who_left_is_refused_by_both() -> None:
    """What both versions say does not change at the switch."""
    left = an_employment(valid_from=LONG_AGO, valid_to=SWITCH - A_DAY)
    assert both_sides({}, [always(a_complaint()), left]) == ["actor_not_employed", "actor_not_employed"]


def test_an_election_for_another_purpose_is_no_election_for_this() -> None:
    """The second version asks for the customer's consent to enhancement itself."""
    enhance = {"purpose": "enhance_service", "evidence_ref": "election:E-1"}
    assert both_sides(enhance, [always(an_election())]) == ["evidence_wrong_kind", "evidence_wrong_purpose"]
