"""What is explained is what was judged; where it is not, the reader is told."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from earwitness.cli import wiring
from earwitness.policy_files import read_policies
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.evidence import Evidence, KnownRecord, Subject
from earwitness.query.explanation import Explainer
from earwitness.query.rows import Row
from earwitness.query.trail import Trail
from earwitness.settings import Settings
from tests.api.world import World, publish
from tests.conftest import Stack

pytestmark = pytest.mark.stack


class WatchedEvidence(Evidence):
    """Remembers what the registers were read about."""

    def __init__(self, store: ClickHouseStore) -> None:
        super().__init__(store)
        self.read_about: list[Subject | None] = []

    def known_at(self, version: int, about: Subject | None = None) -> list[KnownRecord]:
        self.read_about.append(about)
        return super().known_at(version, about)


@pytest.fixture(scope="module")
def store(stack: Stack) -> Iterator[ClickHouseStore]:
    opened = ClickHouseStore(
        **wiring.clickhouse(stack.settings("api").clickhouse)._asdict(), query_timeout_s=30
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return publish(stack, uuid4().hex[:8])


@pytest.fixture
def evidence(store: ClickHouseStore) -> WatchedEvidence:
    return WatchedEvidence(store)


@pytest.fixture
def explainer(store: ClickHouseStore, evidence: WatchedEvidence) -> Explainer:
    policies = read_policies(Settings().policies_dir)
    return Explainer(Trail(store), evidence, lambda: policies)


@pytest.fixture
def row(store: ClickHouseStore, world: World) -> Row:
    (found,) = Trail(store).accesses(world.engaged["id"])
    return found


def test_judged_again_an_access_gets_the_verdict_it_has(explainer: Explainer, row: Row) -> None:
    """Same event, policy, evidence version and instant: same verdict."""
    assert explainer(row)["differences"] == []


@pytest.mark.parametrize(
    ("field", "stored"),
    [
        ("verdict", "unjustified"),
        ("reason", "derived"),
        ("clause", None),
        ("evidence_used", ["ticket:of-somebody-else"]),
        ("policy_digest", "0" * 64),
    ],
)
def test_a_verdict_that_cannot_be_reproduced_is_told(
    explainer: Explainer, row: Row, field: str, stored: Any
) -> None:
    """Somebody changed the trail, a policy file or the evidence log; the auditor must hear of it."""
    differences = explainer({**row, field: stored})["differences"]
    assert differences == [{"field": field, "stored": stored, "judged_again": row[field]}]


def test_only_what_was_known_then_counts(explainer: Explainer, row: Row) -> None:
    """Before the contract was registered the access was pending; the evidence is shown as unknown then."""
    before = row["evidence_version"] - 1
    version = explainer(row)["evidence"][0]["version"]
    explanation = explainer({**row, "evidence_version": min(before, version - 1)})
    judged_again = {
        difference["field"]: difference["judged_again"] for difference in explanation["differences"]
    }
    assert (judged_again["verdict"], judged_again["reason"]) == ("pending", "evidence_not_found")
    (shown,) = explanation["evidence"]
    assert shown["record"] is None
    assert [later["version"] for later in shown["later"]] == [version]


def test_the_whole_registers_are_read_only_before_something_is_said_to_be_wrong(
    explainer: Explainer, evidence: WatchedEvidence, row: Row
) -> None:
    """With a hundred thousand records that takes seconds; what cannot matter is left out at first."""
    explainer(row)
    assert [about is None for about in evidence.read_about] == [False]
    explainer({**row, "verdict": "unjustified"})
    assert [about is None for about in evidence.read_about] == [False, False, True]


def test_what_cannot_matter_changes_nothing(store: ClickHouseStore, row: Row, world: World) -> None:
    """The records read for one access are all that its verdict can depend on, and not all there are."""
    evidence = Evidence(store)
    organizations = (world.organization,)
    some = evidence.known_at(
        row["evidence_version"], Subject(world.contract, world.customer_id, world.actor_id, organizations)
    )
    assert world.contract in {known.record.ref for known in some}
    unknown = uuid4().hex
    stranger = evidence.known_at(row["evidence_version"], Subject("", unknown, unknown, ()))
    assert world.contract not in {known.record.ref for known in stranger}


def test_a_row_that_todays_contract_would_refuse_is_shown_as_it_was_recorded(
    explainer: Explainer, row: Row
) -> None:
    """Contracts grow stricter; a trail does not forget what came before, and an answer is no crash."""
    explanation = explainer({**row, "actor_id": "+4915112345678"})
    assert explanation["checks"] == []
    assert "actor_id" in explanation["policy"]["note"]
    assert explanation["history"]
