"""What is counted by a field is what the view `trail` holds, wherever the counts were taken from."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.language import condition_of, fixed, parse
from earwitness.query.language.fields import FIELDS
from earwitness.query.summaries import Summaries
from tests.query.months import BEGIN, DAYS, a_month

NOW = BEGIN + timedelta(days=DAYS)
BY = ("verdict", "reason", "clause", "action", "actor_type", "late", "evidence_used", "derived")


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseStore]:
    with a_month(tmp_path_factory.mktemp("facets") / "data", seed=5) as (_, store):
        yield store


def as_shown(value: object) -> str | None:
    """Give a value as a facet has it: a flag as a word, what is absent as None."""
    return str(value).lower() if isinstance(value, bool) else str(value or "") or None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "time:2026-03-03..2026-03-09",
        "actor_type:employee time:>=2026-03-02",
        "verdict:justified",
        "-verdict:justified time:2026-03-03..2026-03-20",
        "actor_type:vendor OR verdict:pending",
        "-(actor_type:vendor clause:third-party.*)",
        "late:true",
        "verdict:justified derived:false",
        "actor:nobody-at-all",
    ],
)
def test_facets_and_rows_agree(month: ClickHouseStore, text: str) -> None:
    """Few are judged again, and only those are joined; which they are must make no difference."""
    query = fixed(parse(text), NOW)
    condition = condition_of(query)
    shown = ", ".join(BY)
    rows = month.ask(
        f"SELECT {shown} FROM trail WHERE {condition.sql}",  # noqa: S608 - names of a closed list and a compiled condition
        condition.parameters,
    ).rows
    summaries = Summaries(month)
    assert summaries.total(query) == len(rows)
    facets = {facet.field: facet for facet in summaries.facets(query, [FIELDS[name] for name in BY], 100)}
    for at, name in enumerate(BY):
        counted: Counter[str | None] = Counter()
        for row in rows:
            values = row[at] or [""] if isinstance(row[at], list) else [row[at]]
            counted.update(
                str(value).lower() if isinstance(value, bool) else value or None for value in values
            )
        expected = tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0] or "")))
        assert (facets[name].values, facets[name].distinct) == (expected, len(expected)), name


def test_the_most_frequent_values_are_listed_and_the_others_counted(month: ClickHouseStore) -> None:
    """A list that is cut must say so."""
    query = fixed(parse(""), NOW)
    (whole,) = Summaries(month).facets(query, [FIELDS["actor_id"]], 100)
    (cut,) = Summaries(month).facets(query, [FIELDS["actor_id"]], 2)
    assert (cut.values, cut.distinct) == (whole.values[:2], whole.distinct)
    assert whole.distinct > 2
