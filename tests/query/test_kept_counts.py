"""What is counted from kept counts is what a count of the rows gives, whatever the time asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.kept_counts import KeptCounts
from earwitness.query.language import Query, fixed, parse
from earwitness.query.language.fields import FIELDS
from earwitness.query.summaries import Summaries
from tests.query.months import BEGIN, DAYS, a_month

NOW = BEGIN + timedelta(days=DAYS)
FIELDS_KEPT = [FIELDS["verdict"], FIELDS["clause"]]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseStore]:
    with a_month(tmp_path_factory.mktemp("kept") / "data", seed=3) as (_, store):
        yield store


def as_query(begin: datetime, end: datetime) -> Query:
    return fixed(parse(f"time:>={begin.isoformat()} time:<{end.isoformat()}"), NOW)


@given(
    begin=st.datetimes(datetime(2026, 2, 20), datetime(2026, 4, 12)),  # noqa: DTZ001 - hypothesis wants it so
    span=st.timedeltas(timedelta(minutes=1), timedelta(days=70)),
    bars=st.sampled_from([2, 7, 60, 500]),
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_kept_counts_and_rows_agree(
    month: ClickHouseStore, begin: datetime, span: timedelta, bars: int
) -> None:
    """A histogram that jumps by one access when a field is added to the query would be believed by nobody."""
    summaries, first = Summaries(month), begin.replace(tzinfo=UTC)
    query = as_query(first, first + span)
    kinds = ",".join(FIELDS["actor_type"].choices)
    slow = fixed(
        parse(f"actor_type:{kinds} time:>={first.isoformat()} time:<{(first + span).isoformat()}"), NOW
    )
    assert KeptCounts(month).of(slow) is None
    assert summaries.total(query) == summaries.total(slow)
    assert summaries.histogram(query, bars) == summaries.histogram(slow, bars)
    assert summaries.facets(query, FIELDS_KEPT, 3) == summaries.facets(slow, FIELDS_KEPT, 3)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("time:2026-03-03", True),
        ("time:2026-03-03..2026-03-20 time:>=2026-03-05", True),
        ("time:2026-03-03,2026-03-05", False),
        ("time:>=2026-03-03", False),
        ("-time:2026-03-03", False),
        ("time:2026-03-03 verdict:justified", False),
        ("time:2026-03-03T10:10:00Z..2026-03-03T10:20:00Z", False),
        ("", False),
    ],
)
def test_only_one_span_of_time_is_kept(month: ClickHouseStore, text: str, kept: bool) -> None:  # noqa: FBT001
    """What asks more is counted row by row."""
    assert (KeptCounts(month).of(fixed(parse(text), NOW)) is not None) == kept
