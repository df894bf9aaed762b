"""Counts that are kept with the table, for questions that ask nothing but a time.

Whole hours come from what is kept; the two ends, where a question begins or stops within an hour, are
counted row by row. The answer is that of a count over the view `trail`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from earwitness.query.counts import DAY, HOUR, LATEST, Counts, Interval
from earwitness.query.language import Query, between, condition_of, conjuncts, reach
from earwitness.query.language.times import Reach
from earwitness.query.language.tree import Term
from earwitness.query.store import Store
from models.fields import EPOCH

KEPT_BY: Final = frozenset({"verdict", "clause"})
"""The fields by which counts are kept."""

BY_HOUR_UP_TO: Final = timedelta(days=60)
"""Longer times are counted by day: by hour the answer would have too many rows."""

_MICROSECOND: Final = timedelta(microseconds=1)


class Kept(NamedTuple):
    """How many accesses from `begin` on, of an hour or a day, have a verdict and a clause.

    The clause is empty where there is none.
    """

    begin: datetime
    verdict: str
    clause: str
    accesses: int


class KeptCounts:
    """Answers from kept counts where that can be done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts = Counts(store)

    def of(self, query: Query, finest: timedelta = DAY) -> list[Kept] | None:
        """Count what a query without relative times finds; None where it is about more than a time.

        Nothing is counted together that lies in two spans of `finest`, in whole hours from a Monday.
        """
        asked = _span(query)
        if asked is None or finest % HOUR:
            return None
        begin, end = asked
        step = HOUR if end - begin <= BY_HOUR_UP_TO else DAY
        whole = Interval(begin + (EPOCH - begin) % step, end - (end - EPOCH) % step)
        if finest % step or whole.since >= whole.until:
            return None
        ends = [(begin, whole.since), (whole.until, end)]
        rows = [row for since, until in ends if since < until for row in self._one_by_one(since, until)]
        counted = self._counts.by_hour_and_clause if step == HOUR else self._counts.by_day_and_clause
        return [*rows, *(Kept(*row) for row in counted(whole))]

    def _one_by_one(self, since: datetime, until: datetime) -> Iterator[Kept]:
        condition = condition_of(between(since, until))
        answer = self._store.ask(
            "SELECT verdict, clause, count() FROM trail"  # noqa: S608 - a compiled condition
            f" WHERE {condition.sql} GROUP BY verdict, clause",
            condition.parameters,
        )
        for verdict, clause, accesses in answer.rows:
            yield Kept(since, str(verdict), str(clause), int(accesses))


def _span(query: Query) -> tuple[datetime, datetime] | None:
    """Give the only thing that a query asks: from when (included) to when (not), within what is counted."""
    parts = conjuncts(query)
    if not parts or not all(
        isinstance(part, Term) and part.field.name == "time" and len(part.values) == 1 for part in parts
    ):
        return None
    asked: Reach = reach(query, "time")
    if asked.begin is None or asked.end is None:
        return None
    begin, end = asked.begin.astimezone(UTC), asked.end.astimezone(UTC) + _MICROSECOND
    return (begin, end) if begin >= EPOCH and end <= LATEST else None
