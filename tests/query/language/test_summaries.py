"""Counts by fields and over time are those of the rows that the query finds."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.language import fixed, parse
from earwitness.query.language.fields import FIELDS
from earwitness.query.summaries import MOST_BARS, MOST_VALUES, Summaries, counted_fields
from models.errors import QueryRejected
from tests.api.serving import NOTHING, CannedStore
from tests.query.language.conftest import Past
from tests.query.language.oracle import holds
from tests.query.language.past import NOW

QUERIES = ("", "-verdict:justified", "actor:e* OR used:*", "time:>=-3d late:true", "actor:nobody")
BOUNDED = "time:-10d..2021-05-21"


def found(past: Past, query: str) -> list[dict[str, Any]]:
    return [row for row in past.rows if holds(parse(query), row, NOW)]


@pytest.mark.stack
@pytest.mark.parametrize("query", QUERIES)
def test_values_of_fields_are_counted_exactly(past: Past, query: str) -> None:
    """Absent values too, each element of a list, and in all however few are listed."""
    summaries, asked = Summaries(past.store), fixed(parse(query), NOW)
    fields = counted_fields(["verdict", "actor", "purpose", "used", "late", "customer"])
    rows = found(past, query)
    assert summaries.total(asked) == len(rows)
    for facet, field in zip(summaries.facets(asked, fields, MOST_VALUES), fields, strict=True):
        counts: Counter[str | None] = Counter()
        for row in rows:
            value = row[field.name]
            counts.update([str(value).lower()] if field.kind == "flag" else _values(value))
        assert (facet.field, facet.distinct, dict(facet.values)) == (field.name, len(counts), counts)


def _values(value: Any) -> list[str | None]:
    return (value or [None]) if isinstance(value, list) else [value]


@pytest.mark.stack
def test_the_most_frequent_values_come_first(past: Past) -> None:
    """Of more than are asked for, their number is told."""
    (facet,) = Summaries(past.store).facets(parse(""), [FIELDS["actor_id"]], 3)
    counts = [count for _, count in facet.values]
    assert counts == sorted((count for count in counts), reverse=True)
    assert (len(counts), facet.distinct) == (3, len({row["actor_id"] for row in past.rows}))


@pytest.mark.stack
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("bars", [2, 7, 60, MOST_BARS])
def test_each_access_is_in_the_bar_of_its_time(past: Past, query: str, bars: int) -> None:
    """None is lost at an edge, and empty bars are there as well."""
    bounded = f"({query}) {BOUNDED}" if query else BOUNDED
    histogram = Summaries(past.store).histogram(fixed(parse(bounded), NOW), bars)
    rows = found(past, bounded)
    assert len(histogram) <= bars
    assert [bar.end for bar in histogram[:-1]] == [bar.begin for bar in histogram[1:]]
    for bar in histogram:
        wanted = Counter(row["verdict"] for row in rows if bar.begin <= row["time"] < bar.end)
        assert bar.verdicts == wanted
    assert sum(sum(bar.verdicts.values()) for bar in histogram) == len(rows)


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2299, 1, 1)),  # noqa: DTZ001 - hypothesis wants it so
    st.timedeltas(timedelta(0), timedelta(days=200 * 365)),
    st.integers(2, MOST_BARS),
)
def test_bars_cover_the_time_that_was_asked_for(begin: datetime, span: timedelta, bars: int) -> None:
    """However long it is, in no more bars than were wanted."""
    first = begin.replace(tzinfo=UTC)
    last = min(first + span, datetime(2299, 12, 31, tzinfo=UTC))
    query = parse(f"time:{first.isoformat()}..{last.isoformat()}")
    histogram = Summaries(CannedStore(NOTHING)).histogram(query, bars)
    assert 1 <= len(histogram) <= bars
    assert histogram[0].begin <= first < histogram[0].end
    assert histogram[-1].begin <= last < histogram[-1].end


@pytest.mark.parametrize("query", ["", "actor:e-1", "time:>=-7d", "time:<2026-11-01", "-time:2026-11-01"])
def test_without_a_first_and_last_instant_there_are_no_bars(query: str) -> None:
    """From the year 1900 on, all of them but one would be empty."""
    with pytest.raises(QueryRejected, match="need a first and a last instant"):
        Summaries(CannedStore(NOTHING)).histogram(fixed(parse(query), NOW), 60)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["verdct"], "did you mean verdict?"),
        (["id"], "hardly any two accesses share its value"),
        (["time"], "hardly any two"),
        ([], "0 fields were named"),
        (list(FIELDS)[2:20], "at once"),
    ],
)
def test_what_cannot_be_counted_by_is_refused(names: list[str], said: str) -> None:
    """A list of all ids would be the trail itself."""
    with pytest.raises(QueryRejected) as caught:
        counted_fields(names)
    assert said in str(caught.value)


def test_a_field_named_twice_is_counted_once() -> None:
    """By its short name and by its own."""
    assert counted_fields(["actor", "actor_id"]) == [FIELDS["actor_id"]]
