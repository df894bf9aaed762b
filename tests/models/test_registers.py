from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.registers import LONGEST_INTERVAL_S, Heartbeat, RegisterState, overdue

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
A_TICK = timedelta(microseconds=1)


def a_register(name: str = "zendesk", every_s: int = 900, beat_at: datetime = NOON) -> RegisterState:
    return RegisterState(name, ("complaint",), every_s, beat_at)


def test_a_register_is_overdue_as_soon_as_its_interval_has_passed() -> None:
    """It chose the interval itself, with slack: there is no second grace that nobody knows of."""
    due = NOON + timedelta(seconds=900)
    assert overdue([a_register()], due) == ()
    assert overdue([a_register()], due + A_TICK) == (a_register(),)


def test_a_retired_register_is_never_overdue() -> None:
    """Whoever switched a system off on purpose must not mark every verdict from then on."""
    retired = a_register(every_s=0)
    assert retired.retired
    assert overdue([retired], NOON + timedelta(days=3_000)) == ()


def test_a_beat_that_seems_to_come_from_the_future_is_not_overdue() -> None:
    """The clocks of the store and of a worker differ a little; a negative lateness would mean nothing."""
    assert a_register(beat_at=NOON + timedelta(seconds=2)).overdue_s(NOON) == 0.0


def test_overdue_registers_come_by_name() -> None:
    """Rows of one outage say the same, whatever order the store answered in."""
    late = NOON + timedelta(days=1)
    found = overdue([a_register("zendesk"), a_register("crm"), a_register("hr", every_s=7 * 86_400)], late)
    assert [register.name for register in found] == ["crm", "zendesk"]


@given(st.integers(1, LONGEST_INTERVAL_S), st.integers(0, 10**13), st.integers(0, 10**13))
def test_once_overdue_a_silent_register_stays_overdue(every_s: int, first: int, more: int) -> None:
    """An outage ends by a beat and by nothing else."""
    register = a_register(every_s=every_s)
    earlier = NOON + timedelta(microseconds=first)
    later = earlier + timedelta(microseconds=more)
    assert register.overdue_s(earlier) <= register.overdue_s(later)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Zendesk"},
        {"name": ""},
        {"name": "a b"},
        {"name": "-crm"},
        {"name": "x" * 65},
        {"name": "crm\n"},
        {"kinds": []},
        {"kinds": ["rumour"]},
        {"every_s": 0},
        {"every_s": LONGEST_INTERVAL_S + 1},
        {"colour": "red"},
    ],
)
def test_a_heartbeat_that_says_nothing_useful_is_refused(changes: dict[str, object]) -> None:
    """Without a kind it would mark nothing, without an interval it would never be missed."""
    sound: dict[str, object] = {"name": "zendesk", "kinds": ["complaint"], "every_s": 900}
    assert Heartbeat.model_validate(sound).every_s == 900
    with pytest.raises(ValidationError):
        Heartbeat.model_validate(sound | changes)
