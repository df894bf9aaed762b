"""How many accesses there were: by clause and day, by hour, by actor, with the verdicts that hold now.

The table keeps counts of first verdicts with each of its parts, so a month is counted from some thousand
rows. Accesses that were judged again are then put right: what was counted of the first verdict is taken
off, and the newest is counted. So the answer is that of a count over the view `trail`, which
tests/query/test_counts.py holds. (An identity that stands twice on one day, of which reconciliation tells,
is put right once.)
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from earwitness.query.conditions import Condition, Parameters, day_before
from earwitness.query.rows import Row, plain
from earwitness.query.store import Store
from models.errors import QueryRejected
from models.fields import EPOCH, microseconds, parse_time

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Hours are counted from 1970 to here; what ClickHouse makes of earlier ones lies behind it."""

_EVERYTHING: Final = Condition("1", {})

MOST_COUNTS: Final = 100_000
"""Rows of an answer at most: a year by hour and verdict has a third of them."""

# Every later verdict is counted, and the first one taken off for each. Nearly all accesses were judged again
# once, for which that is right, and no access needs to be known.
_EACH: Final = """
    SELECT time AS at, actor_type AS type, actor_id AS actor,
           [(first_verdict, first_clause, -1), (verdict, clause, 1)] AS given
    FROM later_verdicts WHERE {days} AND first_verdict != ''"""

# A hash finds the others in a twentieth of the time. Two accesses of one hash are summed up as well, each by
# itself.
_SEVERAL: Final = """
    SELECT cityHash64(received_day, id, source) FROM later_verdicts
    WHERE {days} GROUP BY cityHash64(received_day, id, source) HAVING count() > 1"""

# By access, with its newest verdict, as the view `trail` chooses it, and all that said what the first was.
_SUMMED_UP: Final = """
    SELECT received_day, id, source, max(time) AS at, max(actor_type) AS type, max(actor_id) AS actor,
           max(first_verdict) AS first_v, max(first_clause) AS first_c,
           argMax((verdict, clause), (evidence_version, judged_at)) AS newest,
           groupArrayIf((verdict, clause), first_verdict != '') AS counted
    FROM later_verdicts
    WHERE {days} AND {which} GROUP BY received_day, id, source"""

# What `_EACH` counted is taken back, and the newest verdict counted.
_PUT_RIGHT: Final = """
    SELECT at, type, actor,
           arrayConcat(
               arrayMap(it -> (it.1, it.2, -1), counted),
               [(first_v, first_c, toInt64(length(counted)) - 1), (newest.1, newest.2, 1)]
           ) AS given
    FROM ({summed_up}) WHERE first_v != ''"""

# Those whose later verdicts do not say what the first was: written before they did, or by an older worker.
_LOOKED_UP: Final = """
    SELECT a.time AS at, a.actor_type AS type, a.actor_id AS actor,
           [(a.verdict, a.clause, -1), (v.newest.1, v.newest.2, 1)] AS given
    FROM (SELECT * FROM accesses WHERE {days} AND id IN ({untold})) AS a
    INNER JOIN (SELECT * FROM ({summed_up}) WHERE first_v = '') AS v
    ON a.received_day = v.received_day AND a.id = v.id AND a.source = v.source"""

_ONCE: Final = """
    SELECT {span}(time) AS span, {columns}, toInt64(count()) AS n FROM accesses
    WHERE {days} AND {where} GROUP BY span, {names}"""

_AGAIN: Final = """
    SELECT span, {names}, sum(change) AS n FROM
    (
        SELECT {span}(at) AS span, type AS actor_type, if(type = 'customer', '', actor) AS who,
               each.1 AS verdict, each.2 AS clause, each.3 AS change
        FROM ({judged}) ARRAY JOIN given AS each
    )
    WHERE {where} GROUP BY span, {names}"""


class Interval(NamedTuple):
    """Event time from `since` (included) to `until` (not), in whole hours or days of UTC."""

    since: datetime
    until: datetime


class _Kept(NamedTuple):
    """By what the table keeps counts: a function of the event time, and columns, with their names here."""

    span: str
    columns: str
    names: str


_BY_HOUR: Final = _Kept("toStartOfHour", "verdict, clause", "verdict, clause")
_BY_ACTOR: Final = _Kept(
    "toDate",
    "actor_type, if(actor_type = 'customer', '', actor_id) AS who, verdict",
    "actor_type, who, verdict",
)


def whole(since: datetime, until: datetime, step: timedelta) -> Interval:
    """Widen an interval to whole hours or days, by which counts are kept.

    Raises `QueryRejected` where it reaches beyond what is counted by.
    """
    since, until = _floor(since, step), _floor(until + step - timedelta(microseconds=1), step)
    if since < EPOCH or until > LATEST:
        raise QueryRejected(f"counts reach from {EPOCH:%Y} to {LATEST:%Y}", "ask for a shorter time")
    return Interval(since, until)


class Counts:
    """The named questions that have numbers for an answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def by_clause(self, within: Interval) -> list[Row]:
        """Count each day's accesses by verdict and clause, which is null where none is met or broken."""
        return self._ask(within, _BY_HOUR, "toDate(span) AS day, verdict, clause", "day, verdict, clause")

    def by_hour(self, within: Interval) -> list[Row]:
        """Count each hour's accesses by verdict: what a page's histogram is drawn from."""
        return self._ask(within, _BY_HOUR, "span AS hour, verdict", "hour, verdict")

    def by_hour_and_clause(self, within: Interval) -> list[tuple[datetime, str, str, int]]:
        """Count each hour's accesses by verdict and clause, which is empty where none is met or broken."""
        rows = self._ask(within, _BY_HOUR, "span AS hour, verdict, clause", "hour, verdict, clause")
        return [
            (parse_time(row["hour"]), row["verdict"], row["clause"] or "", row["accesses"]) for row in rows
        ]

    def by_day_and_clause(self, within: Interval) -> list[tuple[datetime, str, str, int]]:
        """Count each day's accesses by verdict and clause, as `by_hour_and_clause` does each hour's."""
        return [
            (
                datetime.fromisoformat(row["day"]).replace(tzinfo=UTC),
                row["verdict"],
                row["clause"] or "",
                row["accesses"],
            )
            for row in self.by_clause(within)
        ]

    def top_actors(
        self, within: Interval, *, actor_types: Sequence[str], verdicts: Sequence[str], limit: int
    ) -> list[Row]:
        """Name the actors with the most accesses in whole days, of these types and verdicts.

        An empty list of types or verdicts is all of them. Customers are counted as one, without an id.
        """
        only = Parameters("only")
        parts = [
            f"{name} IN {only.add(list(values), 'Array(String)')}"
            for name, values in (("actor_type", actor_types), ("verdict", verdicts))
            if values
        ]
        where = Condition(" AND ".join(parts) or "1", only.values)
        order = f"accesses DESC, actor_type, actor_id LIMIT {limit:d}"
        return self._ask(within, _BY_ACTOR, "actor_type, who AS actor_id", order, where)

    def _ask(
        self, within: Interval, kept: _Kept, shown: str, order: str, only: Condition = _EVERYTHING
    ) -> list[Row]:
        parameters = Parameters()
        days = f"received_day >= {day_before(within.since, parameters)}"
        since, until = (parameters.add(microseconds(edge) // 1_000_000, "Int64") for edge in within)
        where = f"span >= toDateTime({since}, 'UTC') AND span < toDateTime({until}, 'UTC') AND {only.sql}"
        counted = [
            _ONCE.format(**kept._asdict(), days=days, where=where),
            *(
                _AGAIN.format(**kept._asdict(), judged=judged, where=where)
                for judged in self._judged_again(days, parameters)
            ),
        ]
        grouped = ", ".join(name.rpartition(" ")[2] for name in shown.split(", "))
        answer = self._store.ask(
            f"SELECT {shown}, sum(n) AS accesses FROM ({' UNION ALL '.join(counted)})"  # noqa: S608 - names of ours and placeholders
            f" GROUP BY {grouped} HAVING accesses != 0 ORDER BY {order}",
            {**parameters.values, **only.parameters},
            limits={"max_result_rows": MOST_COUNTS},
        )
        return [plain(record) for record in answer.records()]

    def _judged_again(self, days: str, parameters: Parameters) -> list[str]:
        """Select the later verdicts of those days, and what each adds to and takes from the counts."""
        which = f"cityHash64(received_day, id, source) IN ({_SEVERAL.format(days=days)})"
        summed_up = _SUMMED_UP.format(days=days, which=which)
        judged_again = [_EACH.format(days=days), _PUT_RIGHT.format(summed_up=summed_up)]
        untold = f"SELECT id FROM later_verdicts WHERE {days} AND first_verdict = ''"  # noqa: S608 - ours
        some = self._store.ask(f"SELECT count() > 0 FROM ({untold})", parameters.values).rows  # noqa: S608 - ours
        if any(is_there for (is_there,) in some):
            summed_up = _SUMMED_UP.format(days=days, which=f"id IN ({untold})")
            judged_again.append(_LOOKED_UP.format(days=days, untold=untold, summed_up=summed_up))
        return judged_again


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - EPOCH) % step
