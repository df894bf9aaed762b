"""Whether evidence passes every check is asked in one expression; the checks must agree with it."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from hypothesis import HealthCheck, given, settings

from earwitness.policy import Access, EvidenceIndex, Policy, judge
from earwitness.policy.actors import Actor
from earwitness.policy.clauses import CompiledClause
from earwitness.policy.entries import Entry
from earwitness.policy.fusing import WRITTEN_OUT
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import AccessEvent, EvidenceRecord
from models.verdict import INDETERMINATE
from tests.builders import NOON, a_complaint, a_service_account, an_access, by_a_service, evidence
from tests.policy.judged import POLICIES
from tests.policy.worlds import World, seeded_worlds, worlds

SEED: Final = 20_130_208
WORLDS: Final = 3_000
LEAST_OCCURRENCES: Final = 5

(POLICY,) = POLICIES.policies
WITH_EVIDENCE: Final = tuple(clause for clause in POLICY.clauses if clause.kind is not None)


class Question(NamedTuple):
    """One piece of evidence for one access, looked at under one clause."""

    clause: CompiledClause
    access: Access
    entry: Entry
    actor: Actor

    def answer(self) -> bool:
        return self.clause.passes_all(self.access, self.entry, self.actor)

    def failed(self) -> list[str]:
        """Name the checks that are not passed, asked one by one."""
        standing = POLICY.standing.get(self.access.actor_type, ())
        return [
            *(
                check.name
                for check in self.clause.checks
                if not check.passes(self.access, self.entry, self.actor)
            ),
            *(check.name for check in standing if not check.passes(self.access, self.actor)),
        ]


def questions(world: World) -> Iterator[Question]:
    """Every clause that the actor may use, with every record of a world: mostly what does not fit."""
    access = AccessEvent.model_validate_json(json.dumps(world.event))
    index = EvidenceIndex()
    for offset, record in world.evidence:
        index.put(EvidenceRecord.model_validate_json(json.dumps(record)), offset)
    actor = index.actor(access.actor_type, access.organization, access.actor_id)
    refs = {record["ref"] for _, record in world.evidence}
    for clause in WITH_EVIDENCE:
        if clause.is_open_to(access):
            for entry in filter(None, map(index.get, sorted(refs))):
                yield Question(clause, access, entry, actor)


@given(world=worlds)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_one_question_says_what_the_checks_say(world: World) -> None:
    """A verdict rests on the one, its explanation on the others: they must tell the same story."""
    for asked in questions(world):
        assert asked.answer() == (not asked.failed()), (asked.failed(), world)


def test_every_check_alone_is_enough_for_a_no() -> None:
    """A check that the one expression forgot would be missed only where nothing else fails."""
    alone: Counter[str] = Counter()
    passed = 0
    for world in seeded_worlds(SEED, WORLDS):
        for asked in questions(world):
            failed = asked.failed()
            assert asked.answer() == (not failed), (failed, world)
            passed += not failed
            if len(failed) == 1:
                alone[failed[0]] += 1
    names = {check.name for clause in WITH_EVIDENCE for check in clause.checks}
    names |= {check.name for of_type in POLICY.standing.values() for check in of_type}
    assert passed > WORLDS / 4
    assert {name for name in names if alone[name] < LEAST_OCCURRENCES} == set(), alone


def test_every_clause_makes_the_checks_that_are_written_out() -> None:
    """The expression makes them for every clause, so no clause may go without one."""
    for clause in WITH_EVIDENCE:
        assert {check.name for check in clause.checks} >= WRITTEN_OUT, clause.id


def a_policy_that_never_says_yes() -> Any:
    """The shipped policy with a fault: no evidence passes, though every check does."""
    policies = read_policies(ROOT / "policies")
    policy: Policy = policies.policies[0]
    for clause in policy.clauses:
        clause.passes_all = lambda _access, _entry, _actor: False
    return policies


def test_an_answer_that_no_check_bears_out_accuses_nobody() -> None:
    """Should the two ever disagree, that is a fault of the judge and not of the actor."""
    for access, record in (
        (an_access(), a_complaint()),
        (an_access(**by_a_service()), a_service_account()),
    ):
        verdict = judge(
            access, a_policy_that_never_says_yes(), evidence(record), received_at=NOON, as_of=NOON
        )
        assert (verdict.outcome, verdict.reason) == (INDETERMINATE, "judge_error")
