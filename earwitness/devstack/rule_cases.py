"""A throwaway ClickHouse on which the cases of alert rules are played."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from earwitness.alerting.proving import Scratch
from earwitness.devstack.scratch import Server
from earwitness.query.clickhouse import ClickHouseStore
from sinks.clickhouse import schema
from sinks.clickhouse.client import ClickHouse

CASE_TIMEOUT_S: Final = 30


@contextmanager
def scratch_for_cases() -> Iterator[Scratch]:
    """Start a ClickHouse with our tables, asked as the alerter asks; stop and delete it in the end.

    Raises `StackUnavailable` where it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="earwitness-cases-") as folder:
        server = Server(Path(folder))
        try:
            server.wait()
            schema.migrate(server.address("earwitness_admin"))
            admin = ClickHouse(server.address("earwitness_admin"))
            # Cases play on days of their own choice, which may be long over.
            admin.execute("ALTER TABLE dead_letters REMOVE TTL")
            store = ClickHouseStore(
                **server.address("earwitness_alerter")._asdict(),
                query_timeout_s=CASE_TIMEOUT_S,
                author="person",
            )
            yield Scratch(store, partial(_insert, admin), partial(_clear, admin))
            store.close()
            admin.close()
        finally:
            server.stop()


def _insert(admin: ClickHouse, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    admin.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", list(rows))


def _clear(admin: ClickHouse, tables: Sequence[str]) -> None:
    for table in tables:
        admin.execute(f"TRUNCATE TABLE {table}")
