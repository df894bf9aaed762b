"""Counts are quick because they are kept, and right because later verdicts are worked in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.counts import DAY, HOUR, Counts, Interval, whole
from models.errors import QueryRejected
from tests.query.months import BEGIN, END, a_month

INTERVALS = [
    Interval(BEGIN - timedelta(days=3), END + timedelta(days=9)),
    Interval(BEGIN + timedelta(days=4), BEGIN + timedelta(days=5)),
    Interval(BEGIN + timedelta(days=20), END + timedelta(days=1)),
]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseStore]:
    with a_month(tmp_path_factory.mktemp("counts") / "data", seed=1) as (server, store):
        counted = server.ask("earwitness_admin", "SELECT countIf(first_verdict = '') > 9 FROM verdict_log")
        assert counted == [(1,)], "no verdict is one of an older worker"
        yield store


def plain_count(
    store: ClickHouseStore, within: Interval, names: str, where: str = "1"
) -> list[tuple[object, ...]]:
    """Count over the view, row by row."""
    since, until = (f"toDateTime64({edge.timestamp():.0f}, 6, 'UTC')" for edge in within)
    return list(
        store.ask(
            f"SELECT {names}, count() AS accesses FROM trail"  # noqa: S608 - constants
            f" WHERE time >= {since} AND time < {until} AND {where}"
            f" GROUP BY ALL ORDER BY ALL"
        ).rows
    )


@pytest.mark.parametrize("within", INTERVALS)
def test_accesses_are_counted_by_clause_and_day_as_the_trail_has_them(
    month: ClickHouseStore, within: Interval
) -> None:
    """A report that is off by one access is wrong, and nobody would see it."""
    counted = [
        (row["day"], row["verdict"], row["clause"] or "", row["accesses"])
        for row in Counts(month).by_clause(within)
    ]
    assert counted == plain_count(month, within, "toString(toDate(time)) AS day, verdict, clause")
    assert counted


@pytest.mark.parametrize("within", INTERVALS)
def test_accesses_are_counted_by_hour_as_the_trail_has_them(month: ClickHouseStore, within: Interval) -> None:
    """What the histogram of a page shows must be what the page lists."""
    counted = [(row["hour"], row["verdict"], row["accesses"]) for row in Counts(month).by_hour(within)]
    hour = "formatDateTime(toStartOfHour(time), '%Y-%m-%dT%H:%i:%S.000000Z') AS hour"
    assert counted == plain_count(month, within, f"{hour}, verdict")


@pytest.mark.parametrize("verdicts", [[], ["unjustified", "pending"], ["justified"]])
@pytest.mark.parametrize("actor_types", [[], ["employee", "vendor"]])
def test_the_actors_with_the_most_accesses_are_those_of_the_trail(
    month: ClickHouseStore, actor_types: list[str], verdicts: list[str]
) -> None:
    """With the verdicts that hold now: an access that was explained since is held against nobody."""
    top = Counts(month).top_actors(INTERVALS[0], actor_types=actor_types, verdicts=verdicts, limit=7)
    where = " AND ".join(
        f"{name} IN {tuple(values)}"
        for name, values in (("actor_type", actor_types), ("verdict", verdicts))
        if values
    )
    actor = "if(actor_type = 'customer', '', trail.actor_id) AS actor"
    actors = plain_count(month, INTERVALS[0], f"actor_type, {actor}", where or "1")
    actors.sort(key=lambda row: (-int(str(row[2])), row[:2]))
    assert [(row["actor_type"], row["actor_id"] or "", row["accesses"]) for row in top] == actors[:7]


def test_counts_are_of_whole_hours_or_days() -> None:
    """They are kept by them; an interval is widened, never cut."""
    within = whole(BEGIN + timedelta(minutes=61), BEGIN + timedelta(minutes=121), HOUR)
    assert within == Interval(BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=3))
    assert whole(BEGIN, END, DAY) == Interval(BEGIN, END)


@pytest.mark.parametrize("moment", [datetime(1969, 12, 31, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)])
def test_what_no_hour_is_kept_of_is_refused(moment: datetime) -> None:
    """ClickHouse would put accesses of before 1970 at another time."""
    with pytest.raises(QueryRejected, match="counts reach from 1970"):
        whole(min(moment, BEGIN), max(moment, BEGIN), HOUR)
