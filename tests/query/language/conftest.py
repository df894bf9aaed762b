"""The rows of `past`, written once a session, and the way to ask for them."""

from collections.abc import Iterator
from typing import Any

import pytest

from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.language import condition_of, fixed
from earwitness.query.language.tree import Query
from tests.conftest import Stack
from tests.query.language.oracle import holds
from tests.query.language.past import DATABASE, NOW, write_rows


class Past:
    """Rows in the store under a topic of their own, and the way to ask for them."""

    def __init__(self, store: ClickHouseStore, rows: list[dict[str, Any]]) -> None:
        self.store = store
        self.rows = rows

    def found(self, query: Query) -> list[int]:
        condition = condition_of(fixed(query, NOW))
        answer = self.store.ask(
            f"SELECT offset FROM trail WHERE {condition.sql} ORDER BY offset",  # noqa: S608 - a compiled condition
            condition.parameters,
        )
        return [offset for (offset,) in answer.rows]

    def meant(self, query: Query) -> list[int]:
        return [row["offset"] for row in self.rows if holds(query, row, NOW)]


@pytest.fixture(scope="session")
def past(stack: Stack) -> Iterator[Past]:
    rows, address = write_rows(stack), stack.settings("admin").clickhouse
    store = ClickHouseStore(
        address.host,
        address.port,
        database=DATABASE,
        user=address.username,
        password=address.password.get_secret_value(),
        secure=False,
        query_timeout_s=30,
    )
    yield Past(store, rows)
    store.close()
