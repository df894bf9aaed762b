"""What was known when: from what was recorded by then, and nothing that came after."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from earwitness.cli import wiring
from earwitness.policy import EvidenceIndex, PolicySet, judge
from earwitness.policy_files import read_policies
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.evidence import Evidence, KnownRecord, Subject
from earwitness.query.explanation import Explainer
from earwitness.query.rows import Row
from earwitness.query.trail import Trail
from earwitness.settings import ROOT
from models import AccessEvent, EvidenceRecord
from models.fields import format_time
from tests.builders import a_complaint, an_employment
from tests.conftest import Stack
from tests.policy.worlds import World, random_world
from tests.query.past import Past, write_past

pytestmark = pytest.mark.stack

POLICIES = read_policies(ROOT / "policies")


@pytest.fixture(scope="module")
def store(stack: Stack) -> Iterator[ClickHouseStore]:
    opened = ClickHouseStore(
        **wiring.clickhouse(stack.settings("api").clickhouse)._asdict(), query_timeout_s=60
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def past(stack: Stack) -> Past:
    return write_past(stack)


@pytest.fixture
def trail(store: ClickHouseStore) -> Trail:
    return Trail(store)


@pytest.fixture
def explainer(store: ClickHouseStore, trail: Trail) -> Explainer:
    return Explainer(trail, Evidence(store), lambda: POLICIES)


@pytest.fixture
def row(trail: Trail, past: Past) -> Row:
    (found,) = trail.accesses(past.id)
    return found


def at(trail: Trail, row: Row, as_of: datetime) -> Row:
    known = trail.as_known_at(row, as_of)
    assert known is not None
    return known


def test_the_newest_verdict_recorded_by_then_is_given(trail: Trail, row: Row, past: Past) -> None:
    """The verdict that an investigator saw that day, whatever was learned since."""
    then, now = at(trail, row, past.when_unjustified), at(trail, row, past.when_justified)
    assert (then["verdict"], then["reason"], then["late"]) == (
        "unjustified",
        "evidence_wrong_function",
        False,
    )
    assert (then["clause"], then["evidence_used"], then["evidence_version"]) == (None, [], past.version)
    assert now == row
    assert (row["verdict"], row["late"]) == ("justified", True)


def test_all_but_the_verdict_is_as_it_ever_was(trail: Trail, row: Row, past: Past) -> None:
    """An access is stored once and never changed; a row of then has the fields of a row of now."""
    then = at(trail, row, past.when_unjustified)
    changed = {name for name in row if then[name] != row[name]}
    assert changed == {
        "verdict",
        "reason",
        "clause",
        "evidence_used",
        "evidence_version",
        "late",
        "judged_at",
    }
    assert list(then) == list(row)


def test_recorded_is_what_counts_to_the_microsecond(trail: Trail, row: Row, past: Past) -> None:
    """Not judged, and not received: before it was stored nobody could have read it."""
    recorded_at = datetime.fromisoformat(row["recorded_at"])
    assert trail.as_known_at(row, recorded_at) is not None
    assert trail.as_known_at(row, recorded_at - timedelta(microseconds=1)) is None
    first, second = trail.history(row["id"], row["source"])
    later = datetime.fromisoformat(second["recorded_at"])
    assert at(trail, row, later)["verdict"] == "justified"
    assert at(trail, row, later - timedelta(microseconds=1))["verdict"] == first["verdict"]


def test_an_explanation_of_then_tells_nothing_that_came_after(
    explainer: Explainer, trail: Trail, row: Row, past: Past
) -> None:
    """Judged again it comes to the verdict of then; the contract is shown as it was, changes as unknown."""
    explanation = explainer(at(trail, row, past.when_unjustified), past.when_unjustified)
    assert explanation["as_of"] == format_time(past.when_unjustified)
    assert explanation["differences"] == []
    (shown,) = explanation["evidence"]
    assert (shown["version"], shown["later"], shown["delay_s"]) == (past.version, [], None)
    assert shown["record"]["functions"] == ["process_calls"]
    assert [verdict["verdict"] for verdict in explanation["history"]] == ["unjustified"]
    assert explanation["missing"] == [
        f"{past.contract} would have to list the function process_sms. It lists process_calls."
    ]


def test_what_the_registers_knew_but_the_verdict_did_not_count_is_told(
    explainer: Explainer, trail: Trail, row: Row, past: Past
) -> None:
    """The contract was withdrawn by then; no verdict rests on that yet."""
    (shown,) = explainer(at(trail, row, past.when_withdrawn), past.when_withdrawn)["evidence"]
    assert (shown["version"], [later["version"] for later in shown["later"]]) == (
        past.version + 1,
        [past.version + 2],
    )
    (shown,) = explainer(at(trail, row, past.when_justified), past.when_justified)["evidence"]
    assert shown["later"] == []


def test_evidence_changed_after_the_access_is_shown_with_the_delay_and_the_change(
    explainer: Explainer, row: Row, past: Past
) -> None:
    """A contract widened an hour after what it excuses is the first thing an auditor asks for."""
    explanation = explainer(row)
    assert explanation["differences"] == []
    (shown,) = explanation["evidence"]
    assert shown["delay_s"] == pytest.approx(3600, abs=0.01)
    assert shown["first_registered_at"] < row["time"] < shown["registered_at"]
    assert shown["before_access"]["version"] == past.version
    assert shown["before_access"]["changes"] == [
        {"field": "functions", "before": ["process_calls"], "after": ["process_calls", "process_sms"]},
        {"field": "recorded_by", "before": None, "after": "legal-1"},
    ]


def test_each_verdict_has_its_cause(explainer: Explainer, row: Row, past: Past) -> None:
    """First judged, then judged again because of one version of one record."""
    first, second = explainer(row)["history"]
    assert first["cause"] == {"kind": "first", "changes": [], "more": 0}
    assert second["cause"]["kind"] == "evidence"
    (change,) = second["cause"]["changes"]
    assert (change["ref"], change["version"], change["change"]) == (
        past.contract,
        past.version + 1,
        "changed",
    )


def test_a_policy_version_whose_file_is_gone_is_said_and_nothing_is_judged_by_another(
    store: ClickHouseStore, trail: Trail, row: Row
) -> None:
    """Checks of another version would explain a verdict that nobody gave."""
    explanation = Explainer(trail, Evidence(store), lambda: PolicySet([]))(row)
    assert explanation["policy"]["known"] is False
    assert "no longer holds version 2013-02-07" in explanation["policy"]["note"]
    judged = ("clause", "purpose", "checks", "missing", "alternatives", "differences")
    assert not any(explanation[name] for name in judged)
    assert [shown["ref"] for shown in explanation["evidence"]] == [row["evidence_ref"]]
    assert len(explanation["history"]) == 2


class Registers:
    """Records of many random worlds, in the store and as an index of all of them."""

    def __init__(self, worlds: list[World], evidence: Evidence, version: int) -> None:
        self.worlds = worlds
        self.evidence = evidence
        self.version = version
        self.whole = index_of(evidence.known_at(version))


def index_of(records: list[KnownRecord]) -> EvidenceIndex:
    index = EvidenceIndex()
    for known in records:
        index.put(known.record, known.version)
    return index


@pytest.fixture
def entered(stack: Stack) -> Iterator[Callable[[list[tuple[int, EvidenceRecord]]], None]]:
    """Write versions of records, and take them out again: negative ones, below what anything else wrote."""
    writer, admin = stack.clickhouse("writer"), stack.clickhouse("admin")

    def enter(versions: list[tuple[int, EvidenceRecord]]) -> None:
        rows = [_row_of(record, version) for version, record in versions]
        writer.execute(f"INSERT INTO evidence_log ({', '.join(rows[0])}) VALUES", rows)

    yield enter
    admin.execute("ALTER TABLE evidence_log DELETE WHERE version < 0", settings={"mutations_sync": 1})
    writer.disconnect()
    admin.disconnect()


def _row_of(record: EvidenceRecord, version: int) -> dict[str, Any]:
    return {
        "ref": record.ref,
        "version": version,
        "kind": record.kind,
        "customer_ids": list(record.customer_ids),
        "assignees": list(record.assignees),
        "organization": record.organization or "",
        "status": record.status,
        "record": record.model_dump_json(exclude_defaults=True),
        "registered_at": datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    }


def test_that_any_employment_is_known_is_told_by_one_that_still_is_one(
    store: ClickHouseStore, entered: Callable[[list[tuple[int, EvidenceRecord]]], None]
) -> None:
    """The first ref that was one may have become something else; then nobody would need to be employed."""
    entered(
        [
            (-30, an_employment("staff:e-1")),
            (-29, an_employment("staff:e-2", assignees=["e-2"], status="withdrawn")),
            (-28, an_employment("staff:e-3", assignees=["e-3"])),
            (-27, a_complaint("staff:e-1")),
        ]
    )
    stranger = Subject("", uuid4().hex, uuid4().hex, ())
    for version, ref in ((-28, "staff:e-1"), (-27, "staff:e-2")):
        (known,) = Evidence(store).known_at(version, stranger)
        assert (known.record.ref, known.record.kind) == (ref, "employment")


@pytest.fixture
def registers(stack: Stack, store: ClickHouseStore) -> Iterator[Registers]:
    """Write the evidence of random worlds, whose names never meet, and take it out again."""
    rng = Random(4)  # noqa: S311 - worlds are to be repeatable, not secret
    worlds = [random_world(rng, f"as-of-{number}-") for number in range(150)]
    begin = 10**15
    rows: list[dict[str, Any]] = []
    for number, world in enumerate(worlds):
        for version, fields in world.evidence:
            record = EvidenceRecord.model_validate(fields)
            rows.append(_row_of(record, begin + number * 1_000 + version))
    writer, admin = stack.clickhouse("writer"), stack.clickhouse("admin")
    writer.execute(f"INSERT INTO evidence_log ({', '.join(rows[0])}) VALUES", rows)
    yield Registers(worlds, Evidence(store), begin + 10**6)
    admin.execute(
        f"ALTER TABLE evidence_log DELETE WHERE version >= {begin:d}", settings={"mutations_sync": 1}
    )
    writer.disconnect()
    admin.disconnect()


def test_the_records_read_for_an_access_are_all_that_its_verdict_depends_on(registers: Registers) -> None:
    """Aliases of aliases, teams, who entered what: by a tenth of the registers as by all of them."""
    for world in registers.worlds:
        access = AccessEvent.model_validate(world.event)
        about = registers.evidence.identified(
            Subject(
                access.evidence_ref or "",
                access.customer_id,
                access.actor_id,
                tuple(filter(None, (access.organization, access.recipient))),
                access.actor_team or "",
            ),
            registers.version,
        )
        some = index_of(registers.evidence.known_at(registers.version, about))
        times = {"received_at": world.received_at, "as_of": world.as_of}
        assert judge(access, POLICIES, some, **times) == judge(access, POLICIES, registers.whole, **times)
        assert len(some) < len(registers.whole)
