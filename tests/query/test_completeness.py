"""A report says that it is complete only where the ledger and the rows agree."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from earwitness.devstack.scratch import Server
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.completeness import completeness
from tests.query.months import ACCESSES, BEGIN, DAYS, a_month

LATER = BEGIN + timedelta(days=DAYS + 30)
_LEDGER = (
    "INSERT INTO range_ledger (received_day, topic, partition, first_offset, last_offset, attempt, row_count,"
    " dead_letter_count, duplicate_count) VALUES"
)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, ClickHouseStore]]:
    with a_month(tmp_path_factory.mktemp("complete") / "data", seed=6) as (server, store):
        yield server, store


def a_range(day: date, first: int, last: int, rows: int) -> tuple[object, ...]:
    return (day, "access.events.v1", 0, first, last, 0, rows, 0, 0)


def test_a_report_is_complete_where_ledger_and_rows_agree(month: tuple[Server, ClickHouseStore]) -> None:
    """In turn: rows without a ledger, the same numbers, and offsets that nobody accounts for."""
    server, store = month
    day = BEGIN.date() + timedelta(days=1)

    def known() -> tuple[bool | None, int]:
        found = completeness(store, since=None, now=LATER)
        return found.complete, found.missing

    assert known() == (False, 0)
    server.ask("earwitness_writer", _LEDGER, [a_range(day, 0, ACCESSES - 1, ACCESSES)])
    assert known() == (True, 0)
    server.ask("earwitness_writer", _LEDGER, [a_range(day, ACCESSES + 5, ACCESSES + 5, 0)])
    assert known() == (False, 5)


def test_days_of_which_nothing_was_received_prove_nothing(month: tuple[Server, ClickHouseStore]) -> None:
    """Nor does today, which is still arriving."""
    store = month[1]
    found = completeness(store, since=LATER, now=LATER + timedelta(days=2))
    assert (found.complete, found.ledgered, found.held) == (None, 0, 0)
    assert found.through == (LATER + timedelta(days=1)).date().isoformat()
    assert completeness(store, since=None, now=BEGIN - timedelta(days=3)).complete is None
