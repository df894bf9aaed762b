"""What the servers hold, asked straight: the plain tables without FINAL, and the group's offsets."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from clickhouse_driver import Client
from clickhouse_driver.errors import Error
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from benchmarks.chaos.events import customer_prefix
from earwitness.cli import wiring
from earwitness.devstack.provision import GROUP, kafka_admin
from earwitness.settings import Settings
from models.errors import BrokerUnavailable
from models.topics import ACCESS_EVENTS

PARTITIONS: Final = 8
ASKED_AGAIN_S: Final = 0.5

T = TypeVar("T")


class LedgerRow(NamedTuple):
    """One stored range, as the ledger has it."""

    partition: int
    first: int
    last: int
    rows: int
    letters: int
    duplicates: int
    recorded_at: datetime


class Reached(NamedTuple):
    """How far one partition is: what it holds and what the group has committed."""

    begin: int
    end: int
    committed: int
    intent: str


class Store:
    """Questions to ClickHouse, as its administrator. Each call has a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self._address = wiring.clickhouse(settings.clickhouse)._asdict()

    def rows_of_round(self, number: int) -> list[bytes]:
        """Give the id of every row of a round, as often as it stands in the table."""
        prefix = customer_prefix(number)
        with self._client() as client:
            found = client.execute(
                "SELECT UUIDStringToNum(toString(id)) FROM access_log"
                " WHERE customer_id >= %(from)s AND customer_id < %(to)s",
                {"from": prefix, "to": customer_prefix(number + 1)},
                settings={"strings_as_bytes": True},
                columnar=True,
            )
        return list(found[0]) if found else []

    def doubled_in_round(self, number: int) -> int:
        """Count the rows of a round that are one too many, at this moment."""
        ((rows, identities),) = self.execute(
            "SELECT count(), uniqExact(source, id) FROM access_log"
            " WHERE customer_id >= %(from)s AND customer_id < %(to)s",
            {"from": customer_prefix(number), "to": customer_prefix(number + 1)},
        )
        return int(rows) - int(identities)

    def ledger(self, since: dict[int, int]) -> list[LedgerRow]:
        """Give the ledger from an offset of each partition on, in order."""
        rows = self.execute(
            "SELECT partition, first_offset, last_offset, row_count, dead_letter_count, duplicate_count,"
            " recorded_at FROM range_ledger WHERE topic = %(topic)s"
            " ORDER BY partition, first_offset, last_offset",
            {"topic": ACCESS_EVENTS},
        )
        return [row for row in map(LedgerRow._make, rows) if row.last >= since.get(row.partition, 0)]

    def counted(self, partition: int, first: int, last: int) -> tuple[int, int]:
        """Count the rows and the dead letters that stand in the tables for these offsets."""
        bounds = {"topic": ACCESS_EVENTS, "partition": partition, "first": first, "last": last}
        where = "topic = %(topic)s AND partition = %(partition)s AND offset BETWEEN %(first)s AND %(last)s"
        ((rows, letters),) = self.execute(
            f"SELECT (SELECT count() FROM access_log WHERE {where}),"  # noqa: S608 - constants
            f" (SELECT uniqExact(offset) FROM dead_letters WHERE {where})",
            bounds,
        )
        return int(rows), int(letters)

    def first_ranges_after(
        self, partitions: list[int], instant: datetime, later_by_s: float
    ) -> dict[int, datetime]:
        """Give when each of the partitions was next accounted for; those are absent that were not yet."""
        rows = self.execute(
            "SELECT partition, min(recorded_at) FROM range_ledger WHERE topic = %(topic)s"
            " AND partition IN %(partitions)s AND recorded_at > toDateTime64(%(instant)s, 6, 'UTC')"
            " GROUP BY partition",
            {
                "topic": ACCESS_EVENTS,
                "partitions": partitions,
                "instant": (instant + timedelta(seconds=later_by_s)).strftime("%Y-%m-%d %H:%M:%S.%f"),
            },
        )
        return dict(rows)

    def count_ranges(self) -> int:
        """Count the ranges that are accounted for."""
        ((ranges,),) = self.execute("SELECT count() FROM range_ledger")
        return int(ranges)

    def oldest_wait_s(self, number: int) -> float:
        """Give the longest that an access of a round lay on the topic before it was stored."""
        ((waited,),) = self.execute(
            "SELECT max(toFloat64(recorded_at) - toFloat64(received_at)) FROM access_log"
            " WHERE customer_id >= %(from)s AND customer_id < %(to)s",
            {"from": customer_prefix(number), "to": customer_prefix(number + 1)},
        )
        return float(waited or 0.0)

    def execute(self, query: str, parameters: Any = None) -> Any:  # noqa: ANN401 - the driver's types
        """Run one statement."""
        with self._client() as client:
            return client.execute(query, parameters)

    @contextmanager
    def _client(self) -> Iterator[Client]:
        client = Client(**self._address)
        try:
            yield client
        finally:
            client.disconnect()


def reached(settings: Settings) -> dict[int, Reached]:
    """Say how far each partition is. Raises `BrokerUnavailable`."""
    where = [TopicPartition(ACCESS_EVENTS, number) for number in range(PARTITIONS)]
    with kafka_admin(settings.kafka) as admin:
        committed = admin.list_group_offsets({GROUP: where})[GROUP]
        begin = admin.list_partition_offsets(dict.fromkeys(where, OffsetSpec.EARLIEST))
        end = admin.list_partition_offsets(dict.fromkeys(where, OffsetSpec.LATEST))
    return {
        each.partition: Reached(
            begin[each].offset, end[each].offset, committed[each].offset, committed[each].metadata or ""
        )
        for each in where
    }


def persistently(ask: Callable[[], T], within_s: float) -> T:
    """Ask until there is an answer: a server may be on its way up."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except (Error, EOFError, OSError, KafkaError, BrokerUnavailable):
            if time.monotonic() > deadline:
                raise
            time.sleep(ASKED_AGAIN_S)
