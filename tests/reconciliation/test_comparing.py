"""The comparisons by themselves; tests/reconciliation/test_accounts.py has them on a real ClickHouse."""

from datetime import UTC, date, datetime, timedelta

import pytest

from earwitness.reconciliation.accounts import Edges, Held, Hole, Ledgered, RangeCounts, Span
from earwitness.reconciliation.comparing import (
    agree,
    edge_gaps,
    in_flight,
    missing_range,
    range_faults,
    uncovered,
    unledgered,
)
from models.ranges import Range
from models.topics import ACCESS_EVENTS

DAY = date(2026, 9, 21)
NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
LEDGERED = Ledgered(0, DAY, 0, 99, 100, row_count=97, set_aside_count=3, counted_only=0)
HELD = Held(0, DAY, 97, 97, 3, 100, NOON, NOON)


def test_a_day_agrees_where_each_offset_is_held_once() -> None:
    """As a row or set aside, and never as both."""
    assert agree(LEDGERED, HELD)


@pytest.mark.parametrize(
    "held",
    [
        None,
        HELD._replace(row_count=98),
        HELD._replace(row_count=96, row_offset_count=96, offset_count=99),
        HELD._replace(row_count=98, row_offset_count=98),
        HELD._replace(aside_offset_count=2, offset_count=99),
        HELD._replace(aside_offset_count=4, offset_count=100),
        HELD._replace(row_count=96, row_offset_count=96, aside_offset_count=4),
    ],
)
def test_a_day_that_differs_in_any_way_does_not_agree(held: Held | None) -> None:
    """Losses and doubles that cancel in a sum do not cancel in the offsets."""
    assert not agree(LEDGERED, held)


def test_a_row_that_was_set_aside_as_well_hides_behind_no_copy() -> None:
    """With a copy of an older version, which is only counted, the sums come out even."""
    counted = LEDGERED._replace(counted_only=1)
    assert not agree(counted, HELD._replace(offset_count=99))


def test_a_day_of_copies_alone_holds_nothing() -> None:
    """Of an older version: counted, and no more."""
    copies = LEDGERED._replace(row_count=0, set_aside_count=0, counted_only=100)
    assert agree(copies, None)


@pytest.mark.parametrize(
    ("covering", "left"),
    [
        ([], [(10, 19)]),
        ([(10, 19)], []),
        ([(0, 30)], []),
        ([(0, 12)], [(13, 19)]),
        ([(15, 30)], [(10, 14)]),
        ([(12, 13), (16, 17)], [(10, 11), (14, 15), (18, 19)]),
        ([(10, 15), (12, 17)], [(18, 19)]),
    ],
)
def test_what_no_range_covers_is_left(covering: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    """Ranges may overlap, and reach beyond the span on both sides."""
    found = uncovered(Span(0, 10, 19), [Span(0, *ends) for ends in covering])
    assert [(span.first, span.last) for span in found] == left


@pytest.mark.parametrize(
    ("first", "reached", "committed", "earliest", "gaps"),
    [
        (0, 99, 100, 0, []),
        (0, 99, 80, 0, []),
        (0, 99, None, 0, []),
        (0, 99, 101, 0, [(100, 100)]),
        (0, 99, 120, 0, [(100, 119)]),
        (0, 99, 100, 150, [(100, 149)]),
        (0, 99, 100, 50, []),
        (20, 99, 100, 0, [(0, 19)]),
        (20, 99, 100, 20, []),
        (None, None, None, 0, []),
        (None, None, 0, 0, []),
        (None, None, 30, 0, [(0, 29)]),
        (None, None, 0, 30, [(0, 29)]),
    ],
)
def test_the_ledger_must_reach_as_far_as_kafka_says(
    first: int | None, reached: int | None, committed: int | None, earliest: int, gaps: list[tuple[int, int]]
) -> None:
    """At both ends. A group whose offsets have expired says nothing; an older commit is read again."""
    found = edge_gaps(Edges(0, earliest, 200, committed, None), first, reached)
    assert [(span.first, span.last) for span in found] == gaps


def test_a_gap_across_the_beginning_of_the_topic_is_told_in_two() -> None:
    """One part is lost, the other can still be stored: the two want different things done."""
    found = [(fault.reason, fault.first, fault.last) for fault in missing_range(Span(0, 10, 29), 20)]
    assert found == [("records_expired", 10, 19), ("range_missing", 20, 29)]


def test_missing_rows_are_a_size_where_their_offsets_cannot_be_known() -> None:
    """Copies of an older version may stand at any offset of their range."""
    counts = RangeCounts(Span(0, 0, 99), 97, 0, 3, 96, 96, 0, 96)
    (fault,) = range_faults(counts, list(range(96)))
    assert (fault.reason, fault.first, fault.last, fault.size) == ("rows_missing", 0, 99, 1)


def test_rows_of_the_range_under_way_are_no_fault() -> None:
    """They are stored before they are accounted for; any others are."""
    announced = Range(ACCESS_EVENTS, 0, 100, 149, DAY)
    edges = Edges(0, 0, 200, 100, announced)
    assert unledgered(Span(0, 100, 149), edges) is None
    assert unledgered(Span(0, 100, 150), edges) is not None
    assert unledgered(Span(0, 100, 149), edges._replace(announced=None)) is not None


def test_a_number_may_come_for_as_long_as_its_grace() -> None:
    """And for as long as events of its time wait in Kafka, however long that is."""
    hole, grace = Hole("p", 3, 4, NOON, NOON), timedelta(minutes=15)
    later = NOON + timedelta(minutes=16)
    always = datetime.max.replace(tzinfo=UTC)
    assert in_flight(hole, always, grace, NOON + timedelta(minutes=14))
    assert not in_flight(hole, always, grace, later)
    assert in_flight(hole, NOON, grace, later)
