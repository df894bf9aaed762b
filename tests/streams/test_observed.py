import asyncio
from datetime import date

import pytest

from earwitness.health.readiness import CLICKHOUSE, Readiness
from earwitness.metrics import WORKER_METRICS, Meters
from models.errors import BrokerUnavailable, RangeLost, SinkUnavailable
from models.publisher import Message
from models.ranges import Range
from models.topics import ACCESS_EVENTS, FINDINGS
from sinks.base import LedgerEntry
from sinks.memory import MemoryTrail
from streams.observed import ObservedAnnouncer, ObservedOffsets, ObservedTrail, Observer
from tests.health.clock import Clock
from tests.streams.records import a_record
from tests.streams.world import Broker, Fate, Member

RANGE = Range(ACCESS_EVENTS, 0, 0, 9, date(2026, 9, 21))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def observer(clock: Clock) -> Observer:
    made = Observer(Readiness((), clock), Meters(WORKER_METRICS), clock)
    made.joined()
    return made


class Refusing(MemoryTrail):
    """A store that is out of room until it is told that it has some."""

    full = True

    def write_ledger(self, entry: LedgerEntry) -> None:
        if self.full:
            raise SinkUnavailable("not enough space")
        super().write_ledger(entry)


def metric(observer: Observer, line: str) -> float:
    found = [text for text in observer.expose().decode().splitlines() if text.startswith(f"{line} ")]
    assert len(found) == 1
    return float(found[0].rpartition(" ")[2])


def test_a_store_that_refuses_makes_the_worker_not_ready(observer: Observer) -> None:
    """It answers when it is asked how it is, and takes nothing: only the call itself shows that."""
    trail = Refusing()
    with pytest.raises(SinkUnavailable):
        ObservedTrail(trail, observer).write_ledger(LedgerEntry(RANGE, 7, 1, 2))
    assert observer.readiness.readiness() == (
        False,
        [f"{ACCESS_EVENTS}/0: account waits: not enough space"],
    )
    assert metric(observer, "earwitness_ready") == 0
    trail.full = False
    ObservedTrail(trail, observer).write_ledger(LedgerEntry(RANGE, 7, 1, 2))
    assert observer.readiness.readiness().ok


def test_what_became_of_a_range_is_counted_once_it_is_accounted_for(observer: Observer) -> None:
    """Not when it is tried."""
    trail = Refusing()
    seen = ObservedTrail(trail, observer)
    with pytest.raises(SinkUnavailable):
        seen.write_ledger(LedgerEntry(RANGE, 7, 1, 2))
    trail.full = False
    seen.write_ledger(LedgerEntry(RANGE, 7, 1, 2))
    assert metric(observer, "earwitness_rows_stored_total") == 7
    assert metric(observer, "earwitness_dead_letters_total") == 1
    assert metric(observer, "earwitness_duplicates_total") == 2
    assert metric(observer, 'earwitness_waits_total{step="account"}') == 1


def test_a_commit_says_how_far_a_partition_is_stored(observer: Observer) -> None:
    """What Kafka holds beyond it is the lag."""
    broker = Broker([a_record(0), a_record(1)])
    member = Member(broker, Fate())
    seen = ObservedOffsets(member, observer)
    asyncio.run(seen.commit(ACCESS_EVENTS, 0, 1, metadata="", membership=member.membership_then))
    observer.progress.seen({0: 5})
    assert metric(observer, f'earwitness_partition_lag_events{{partition="0",topic="{ACCESS_EVENTS}"}}') == 4


def test_a_partition_that_moved_on_is_no_trouble(observer: Observer) -> None:
    """Its next owner goes on: that is how it is meant to be."""
    with pytest.raises(RangeLost), observer.step("commit", f"{ACCESS_EVENTS}/0"):
        raise RangeLost("moved")
    assert observer.readiness.readiness().ok


def test_a_worker_without_its_partitions_is_not_ready(observer: Observer) -> None:
    """While the group hands them out anew, nobody records."""
    with pytest.raises(BrokerUnavailable), observer.step("commit", f"{ACCESS_EVENTS}/0"):
        raise BrokerUnavailable("away")
    observer.moved()
    assert observer.readiness.readiness() == (False, ["partitions are not assigned yet"])
    observer.joined()
    assert observer.readiness.readiness().ok


def test_work_that_succeeds_is_a_sign_of_life(clock: Clock) -> None:
    """A server under load may store a block, and be late with the question how it is."""
    observer = Observer(Readiness((CLICKHOUSE,), clock), Meters(WORKER_METRICS), clock)
    observer.joined()
    observer.readiness.answered(CLICKHOUSE)
    clock.pass_(2)
    assert not observer.readiness.readiness().ok
    ObservedTrail(MemoryTrail(), observer).write_ledger(LedgerEntry(RANGE, 7, 1, 2))
    assert observer.readiness.readiness().ok


def test_findings_are_counted_by_their_kind(observer: Observer) -> None:
    """Dead letters travel with them and are none."""

    class Announcer:
        async def publish(self, messages: object) -> None:
            """Take everything."""

    finding = Message(FINDINGS, b"", b"", {"ce_id": f"{ACCESS_EVENTS}/0/1:pending"})
    letter = Message("access.dead-letters.v1", b"", b"", {})
    asyncio.run(ObservedAnnouncer(Announcer(), observer).publish([finding, finding, letter]))
    assert metric(observer, 'earwitness_findings_total{kind="pending"}') == 2
