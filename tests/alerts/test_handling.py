"""What can be done with an alert in which state."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from earwitness.alerts.handling import Handling, hindrance, moment_after
from models.alerts import State

POSSIBLE = {
    ("open", "acknowledged"), ("open", "assigned"), ("open", "noted"), ("open", "closed"),
    ("acknowledged", "assigned"), ("acknowledged", "noted"), ("acknowledged", "closed"),
    ("closed", "noted"), ("closed", "reopened"),
}  # fmt: skip


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("handling", get_args(Handling))
def test_only_what_makes_sense_in_a_state_can_be_done(state: State, handling: Handling) -> None:
    """A closed alert is opened again before anything else is decided of it; a note can always be added."""
    found = hindrance(handling, state)
    assert (found is None) == ((state, handling) in POSSIBLE)
    if found is not None:
        assert state in found[0]


def test_a_step_is_newer_than_the_one_before_it() -> None:
    """Also where the clock that tells of it lags behind."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    assert moment_after(since, since - timedelta(hours=1)) > since
    assert moment_after(since, since + timedelta(hours=1)) == since + timedelta(hours=1)
