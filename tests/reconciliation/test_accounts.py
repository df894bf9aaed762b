"""What reconciliation finds in a real ClickHouse that lost, doubled or never stored something."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from earwitness.reconciliation.accounts import Edges, Window
from earwitness.reconciliation.faults import Fault
from earwitness.reconciliation.reconciling import reconcile
from earwitness.reconciliation.report import Report
from models.ranges import Range
from models.topics import ACCESS_EVENTS
from tests.conftest import Stack
from tests.reconciliation.scratch import DAY, Scratch, scratch

pytestmark = pytest.mark.stack

NOW = datetime(2026, 9, 22, 12, 0, tzinfo=UTC)
GRACE = timedelta(minutes=15)
FIRST = f"{ACCESS_EVENTS}/0"


@pytest.fixture
def trail(stack: Stack) -> Iterator[Scratch]:
    with scratch(stack.settings("admin").clickhouse) as made:
        yield made


def edges(partition: int = 0, *, earliest: int = 0, end: int = 300, committed: int | None = None) -> Edges:
    return Edges(partition, earliest, end, end if committed is None else committed, None)


def asked(trail: Scratch, *found: Edges, window: Window = Window(), now: datetime = NOW) -> Report:  # noqa: B008 - immutable
    return reconcile(trail.accounts, found or [edges()], window=window, grace=GRACE, now=now)


def told(report: Report) -> list[tuple[str, str, int, int, int]]:
    return [(fault.reason, fault.place, fault.first, fault.last, fault.size) for fault in report.faults]


def three_ranges(trail: Scratch) -> None:
    for first in (0, 100, 200):
        trail.fill(0, first, 100, aside=first // 100)


def test_a_whole_trail_is_complete_from_its_first_offset_to_its_last(trail: Scratch) -> None:
    """The one sentence that an auditor wants, with the times of receipt that it holds for."""
    three_ranges(trail)
    report = asked(trail, edges(end=340, committed=300))
    assert report.complete
    (partition,) = report.partitions
    (interval,) = partition.complete
    assert (interval.first, interval.last) == (0, 299)
    assert interval.received_from == datetime(2026, 9, 21, 12, 0, tzinfo=UTC)
    assert (partition.row_count, partition.dead_letter_and_copy_count) == (297, 3)
    assert partition.unstored_count == 40


def test_counted_copies_are_no_holes_in_a_producers_count(trail: Scratch) -> None:
    """Whoever sent the copy gave it a number; without it every resend would look like a loss."""
    three_ranges(trail)
    report = asked(trail)
    assert (report.producers.number_count, report.producers.missing_count) == (300, 0)


def test_rows_that_are_gone_are_named_by_their_offsets(trail: Scratch) -> None:
    """Somebody deleted two rows: the place says which, and the rest is still known to be complete."""
    three_ranges(trail)
    trail.take_out("access_log", "offset IN (110, 111, 150)")
    report = asked(trail)
    rows_missing = [found for found in told(report) if found[0] == "rows_missing"]
    assert rows_missing == [
        ("rows_missing", FIRST, 110, 111, 2),
        ("rows_missing", FIRST, 150, 150, 1),
    ]
    complete = [(interval.first, interval.last) for interval in report.partitions[0].complete]
    assert complete == [(0, 109), (112, 149), (151, 299)]


def test_a_copy_that_is_no_longer_accounted_for_is_missed(trail: Scratch) -> None:
    """What was set aside is part of the account, or a lost record could pass for a copy."""
    three_ranges(trail)
    trail.take_out("set_aside", "offset = 199")
    assert ("rows_missing", FIRST, 199, 199, 1) in told(asked(trail))


def test_a_gap_in_the_ledger_that_kafka_still_has_can_be_stored(trail: Scratch) -> None:
    """The records are there: what to do is another thing than where they are gone."""
    trail.fill(0, 0, 100)
    trail.fill(0, 120, 180)
    report = asked(trail)
    assert ("range_missing", FIRST, 100, 119, 20) in told(report)


def test_what_kafka_dropped_before_it_was_stored_is_lost(trail: Scratch) -> None:
    """The topic begins behind the gap: only the producers can send it again."""
    trail.fill(0, 0, 100)
    trail.fill(0, 120, 180)
    assert ("records_expired", FIRST, 100, 119, 20) in told(asked(trail, edges(earliest=150)))


def test_an_outage_longer_than_retention_is_seen_before_a_worker_is_back(trail: Scratch) -> None:
    """No worker has run since, so no range says so yet; Kafka's own offsets do."""
    trail.fill(0, 0, 100)
    found = asked(trail, edges(earliest=250, end=300, committed=100))
    assert told(found) == [("records_expired", FIRST, 100, 249, 150)]
    assert found.partitions[0].unstored_count == 50


def test_a_commit_past_the_ledger_is_a_gap(trail: Scratch) -> None:
    """Whoever committed there skipped records; the topic still has them."""
    trail.fill(0, 0, 100)
    assert told(asked(trail, edges(end=180, committed=160))) == [("range_missing", FIRST, 100, 159, 60)]


def test_a_range_under_way_is_no_gap(trail: Scratch) -> None:
    """Its rows may be there before the ledger says so."""
    trail.fill(0, 0, 100)
    trail.rows(0, 100, 50, sequence_from=101)
    announced = Range(ACCESS_EVENTS, 0, 100, 149, date(2026, 9, 21))
    assert asked(trail, Edges(0, 0, 150, 100, announced)).complete


def test_rows_that_no_range_accounts_for_are_told_of(trail: Scratch) -> None:
    """Nobody announced them: a worker stored and did not account for it, or somebody else inserted."""
    trail.fill(0, 0, 100)
    trail.rows(0, 100, 50, sequence_from=101)
    report = asked(trail, edges(end=150, committed=100))
    assert told(report) == [("rows_without_range", FIRST, 100, 149, 50)]


def test_a_block_that_was_stored_twice_is_found_twice_over(trail: Scratch) -> None:
    """By its offsets, and by the identity of each access in it."""
    three_ranges(trail)
    trail.rows(0, 100, 2, sequence_from=101)
    found = told(asked(trail))
    assert ("row_doubled", FIRST, 100, 199, 2) in found
    doubled = [fault for fault in asked(trail).faults if fault.reason == "access_doubled"]
    assert [fault.size for fault in doubled] == [1, 1]
    assert doubled[0].detail == f"rows at {FIRST}/100, {FIRST}/100"


def test_an_access_stored_at_two_offsets_is_doubled(trail: Scratch) -> None:
    """A copy that slipped through: every offset is accounted for, and still a report counts it twice."""
    three_ranges(trail)
    trail.execute(
        "INSERT INTO access_log (received_day, id, time, source, received_at, topic, partition, offset)"
        " SELECT received_day, id, time, source, received_at, topic, 1, 0 FROM access_log WHERE offset = 5"
    )
    trail.ledger(1, 0, 0, rows=1)
    (fault,) = asked(trail, edges(), edges(1, end=1)).faults
    assert fault.reason == "access_doubled"
    assert fault.detail == f"rows at {FIRST}/5, {ACCESS_EVENTS}/1/0"


def test_ranges_that_overlap_are_told_of(trail: Scratch) -> None:
    """Two owners accounted for the same records under different names."""
    three_ranges(trail)
    trail.ledger(0, 90, 109, rows=20)
    assert "range_overlap" in {fault.reason for fault in asked(trail).faults}


def test_the_same_range_accounted_for_twice_is_one(trail: Scratch) -> None:
    """A ledger row may be written again after the store has forgotten its name."""
    three_ranges(trail)
    trail.ledger(0, 100, 199, rows=99, copies=1, aside=1)
    assert asked(trail).complete


def test_ranges_of_an_older_version_count_their_copies_only(trail: Scratch) -> None:
    """Whoever upgrades has years of ranges whose copies nobody kept: they are no losses."""
    trail.rows(0, 0, 97)
    trail.ledger(0, 0, 99, rows=97, copies=3)
    assert asked(trail, edges(end=100)).complete
    trail.take_out("access_log", "offset = 50")
    assert ("rows_missing", FIRST, 0, 99, 1) in told(asked(trail, edges(end=100)))


def test_a_topic_that_ends_before_what_is_stored_is_another_topic(trail: Scratch) -> None:
    """Kafka was made anew: offsets mean other records now."""
    three_ranges(trail)
    assert told(asked(trail, edges(end=10))) == [("topic_replaced", FIRST, 10, 299, 290)]


def test_a_number_that_never_came_is_lost_or_still_in_a_spool(trail: Scratch) -> None:
    """Offsets cannot show it: the event never reached Kafka."""
    trail.fill(0, 0, 100, producer="p-1")
    trail.fill(0, 100, 200, producer="p-1", sequence_from=104)
    report = asked(trail)
    (fault,) = report.faults
    assert told(report) == [("sequence_missing", "producer:p-1", 101, 103, 3)]
    assert fault.received_from is not None
    assert fault.received_to is not None
    assert fault.received_from < fault.received_to


def test_the_beginning_of_a_count_is_missed_too(trail: Scratch) -> None:
    """Every count begins at 1."""
    trail.fill(0, 0, 300, producer="p-1", sequence_from=3)
    assert told(asked(trail)) == [("sequence_missing", "producer:p-1", 1, 2, 2)]


def test_a_missing_number_may_be_under_way(trail: Scratch) -> None:
    """Within the grace a producer may be sending it; behind a partition that waits it may be in Kafka."""
    trail.fill(0, 0, 300, producer="p-1", sequence_from=2)
    young = asked(trail, now=datetime(2026, 9, 21, 12, 1, tzinfo=UTC))
    assert (young.complete, young.producers.in_flight_count) == (True, 1)
    waiting = asked(trail, edges(), edges(1, end=5, committed=0))
    assert (waiting.complete, waiting.producers.in_flight_count) == (True, 1)


def test_a_window_looks_at_its_days_alone(trail: Scratch) -> None:
    """What runs every few minutes must not read years; what is wrong elsewhere is another window's."""
    trail.fill(0, 0, 100, day="2026-09-01")
    trail.fill(0, 100, 100, day="2026-09-20")
    trail.fill(0, 200, 100)
    trail.take_out("access_log", "offset IN (7, 107)")
    window = Window(date(2026, 9, 20))
    offsets = [found for found in told(asked(trail, window=window)) if found[1] == FIRST]
    assert offsets == [("rows_missing", FIRST, 107, 107, 1)]


def test_a_window_knows_that_a_count_began_before_it(trail: Scratch) -> None:
    """A service that has run for weeks begins no window at 1, also where it was silent for a while."""
    trail.fill(0, 0, 100, day="2026-09-01", producer="p-1")
    trail.fill(0, 100, 100, day="2026-09-20", producer="p-2", sequence_from=1)
    trail.fill(0, 200, 100, producer="p-1", sequence_from=101)
    assert asked(trail, window=Window(date(2026, 9, 20))).complete


def test_a_range_of_another_day_is_no_gap_of_the_window(trail: Scratch) -> None:
    """The broker's clock jumped over midnight and back: days do not follow the offsets."""
    trail.fill(0, 0, 100)
    trail.fill(0, 100, 100, day="2026-09-22")
    trail.fill(0, 200, 100)
    day = date.fromisoformat(DAY)
    assert asked(trail, window=Window(day, day)).complete


def test_the_same_fault_is_the_same_however_often_it_is_found(trail: Scratch) -> None:
    """Also where it grew: retention takes more each hour, and an alert must not ring each time."""
    trail.fill(0, 0, 100)
    found: list[Fault] = []
    for earliest in (250, 280):
        found += asked(trail, edges(earliest=earliest, committed=100)).faults
    assert len(found) == 2
    assert len({fault.id for fault in found}) == 1
