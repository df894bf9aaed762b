"""Questions about registers: which there are, whether they still tell, and whether they did then."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from earwitness.query.conditions import Parameters
from earwitness.query.store import Store
from models.fields import format_time, parse_time
from models.registers import MOST_REGISTERS, RegisterState

Item = dict[str, Any]
"""`name`, `kinds`, `every_s`, `beat_at`, `retired`, `overdue` and `overdue_s` of one register."""

_DIGITS: Final = 3


class Registers:
    """The named questions about registers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def current(self) -> list[RegisterState]:
        """Give every register by its newest beat, by name."""
        answer = self._store.ask(
            "SELECT name, kinds, every_s, beat_at FROM registers ORDER BY name LIMIT {limit:UInt32}",
            {"limit": 2 * MOST_REGISTERS},
        )
        return [RegisterState(name, tuple(kinds), every, at) for name, kinds, every, at in answer.rows]

    def stale(self, row: Mapping[str, Any]) -> list[Item]:
        """Tell of the stale registers of a row of the trail, as they stood when it was judged.

        A register may have beaten in the seconds that a worker takes to notice: `overdue_s` is then 0.
        """
        names = list(row.get("stale_registers") or ())
        if not names:
            return []
        parameters, judged_at = Parameters(), parse_time(row["judged_at"])
        answer = self._store.ask(
            "SELECT register, argMax(kinds, beat_at), argMax(every_s, beat_at), max(beat_at)"  # noqa: S608 - placeholders
            f" FROM register_heartbeats WHERE register IN {parameters.add(names, 'Array(String)')}"
            f" AND beat_at <= {parameters.instant(judged_at)} GROUP BY register ORDER BY register",
            parameters.values,
        )
        states = [RegisterState(name, tuple(kinds), every, at) for name, kinds, every, at in answer.rows]
        return [as_item(state, judged_at) for state in states]


def as_item(state: RegisterState, at: datetime) -> Item:
    """Give one register as JSON values, overdue or not at that instant."""
    overdue_s = state.overdue_s(at)
    return {
        "name": state.name,
        "kinds": list(state.kinds),
        "every_s": state.every_s,
        "beat_at": format_time(state.beat_at),
        "retired": state.retired,
        "overdue": overdue_s > 0,
        "overdue_s": round(overdue_s, _DIGITS),
    }
