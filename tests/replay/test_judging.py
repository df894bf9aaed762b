"""What a replay says of one access, and of many."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given

from earwitness.policy import EvidenceIndex, Policy, judge
from earwitness.replay.counting import total
from earwitness.replay.judging import Bench, Change, Ruling, Transition, newest
from models.access import AccessEvent
from models.evidence import EvidenceRecord
from tests.builders import a_complaint, an_access, evidence
from tests.policy.judged import POLICIES
from tests.policy.worlds import World, worlds
from tests.replay.past import past

POLICY = POLICIES.policies[-1]
LATER = datetime(2030, 1, 1, tzinfo=UTC)
JUSTIFIED = Ruling("justified", "clause_met", "access.resolve-complaint")
NOT_FOUND = Ruling("unjustified", "evidence_not_found", None)


def in_effect_from(moment: datetime) -> Policy:
    return Policy(POLICY.document.model_copy(update={"effective_from": moment}), POLICY.digest)


@given(worlds)
def test_a_replay_says_what_the_judge_says(world: World) -> None:
    """A second judge for history would be a second policy: what is read from the trail loses nothing."""
    event = AccessEvent.model_validate(world.event)
    assume(event.time >= POLICY.effective_from)
    index = EvidenceIndex()
    for version, record in world.evidence:
        index.put(EvidenceRecord.model_validate(record), version)
    verdict = judge(event, POLICIES, index, received_at=world.received_at, as_of=world.as_of)
    judged = Bench(POLICY, index, world.as_of).judge([past(event, received_at=world.received_at)])
    ((transition, count),) = judged.transitions.items()
    assert transition.after == (verdict.outcome, verdict.reason, verdict.clause)
    assert count == 1


def test_a_version_that_is_not_in_effect_yet_judges_all_of_history() -> None:
    """That is what a replay is for: to see what a draft does before it counts."""
    draft = in_effect_from(LATER)
    judged = Bench(draft, evidence(a_complaint()), LATER).judge([past()])
    assert judged.transitions == {Transition(JUSTIFIED, JUSTIFIED): 1}


def test_the_grace_runs_from_when_the_access_was_received() -> None:
    """As of an instant within it the access is pending, as it would have been for a worker."""
    access = past(verdict="pending", reason="evidence_not_found", clause=None)
    end = access.received_at + POLICY.grace
    (within,) = Bench(POLICY, evidence(), end - timedelta(microseconds=1)).judge([access]).transitions
    (over,) = Bench(POLICY, evidence(), end).judge([access]).transitions
    assert (within.after.verdict, over.after.verdict) == ("pending", "unjustified")


def test_only_another_verdict_is_a_change() -> None:
    """Another reason for the same verdict accuses and excuses nobody; it is counted, not listed."""
    kept = past(verdict="unjustified", reason="purpose_not_declared", clause=None)
    lost = past(an_access(id="0190b5a2-7c1d-7e5f-8a3b-000000000001"))
    judged = Bench(POLICY, evidence(), LATER).judge([kept, lost])
    assert [change.id for change in judged.changes] == [lost.id]
    assert judged.changes[0].transition == (JUSTIFIED, NOT_FOUND)


def test_what_a_change_says_is_what_the_access_was() -> None:
    """A lead looks the access up by what the list says of it."""
    (change,) = Bench(POLICY, evidence(), LATER).judge([past()]).changes
    event = an_access()
    assert change[:6] == (
        event.id,
        event.source,
        event.time,
        event.actor_type,
        event.actor_id,
        event.customer_id,
    )


def test_the_newest_changes_do_not_depend_on_who_was_first() -> None:
    """Several processes race; the same question has the same answer all the same."""
    made = [
        Change(f"{number % 3}", "/s", LATER + timedelta(hours=number // 3), "", "", "", NO_MATTER)
        for number in range(9)
    ]
    kept = newest(made, 4)
    assert kept == newest(reversed(made), 4)
    assert [change.id for change in kept] == ["2", "1", "0", "2"]


NO_MATTER = Transition(JUSTIFIED, NOT_FOUND)


def test_the_totals_count_each_access_once_on_either_side() -> None:
    """Before and after are the same accesses; what is no longer justified is named apart."""
    shifted = Ruling("justified", "derived", "access.resolve-complaint")
    pending = Ruling("pending", "evidence_not_found", None)
    judged = Bench(POLICY, evidence(), LATER).judge([])
    judged.transitions.update(
        {
            Transition(JUSTIFIED, JUSTIFIED): 5,
            Transition(JUSTIFIED, shifted): 4,
            Transition(JUSTIFIED, NOT_FOUND): 3,
            Transition(NOT_FOUND, JUSTIFIED): 2,
            Transition(pending, NOT_FOUND): 1,
        }
    )
    totals = total(judged.transitions)
    assert (totals.accesses, totals.changed) == (15, 6)
    assert (totals.no_longer_justified, totals.newly_justified) == (3, 2)
    assert totals.before == {"justified": 12, "unjustified": 2, "pending": 1}
    assert totals.after == {"justified": 11, "unjustified": 4}
    assert [way.accesses for way in totals.changing] == [3, 2, 1]
    assert [way.transition for way in totals.shifting] == [(JUSTIFIED, shifted)]


def test_nothing_judged_is_nothing_counted() -> None:
    """A quiet hour has an answer too."""
    totals = total(Bench(POLICY, evidence(), LATER).judge([]).transitions)
    assert (totals.accesses, totals.changed, totals.changing, totals.shifting) == (0, 0, (), ())
