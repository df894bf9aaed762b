"""What people may do with an alert in which state. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from models.alerts import State

Handling = Literal["acknowledged", "assigned", "noted", "closed", "reopened"]
"""What a person can do, as the entry that tells of it is called."""

POSSIBLE_IN: Final[Mapping[Handling, frozenset[State]]] = {
    "acknowledged": frozenset({"open"}),
    "assigned": frozenset({"open", "acknowledged"}),
    "noted": frozenset({"open", "acknowledged", "closed"}),
    "closed": frozenset({"open", "acknowledged"}),
    "reopened": frozenset({"closed"}),
}
ONCE_IN_A_STATE: Final = frozenset({"acknowledged", "closed", "reopened"})
"""What changes the state: of two people who do it at once, one is told that it was done."""

LONGEST_SILENCE: Final = timedelta(days=30)

_JUST_AFTER: Final = timedelta(microseconds=1)
_DONE: Final[Mapping[Handling, str]] = {
    "acknowledged": "be acknowledged",
    "assigned": "be assigned",
    "noted": "be noted upon",
    "closed": "be closed",
    "reopened": "be opened again",
}


def hindrance(handling: Handling, state: State) -> tuple[str, str] | None:
    """Say why that cannot be done now, and what can; None where it can."""
    if state in POSSIBLE_IN[handling]:
        return None
    if state == "closed":
        return f"it is closed and cannot {_DONE[handling]}", "reopen it first"
    if handling == "reopened":
        return f"it is {state}, not closed, and cannot {_DONE[handling]}", ""
    return f"it is {state} already", ""


def moment_after(state_since: datetime, now: datetime) -> datetime:
    """Give the instant of an entry that changes a state.

    The newest entry counts; a clock that lags behind that of the alerter must not make it an older one.
    """
    return max(now, state_since + _JUST_AFTER)
