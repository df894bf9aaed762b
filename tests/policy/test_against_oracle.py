"""The judge beside a second one, written by another hand from the contract alone."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings

from earwitness.policy import EvidenceIndex, PolicySet, explain, judge
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import AccessEvent, EvidenceRecord, Verdict
from models.verdict import Reason
from tests.policy import oracle
from tests.policy.labelled import labelled_worlds
from tests.policy.oracle import Answer, Versioned
from tests.policy.oracle_table import PRECEDENCE, TABLE
from tests.policy.worlds import World, histogram, seeded_worlds, worlds

SEED = 20_130_207
WORLDS = 6000
OF_LABELS = 150
LEAST_OCCURRENCES = 10
NEVER_WITHOUT_A_FAULT = {"judge_error"}


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    """The policies that the product ships."""
    return read_policies(ROOT / "policies")


def an_index(evidence: Sequence[Versioned]) -> EvidenceIndex:
    """What a worker knows once it has read these records, in the order of their offsets."""
    index = EvidenceIndex()
    for offset, record in sorted(evidence, key=lambda versioned: versioned[0]):
        index.put(EvidenceRecord.model_validate_json(json.dumps(record)), offset)
    return index


def an_access(event: dict[str, Any]) -> AccessEvent:
    return AccessEvent.model_validate_json(json.dumps(event))


def expected(world: World, evidence: Sequence[Versioned]) -> Answer:
    return oracle.judge(world.event, evidence, received_at=world.received_at, as_of=world.as_of)


def disagreement(world: World, answer: Answer, verdict: Verdict) -> str | None:
    """Tell how the judge differs from the oracle, with all that is needed to repeat it."""
    given = Answer(
        verdict.outcome, verdict.reason, verdict.clause, frozenset(verdict.evidence_used), verdict.derived
    )
    if given == answer:
        return None
    lines = [f"event   {json.dumps(world.event)}"]
    for offset, record in sorted(world.evidence, key=lambda versioned: versioned[0]):
        lines.append(f"  {offset:4}  {json.dumps(record)}")
    lines.append(f"received_at {world.received_at}, as_of {world.as_of}")
    return "\n".join([*lines, f"oracle  {answer}", f"judge   {given}"])


def compare(made: Sequence[World], policies: PolicySet) -> list[str]:
    """Judge every world twice and tell where the two differ."""
    told = []
    for world in made:
        verdict = judge(
            an_access(world.event),
            policies,
            an_index(world.evidence),
            received_at=world.received_at,
            as_of=world.as_of,
        )
        told.append(disagreement(world, expected(world, world.evidence), verdict))
    return [text for text in told if text is not None]


def say(disagreements: Sequence[str], of: int) -> str:
    return f"{len(disagreements)} of {of} differ; the first:\n" + "\n\n".join(disagreements[:3])


def test_judge_and_oracle_agree_in_thousands_of_worlds(policies: PolicySet) -> None:
    """Two readings of one contract: where they part, a person is accused or excused by mistake."""
    disagreements = compare(seeded_worlds(SEED, WORLDS), policies)
    assert not disagreements, say(disagreements, WORLDS)


@given(world=worlds)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_judge_and_oracle_agree_in_whatever_hypothesis_finds(policies: PolicySet, world: World) -> None:
    """As above, with the smallest world in which they part."""
    disagreements = compare([world], policies)
    assert not disagreements, disagreements[0]


def test_judge_and_oracle_agree_at_every_evidence_version(policies: PolicySet) -> None:
    """A worker judges between any two records; what a newer record replaced must leave no trace."""
    for world in seeded_worlds(SEED + 1, 600):
        index = EvidenceIndex()
        access = an_access(world.event)
        in_order = sorted(world.evidence, key=lambda versioned: versioned[0])
        for known, (offset, record) in enumerate(in_order, start=1):
            index.put(EvidenceRecord.model_validate_json(json.dumps(record)), offset)
            verdict = judge(access, policies, index, received_at=world.received_at, as_of=world.as_of)
            so_far = world._replace(evidence=in_order[:known])
            told = disagreement(so_far, expected(so_far, so_far.evidence), verdict)
            assert told is None, told


def test_an_explanation_carries_the_verdict_of_the_judge(policies: PolicySet) -> None:
    """Whoever asks why must not be told about another verdict than the one on record."""
    for world in seeded_worlds(SEED + 2, 600):
        access, index = an_access(world.event), an_index(world.evidence)
        received_at, as_of = world.received_at, world.as_of
        explanation = explain(access, policies, index, received_at=received_at, as_of=as_of)
        assert explanation.verdict == judge(access, policies, index, received_at=received_at, as_of=as_of)
        assert bool(explanation.missing) == (explanation.verdict.outcome != "justified"), world


def test_worlds_show_every_reason_and_every_clause_often() -> None:
    """An agreement about cases that never occur is worth nothing."""
    reasons, clauses = histogram(seeded_worlds(SEED, WORLDS))
    for reason in set(get_args(Reason)) - NEVER_WITHOUT_A_FAULT:
        assert reasons[reason] >= LEAST_OCCURRENCES, reasons
    for row in TABLE:
        assert clauses[row.clause] >= LEAST_OCCURRENCES, clauses


RULES = {
    "is_self_recorded": lambda _record, _ids: False,
    "ids_of_the_actor": lambda event, _records: (frozenset({event["actor_id"]}),) * 2,
    "team_that_counts": lambda scene: scene.event.get("actor_team"),
    "_is_employed": lambda _scene: True,
    "_is_affiliated": lambda _scene: True,
    "_is_within": lambda _record, _at: True,
    "_is_withdrawn": lambda _record, _at: False,
    "_check_customer": lambda _scene, _row, _record: set(),
    "_check_resource": lambda _scene, _row, _record: set(),
    "_recipient_not_covered": lambda _scene, _record: set(),
    "_recipient_without_evidence": lambda _scene: set(),
    "newest_records": lambda evidence: tuple(record for _, record in evidence),
    "PRECEDENCE": tuple(reversed(PRECEDENCE)),
    "TABLE": tuple(reversed(TABLE)),
}
"""Rules of the contract, each replaced by one that forgets it."""


@pytest.fixture(scope="module")
def answered() -> list[tuple[World, Answer]]:
    """Worlds with the answers of the oracle as it is."""
    return [(world, expected(world, world.evidence)) for world in seeded_worlds(SEED, 1200)]


@pytest.mark.parametrize("rule", RULES)
def test_some_world_shows_when_a_rule_is_forgotten(
    rule: str, answered: list[tuple[World, Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that no world exercises could be missing from both judges, and they would agree."""
    monkeypatch.setattr(oracle, rule, RULES[rule])
    changed = [world for world, answer in answered if expected(world, world.evidence) != answer]
    assert len(changed) >= 3


def test_labelled_accesses_cover_every_reason_and_do_not_interfere(policies: PolicySet) -> None:
    """They travel through one stack together: each keeps its label with everybody's evidence known."""
    labelled = labelled_worlds(SEED, OF_LABELS)
    index = an_index(list(enumerate(labelled.evidence)))
    told = []
    for event, answer in labelled.cases:
        received_at = datetime.fromisoformat(event["time"].upper())
        verdict = judge(an_access(event), policies, index, received_at=received_at, as_of=received_at)
        told.append(disagreement(World(event, [], received_at, received_at), answer, verdict))
    disagreements = [text for text in told if text is not None]
    assert not disagreements, say(disagreements, OF_LABELS)
    reasons = {answer.reason for _, answer in labelled.cases}
    assert reasons == set(get_args(Reason)) - NEVER_WITHOUT_A_FAULT
    assert len({event["id"] for event, _ in labelled.cases}) == len(labelled.cases) == OF_LABELS


A_COMPLAINT = {
    "ref": "ticket:T-1",
    "kind": "complaint",
    "customer_ids": ["acme"],
    "valid_from": "2025-03-01T00:00:00Z",
}
STAFF = {"ref": "hr:e-1", "kind": "employment", "assignees": ["e-1"], "valid_from": "2020-01-01T00:00:00Z"}
AN_EVENT = {
    "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
    "time": "2025-03-10T12:00:00Z",
    "source": "/services/recording-api",
    "actor_type": "employee",
    "actor_id": "e-1",
    "action": "listen",
    "resource_type": "call_recording",
    "resource_id": "r-1",
    "customer_id": "acme",
    "purpose": "resolve_complaint",
    "evidence_ref": "ticket:T-1",
}
UNCITED = {"evidence_ref": None}
UNDECLARED = {"purpose": None, "evidence_ref": None}
NAMED = {"assignees": ["e-1"]}
AN_ALIAS = {**STAFF, "aliases": ["aws:e1"]}


@pytest.mark.parametrize(
    ("event", "records", "reason"),
    [
        ({}, [A_COMPLAINT], "clause_met"),
        ({}, [A_COMPLAINT, STAFF], "clause_met"),
        ({}, [A_COMPLAINT, {**STAFF, "assignees": ["e-2"]}], "actor_not_employed"),
        ({}, [A_COMPLAINT, {**STAFF, "status": "withdrawn"}], "actor_not_employed"),
        ({}, [{**A_COMPLAINT, "customer_ids": ["globex"]}], "evidence_wrong_customer"),
        ({}, [{**A_COMPLAINT, "customer_ids": []}], "evidence_wrong_customer"),
        ({"customer_id": "*"}, [A_COMPLAINT], "evidence_wrong_customer"),
        ({}, [{**A_COMPLAINT, "valid_to": "2025-03-10T12:00:00Z"}], "evidence_not_in_force"),
        ({}, [{**A_COMPLAINT, "valid_to": "2025-03-10T12:00:00.000001Z"}], "clause_met"),
        ({}, [{**A_COMPLAINT, "valid_from": "2025-03-10T17:30:00+05:30"}], "clause_met"),
        ({}, [{**A_COMPLAINT, "valid_from": "2025-03-10T12:00:00.000001Z"}], "evidence_not_in_force"),
        ({}, [{**A_COMPLAINT, "status": "withdrawn"}], "evidence_withdrawn"),
        ({}, [{**A_COMPLAINT, "recorded_by": "e-1"}], "evidence_self_recorded"),
        ({}, [{**A_COMPLAINT, "recorded_by": "aws:e1"}, AN_ALIAS], "evidence_self_recorded"),
        ({"actor_id": "aws:e1"}, [{**A_COMPLAINT, **NAMED}, AN_ALIAS], "clause_met"),
        ({}, [{**A_COMPLAINT, "assignees": ["aws:e1"]}, AN_ALIAS], "clause_met"),
        ({}, [{**A_COMPLAINT, "assignees": ["e-2"]}], "actor_not_assigned"),
        ({"actor_team": "care"}, [{**A_COMPLAINT, "assignees": ["care"]}], "actor_not_assigned"),
        (
            {"actor_team": "care"},
            [{**A_COMPLAINT, "assignees": ["care"]}, {**STAFF, "teams": ["care"]}],
            "clause_met",
        ),
        ({"recipient": "globex"}, [A_COMPLAINT], "outside_transfer"),
        ({"recipient": "globex"}, [], "evidence_not_found"),
        ({"purpose": "curiosity"}, [], "purpose_unknown"),
        ({"purpose": "process_sms"}, [], "actor_not_permitted"),
        (UNCITED, [A_COMPLAINT], "evidence_not_cited"),
        (UNCITED, [{**A_COMPLAINT, **NAMED}], "derived"),
        (UNDECLARED, [{**A_COMPLAINT, **NAMED}], "derived"),
        (UNDECLARED, [A_COMPLAINT], "purpose_not_declared"),
        ({"purpose": None}, [A_COMPLAINT], "derived"),
        ({"purpose": None}, [], "evidence_not_found"),
        ({"time": "2013-02-06T23:59:59.999999Z"}, [A_COMPLAINT], "no_policy_in_effect"),
    ],
)
def test_the_oracle_itself_keeps_plain_sentences_of_the_contract(
    event: dict[str, Any], records: list[dict[str, Any]], reason: str
) -> None:
    """Comparison proves nothing if the yardstick is bent: these answers were written down by hand."""
    at = datetime.fromisoformat("2025-03-10T12:00:00Z")
    answer = oracle.judge({**AN_EVENT, **event}, list(enumerate(records)), received_at=at, as_of=at)
    assert answer.reason == reason
