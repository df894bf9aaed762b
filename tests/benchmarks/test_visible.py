"""Every access has its latency, and none is made to look sooner than it was."""

import pytest

from benchmarks.visible import Look, arrivals, quantile

PUBLISHED_AT = {0: [1.0, 2.0, 3.0], 1: [1.5]}


def test_each_access_counts_to_the_end_of_the_first_look_that_saw_it() -> None:
    """A look may have seen it sooner: what it took is told too high rather than too low."""
    seen = [
        Look(0.0, 0.1, {0: 10, 1: 20}),
        Look(2.0, 2.2, {0: 11, 1: 20}),
        Look(4.0, 4.5, {0: 13, 1: 21}),
    ]
    arrived = arrivals(seen, PUBLISHED_AT)
    assert arrived.latencies_s == pytest.approx([1.2, 1.5, 2.5, 3.0])


def test_how_exactly_it_is_known_is_the_time_since_the_look_before_began() -> None:
    """An access that the look before did not see was not visible when that look began."""
    seen = [Look(0.0, 0.1, {0: 0, 1: 0}), Look(2.0, 2.2, {0: 1, 1: 0}), Look(4.0, 4.5, {0: 3, 1: 1})]
    assert arrivals(seen, PUBLISHED_AT).unsure_s == pytest.approx([2.2, 2.5, 2.5, 2.5])


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_quantile_is_a_value_that_occurred(share: float, expected: int) -> None:
    """Nothing is made up between two of them."""
    assert quantile(list(range(1, 101)), share) == expected
