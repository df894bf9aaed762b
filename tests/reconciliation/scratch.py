"""A database of its own on the real ClickHouse, filled as workers would have filled it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from clickhouse_driver import Client

from earwitness.query.accounts import ClickHouseAccounts
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.settings import ClickHouseSettings
from models.topics import ACCESS_EVENTS
from sinks.clickhouse.client import Address
from sinks.clickhouse.schema import migrate

DAY = "2026-09-21"
NOON = f"toDateTime64('{DAY} 12:00:00', 3, 'UTC')"


class Scratch:
    """The tables of a trail. Ranges are filled whole; tests then take out or put in what they are about."""

    def __init__(self, client: Client, store: ClickHouseStore) -> None:
        self._client = client
        self.accounts = ClickHouseAccounts(store)

    def execute(self, sql: str) -> Any:
        return self._client.execute(sql)

    def fill(
        self,
        partition: int,
        first: int,
        size: int,
        *,
        producer: str = "p",
        aside: int = 0,
        day: str = DAY,
        sequence_from: int | None = None,
    ) -> None:
        """Store a range whose last `aside` records are copies; numbers follow the offsets, from 1."""
        rows, last = size - aside, first + size - 1
        begin = first + 1 if sequence_from is None else sequence_from
        self.rows(partition, first, rows, producer=producer, day=day, sequence_from=begin)
        if aside:
            self.execute(
                "INSERT INTO set_aside (received_day, topic, partition, offset, received_at, reason,"  # noqa: S608 - values of ours
                f" producer, sequence) SELECT '{day}', '{ACCESS_EVENTS}', {partition},"
                f" {first + rows} + number, {_received(day)}, 'copy', '{producer}',"
                f" {begin + rows} + number FROM numbers({aside})"
            )
        self.ledger(partition, first, last, rows=rows, copies=aside, aside=aside, day=day)

    def rows(
        self,
        partition: int,
        first: int,
        size: int,
        *,
        producer: str = "p",
        day: str = DAY,
        sequence_from: int = 1,
    ) -> None:
        """Store rows alone, an id for each offset of each partition."""
        self.execute(
            "INSERT INTO access_log (received_day, id, time, source, producer, sequence, customer_id,"  # noqa: S608 - values of ours
            " received_at, recorded_at, topic, partition, offset)"
            f" SELECT '{day}', toUUID(concat('0196f000-0000-7000-8000-', lower(leftPad(hex({partition} *"
            f" 4294967296 + {first} + number), 12, '0')))), {_received(day)}, '/services/recording-api',"
            f" '{producer}', {sequence_from} + number, concat('c-', toString(number % 1000)),"
            f" {_received(day)} + toIntervalMillisecond({first} + number), {_received(day)},"
            f" '{ACCESS_EVENTS}', {partition}, {first} + number FROM numbers({size})"
        )

    def ledger(
        self,
        partition: int,
        first: int,
        last: int,
        *,
        rows: int,
        copies: int = 0,
        aside: int = 0,
        day: str = DAY,
    ) -> None:
        """Account for a range."""
        self.execute(
            "INSERT INTO range_ledger (received_day, topic, partition, first_offset, last_offset, attempt,"  # noqa: S608 - values of ours
            f" row_count, dead_letter_count, duplicate_count, set_aside_count) VALUES ('{day}',"
            f" '{ACCESS_EVENTS}', {partition}, {first}, {last}, 1, {rows}, 0, {copies}, {aside})"
        )

    def take_out(self, table: str, condition: str) -> None:
        """Lose rows."""
        self.execute(f"DELETE FROM {table} WHERE {condition}")  # noqa: S608 - values of ours


def _received(day: str) -> str:
    return f"toDateTime64('{day} 12:00:00', 3, 'UTC')"


@contextmanager
def scratch(admin: ClickHouseSettings) -> Iterator[Scratch]:
    """Make the database, and drop it afterwards."""
    address = Address(
        host=admin.host,
        port=admin.port,
        database=f"scratch_{uuid4().hex[:8]}",
        user=admin.username,
        password=admin.password.get_secret_value(),
        secure=admin.secure,
    )
    migrate(address)
    client = Client(**address._asdict())
    store = ClickHouseStore(**address._asdict(), query_timeout_s=60)
    try:
        yield Scratch(client, store)
    finally:
        store.close()
        client.execute(f"DROP DATABASE {address.database}")
        client.disconnect()
