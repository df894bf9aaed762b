"""The labels of a day, which its scenes give, against those who read the contract for themselves."""

from datetime import UTC, datetime

import pytest

from earwitness.demo.day import Day, simulate
from tests.policy import oracle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SMALL_DAY = 1_500
"""The oracle looks at every record for every question, so its days are small; every kind is in them."""


def _as_told(day: Day, *others: Day) -> list[tuple[int, dict[str, object]]]:
    """Give the evidence of days, in the order of their publishing, as the oracle takes it."""
    records = [record for one in (day, *others) for record in one.evidence]
    return [(offset, record.model_dump(mode="json")) for offset, record in enumerate(records)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_oracle_gives_every_access_its_label(seed: int) -> None:
    """A label comes from how its scene was made; who read the contract must come to the same."""
    day = simulate(NOW, seed, SMALL_DAY)
    evidence = _as_told(day)
    for access in day.accesses:
        answer = oracle.judge(access.event, evidence, received_at=NOW, as_of=NOW)
        assert (answer.verdict, answer.reason, answer.clause) == access.label, access


def test_an_earlier_day_in_the_same_registers_changes_no_label() -> None:
    """The demo runs again and again in one data folder."""
    day, earlier = simulate(NOW, 5, 500), simulate(NOW, 6, 500)
    evidence = _as_told(earlier, day)
    for access in day.accesses:
        answer = oracle.judge(access.event, evidence, received_at=NOW, as_of=NOW)
        assert (answer.verdict, answer.reason, answer.clause) == access.label, access
