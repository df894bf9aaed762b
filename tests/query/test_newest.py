"""A search looks back only as far as it must, and finds what it would have found in everything."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.language import all_of, between, fixed, parse
from earwitness.query.rows import ROW_COLUMNS, Row, rows_of
from earwitness.query.trail import Mark, Search, Trail
from tests.query.months import ACCESSES, BEGIN, END, a_month


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseStore]:
    with a_month(tmp_path_factory.mktemp("newest") / "data", seed=2) as (_, store):
        yield store


@pytest.fixture(scope="module")
def everything(month: ClickHouseStore) -> list[Row]:
    """All of the trail, newest first."""
    found = rows_of(month.ask(f"SELECT {ROW_COLUMNS} FROM trail ORDER BY time DESC, id DESC, source DESC"))  # noqa: S608 - constants
    assert len(found) == ACCESSES
    return found


def paged(
    store: ClickHouseStore, query: str, since: datetime | None, until: datetime | None, limit: int
) -> list[Row]:
    """Search page by page to the end."""
    trail, rows, after = Trail(store), list[Row](), None
    asked = all_of((fixed(parse(query), END), between(since, until)))
    while True:
        page = trail.search(Search(asked, END, limit, after))
        assert len(page.rows) == limit or page.next is None
        rows += page.rows
        if page.next is None:
            return rows
        after = Mark.read(page.next)


QUERIES = {
    "": lambda row: row is not None,
    "-verdict:justified": lambda row: row["verdict"] != "justified",
    "verdict:unjustified reason:evidence_wrong_customer": lambda row: (
        (row["verdict"], row["reason"]) == ("unjustified", "evidence_wrong_customer")
    ),
    'clause:"" actor:a-3': lambda row: row["clause"] is None and row["actor_id"] == "a-3",
    "verdict:pending -actor_type:customer": lambda row: (
        row["verdict"] == "pending" and row["actor_type"] != "customer"
    ),
    "late:false evidence_version:3": lambda row: not row["late"] and row["evidence_version"] == 3,
    "customer:c-7": lambda row: row["customer_id"] == "c-7",
    "customer:* verdict:unjustified": lambda row: (
        row["customer_id"] == "*" and row["verdict"] == "unjustified"
    ),
    "resource:rec-17,rec-19": lambda row: row["resource_id"] in ("rec-17", "rec-19"),
    "actor:a-5": lambda row: row["actor_id"] == "a-5",
    "actor:nobody": lambda row: row is None,
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, None),
        (BEGIN + timedelta(days=3), None),
        (None, END - timedelta(days=8)),
        (BEGIN + timedelta(days=11), BEGIN + timedelta(days=29, hours=7)),
    ],
)
def test_a_search_finds_what_reading_everything_finds(
    month: ClickHouseStore,
    everything: list[Row],
    query: str,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """In order, over all pages, with the verdicts that hold now, whenever a row was received."""
    wanted = [
        row
        for row in everything
        if QUERIES[query](row)
        and (since is None or datetime.fromisoformat(row["time"]) >= since)
        and (until is None or datetime.fromisoformat(row["time"]) < until)
    ]
    limit = max(40, len(wanted) // 4)
    assert paged(month, query, since, until, limit) == wanted


def test_an_id_finds_every_access_that_used_it(month: ClickHouseStore, everything: list[Row]) -> None:
    """Two sources may have made the same id."""
    for row in everything[::500]:
        same = sorted(
            (other for other in everything if other["id"] == row["id"]), key=lambda it: it["source"]
        )
        assert Trail(month).accesses(row["id"]) == sorted(same, key=lambda other: other["source"])
