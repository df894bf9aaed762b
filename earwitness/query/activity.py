"""Questions about the activity log: who asked what of this system."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from earwitness.query.conditions import Parameters
from earwitness.query.rows import Row, plain
from earwitness.query.store import Store

ACTIVITY_FIELDS: Final = (
    "time",
    "principal",
    "surface",
    "action",
    "query",
    "customer_ids",
    "row_count",
    "id",
)

ACTIVITY_TERMS: Final = ("principal", "action", "surface", "customer")
"""What entries are asked for by; the fields of `Wanted`."""


class Wanted(NamedTuple):
    """Which entries: of any of these principals, actions, surfaces and customers; an empty list is all.

    An action is the beginning of its name. `until` is not included.
    """

    since: datetime
    until: datetime | None
    principal: Sequence[str] = ()
    action: Sequence[str] = ()
    surface: Sequence[str] = ()
    customer: Sequence[str] = ()


class ActivityReading:
    """The named questions about activity."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self, wanted: Wanted, limit: int) -> list[Row]:
        """Give what was done, newest first."""
        parameters = Parameters()
        parts = [f"activity.time >= {parameters.instant(wanted.since)}"]
        if wanted.until is not None:
            parts.append(f"activity.time < {parameters.instant(wanted.until)}")
        conditions = {
            "has({}, principal)": wanted.principal,
            "arrayExists(beginning -> startsWith(action, beginning), {})": wanted.action,
            "has({}, surface)": wanted.surface,
            "hasAny({}, customer_ids)": wanted.customer,
        }
        parts += [
            condition.format(parameters.add(list(values), "Array(String)"))
            for condition, values in conditions.items()
            if values
        ]
        answer = self._store.ask(
            f"SELECT {', '.join(ACTIVITY_FIELDS)} FROM activity WHERE {' AND '.join(parts)}"  # noqa: S608 - constants and placeholders
            f" ORDER BY activity.time DESC, id DESC LIMIT {limit:d}",
            parameters.values,
        )
        return [plain(record) for record in answer.records()]
