"""How a day is cut into slices, and what its rows become."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.history import ROWS_OF_A_SLICE, Mark, Slice, cut, past_access
from models.fields import EARLIEST_TIME, LATEST_TIME, microseconds

DAY = date(2026, 3, 2)
PLACES = st.lists(
    st.tuples(st.sampled_from(["*", "acme", "globex", "ümlaut"]), st.integers(0, 9)), max_size=40
)


def holds(piece: Slice, place: tuple[str, int]) -> bool:
    return (piece.first is None or piece.first <= place) and (piece.end is None or place < piece.end)


@given(PLACES, st.integers(0, 20 * ROWS_OF_A_SLICE), st.lists(st.tuples(st.text(), st.integers())))
def test_every_access_lies_in_exactly_one_slice(
    sampled: list[tuple[str, int]], count: int, others: list[tuple[str, int]]
) -> None:
    """A place in two slices would be counted twice, one in none not at all, whatever the sample held."""
    slices = cut(DAY, count, sorted(sampled))
    for place in [*sampled, *others]:
        assert sum(holds(piece, place) for piece in slices) == 1


def test_a_day_is_cut_where_its_accesses_are() -> None:
    """A customer with half of all accesses is cut by time as well, so that every process has its share."""
    sampled = [("acme", second) for second in range(60)] + [(f"c-{number:02}", 0) for number in range(60)]
    slices = cut(DAY, 4 * ROWS_OF_A_SLICE, sampled)
    assert [piece.first for piece in slices] == [None, Mark("acme", 30), Mark("c-00", 0), Mark("c-30", 0)]
    assert [piece.end for piece in slices] == [Mark("acme", 30), Mark("c-00", 0), Mark("c-30", 0), None]


def test_a_small_day_is_one_slice() -> None:
    """What one question answers quickly is not worth two."""
    assert cut(DAY, ROWS_OF_A_SLICE, [("acme", 1), ("globex", 2)]) == [Slice(DAY, None, None)]


@given(st.datetimes(EARLIEST_TIME.replace(tzinfo=None), LATEST_TIME.replace(tzinfo=None)))
def test_instants_are_exact_to_the_microsecond(moment: datetime) -> None:
    """Evidence that ended a microsecond before must not have been in force after all."""
    time = moment.replace(tzinfo=UTC)
    rest: list[Any] = [""] * 16
    access = past_access((microseconds(time), microseconds(time) + 1, *rest))
    assert (access.time, access.received_at - time) == (time, timedelta(microseconds=1))
