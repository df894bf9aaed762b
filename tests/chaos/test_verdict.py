"""The campaign's verdict: it must turn red for whatever can be wrong, or its green says nothing."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from benchmarks.chaos.store import LedgerRow, Reached
from benchmarks.chaos.verdict import Acknowledged, Trail, Verdict, judge_round

AT = datetime(2026, 9, 21, tzinfo=UTC)
IDS = tuple(UUID(int=number).bytes for number in range(1, 11))


def a_range(first: int, last: int, **changes: Any) -> LedgerRow:
    counts = {"rows": last - first + 1, "letters": 0, "duplicates": 0}
    return LedgerRow(partition=0, first=first, last=last, recorded_at=AT, **{**counts, **changes})


def told(**changes: Any) -> Acknowledged:
    return Acknowledged(frozenset(IDS), copies=0, conflicts=0, malformed=0)._replace(**changes)


def a_trail(**changes: Any) -> Trail:
    """Ten accesses in two ranges of the one partition, committed to the end."""
    right = Trail(
        rows=IDS,
        ledger=(a_range(0, 3), a_range(4, 9)),
        reached={0: Reached(begin=0, end=10, committed=10, intent="")},
        since={0: 0},
        counted={0: (10, 0)},
    )
    return right._replace(**changes)


def judged(told_: Acknowledged | None = None, **changes: Any) -> Verdict:
    return judge_round(told_ or told(), a_trail(**changes))


def test_a_round_whose_every_access_is_one_row_is_right() -> None:
    """Otherwise no campaign could ever end well."""
    verdict = judged()
    assert verdict.right
    assert (verdict.rows, verdict.offsets, verdict.ranges) == (10, 10, 2)


def test_an_acknowledged_access_without_a_row_is_lost() -> None:
    """The first of the two things that the campaign is about."""
    verdict = judged(rows=IDS[1:])
    assert not verdict.right
    assert verdict.lost == (str(UUID(int=1)),)


def test_an_access_with_two_rows_is_doubled() -> None:
    """The second; the plain table is asked, without FINAL."""
    verdict = judged(rows=(*IDS, IDS[4]))
    assert not verdict.right
    assert verdict.doubled == (str(UUID(int=5)),)


def test_a_row_whose_producer_was_never_told_is_counted_and_no_fault() -> None:
    """A producer that is killed may not hear of what it sent; saying less than is true is no lie."""
    verdict = judged(told(identities=frozenset(IDS[:8])))
    assert verdict.right
    assert verdict.unacknowledged_rows == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ledger": (a_range(0, 3), a_range(5, 9))}, "nothing of offsets 4 to 4"),
        ({"ledger": (a_range(0, 4), a_range(4, 9))}, "overlaps"),
        ({"ledger": (a_range(0, 3), a_range(4, 9), a_range(4, 9))}, "overlaps"),
        ({"ledger": (a_range(0, 3),)}, "the ledger ends at 3, the topic at 9"),
        ({"ledger": (a_range(0, 3), a_range(4, 9, rows=5))}, "do not make 6 offsets"),
        ({"counted": {0: (9, 0)}}, "the tables hold 9 and 0"),
        ({"counted": {0: (10, 1)}}, "the tables hold 10 and 1"),
        ({"reached": {0: Reached(0, 10, 4, "")}}, "committed 4, the topic ends at 10"),
        ({"reached": {0: Reached(0, 10, 10, "v1 4-9 2026-09-21 1")}}, "still announced"),
        ({"since": {0: 2}}, "reaches into the round before"),
    ],
)
def test_whatever_does_not_add_up_is_wrong(changes: dict[str, Any], words: str) -> None:
    """Ledger, group and tables must tell the same story, offset by offset."""
    verdict = judged(**changes)
    assert not verdict.right
    assert any(words in line for line in verdict.wrong), verdict.wrong


def test_copies_that_were_acknowledged_must_be_counted_as_duplicates() -> None:
    """A copy that is neither a row nor a duplicate went missing."""
    ledger = (a_range(0, 3), a_range(4, 9, rows=4, duplicates=2))
    trail = {"rows": IDS[:8], "ledger": ledger, "counted": {0: (8, 0)}}
    accesses = frozenset(IDS[:8])
    assert judged(told(identities=accesses, copies=2), **trail).right
    assert not judged(told(identities=accesses, copies=3), **trail).right


def test_malformed_records_that_were_acknowledged_must_be_dead_letters() -> None:
    """They are evidence too, and nothing may vanish."""
    ledger = (a_range(0, 3), a_range(4, 9, rows=5, letters=1))
    trail = {"rows": IDS[:9], "ledger": ledger, "counted": {0: (9, 1)}}
    accesses = frozenset(IDS[:9])
    assert judged(told(identities=accesses, malformed=1), **trail).right
    assert not judged(told(identities=accesses, malformed=2), **trail).right
