"""What is published, and when."""

from itertools import chain

import pytest

from benchmarks.paced import TICK_S, Plan, _ticks


@pytest.mark.parametrize("plan", [Plan(1_000, 333.3), Plan(7, 10_000.0), Plan(1, 1 / TICK_S)])
def test_each_access_is_sent_once_and_never_before_it_is_due(plan: Plan) -> None:
    """It is sent at the end of the tick in which it falls due."""
    ticks = list(_ticks(plan))
    assert list(chain.from_iterable(ticks)) == list(range(plan.events))
    for tick, numbers in enumerate(ticks, start=1):
        assert all((tick - 1) * TICK_S - 1e-9 <= number / plan.rate + 1 / plan.rate for number in numbers)
        assert all(number / plan.rate <= tick * TICK_S for number in numbers)
