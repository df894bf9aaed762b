"""Questions about the activity log: who asked what of this system."""

from datetime import datetime
from typing import Final

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


class ActivityReading:
    """The named questions about activity."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(
        self, *, since: datetime, until: datetime | None, principal: str, action: str, limit: int
    ) -> list[Row]:
        """Give what was done, newest first; an empty principal or action is any."""
        parameters = Parameters()
        parts = [f"activity.time >= {parameters.instant(since)}"]
        if until is not None:
            parts.append(f"activity.time < {parameters.instant(until)}")
        if principal:
            parts.append(f"principal = {parameters.add(principal, 'String')}")
        if action:
            parts.append(f"startsWith(action, {parameters.add(action, 'String')})")
        answer = self._store.ask(
            f"SELECT {', '.join(ACTIVITY_FIELDS)} FROM activity WHERE {' AND '.join(parts)}"  # noqa: S608 - constants and placeholders
            f" ORDER BY activity.time DESC, id DESC LIMIT {limit:d}",
            parameters.values,
        )
        return [plain(record) for record in answer.records()]
