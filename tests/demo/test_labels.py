"""The labels of a day, which its scenes give, against those who read the contract for themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from earwitness.demo.day import FEWEST_ACCESSES, Day, simulate
from earwitness.demo.labels import LabelledAccess
from earwitness.policy import EvidenceIndex, judge
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import AccessEvent
from tests.policy import oracle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_oracle_gives_every_access_its_label(seed: int) -> None:
    """A label comes from how its scene was made; who reads the contract must come to the same.

    The oracle looks at every record for every question, so its days are the smallest; every kind of
    scene is in them.
    """
    day = simulate(NOW, seed, FEWEST_ACCESSES)
    evidence = [(at, record.model_dump(mode="json")) for at, record in enumerate(day.evidence)]
    for access in day.accesses:
        answer = oracle.judge(access.event, evidence, received_at=NOW, as_of=NOW)
        assert (answer.verdict, answer.reason, answer.clause) == access.label, access


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_judge_gives_every_access_of_a_full_day_its_label(seed: int) -> None:
    """On a full day the scenes share people, customers and stores, and must not explain each other."""
    day = simulate(NOW, seed, 20_000)
    assert list(_judged_otherwise(day, _index(day), NOW)) == []


def test_an_earlier_day_in_the_same_registers_changes_no_label() -> None:
    """The demo runs again and again in one data folder."""
    earlier, day = simulate(NOW, 5, 2_000), simulate(NOW, 6, 2_000)
    assert list(_judged_otherwise(day, _index(earlier, day), NOW)) == []


def test_what_is_pending_becomes_unjustified_when_its_evidence_does_not_come() -> None:
    """The demo says so above its table."""
    day = simulate(NOW, 7, FEWEST_ACCESSES)
    pending = {access.id for access in day.accesses if access.label.verdict == "pending"}
    later = NOW + timedelta(hours=24)
    assert {access.id for access in _judged_otherwise(day, _index(day), later)} == pending


def _index(*days: Day) -> EvidenceIndex:
    index = EvidenceIndex()
    for version, record in enumerate(record for day in days for record in day.evidence):
        index.put(record, version)
    return index


def _judged_otherwise(day: Day, evidence: EvidenceIndex, as_of: datetime) -> Iterator[LabelledAccess]:
    policies = read_policies(ROOT / "policies")
    for access in day.accesses:
        event = AccessEvent.model_validate_json(access.to_json())
        verdict = judge(event, policies, evidence, received_at=NOW, as_of=as_of)
        if (verdict.outcome, verdict.reason, verdict.clause) != access.label:
            yield access
