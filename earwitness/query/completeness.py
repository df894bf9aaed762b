"""Whether the trail of some days is complete, as far as the store itself knows.

The ledger says how many rows each range of Kafka's offsets gave, and the ranges of a partition lie side by
side. This compares the two sums, and looks for gaps: two small questions. `earwitness reconcile` does more:
it also asks Kafka and the producers' own counts, and names what is missing.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from earwitness.query.conditions import Condition, Parameters, day_before
from earwitness.query.store import Store
from models.fields import EPOCH

_ONE_DAY: Final = timedelta(days=1)


class Completeness(NamedTuple):
    """What the ledger says of the days up to `through`; later ones are still arriving.

    `complete` is None where nothing was received on those days. `missing` counts records of Kafka that
    no range covers, `ledgered` the rows that there should be, and `held` those that there are.
    """

    complete: bool | None
    through: str
    missing: int
    ledgered: int
    held: int


def completeness(store: Store, *, since: datetime | None, now: datetime) -> Completeness:
    """Compare what was received on whole days, from the day on which an access at `since` can have been."""
    parameters = Parameters()
    through = now - _ONE_DAY
    last = parameters.day(through)
    days = f"received_day >= {day_before(since or EPOCH + _ONE_DAY, parameters)} AND received_day <= {last}"
    condition = Condition(days, parameters.values)
    missing, ledgered = _ledger(store, condition)
    held = _held(store, condition)
    complete = None if not (ledgered or held) else missing == 0 and ledgered == held
    return Completeness(complete, through.date().isoformat(), missing, ledgered, held)


def _ledger(store: Store, days: Condition) -> tuple[int, int]:
    answer = store.ask(
        "SELECT sum(missing), sum(rows) FROM ("  # noqa: S608 - ours and placeholders
        "SELECT toInt64(max(last_offset)) - toInt64(min(first_offset)) + 1"
        " - toInt64(sum(last_offset - first_offset + 1)) AS missing, sum(row_count) AS rows"
        f" FROM range_ledger WHERE {days.sql} GROUP BY topic, partition)",
        days.parameters,
    )
    missing, ledgered = next(iter(answer.rows), (0, 0))
    return int(missing or 0), int(ledgered or 0)


def _held(store: Store, days: Condition) -> int:
    answer = store.ask(f"SELECT count() FROM accesses WHERE {days.sql}", days.parameters)  # noqa: S608 - ours
    return sum(int(count) for (count,) in answer.rows)
