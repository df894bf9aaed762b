"""What a reconciliation of millions of accesses costs: time, the server's processor time, and memory.

Run from the root of the repository: python -m benchmarks.reconcile. It fills a trail on the server as
workers would have filled it, then compares all of it, two days of it, and all of it with rows taken out.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil
from clickhouse_driver import Client
from rich.console import Console

from benchmarks.keeping import keep
from earwitness.cli import wiring
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.query.accounts import ClickHouseAccounts
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.reconciliation.accounts import Edges, Window
from earwitness.reconciliation.reconciling import reconcile
from earwitness.settings import Settings
from models.topics import ACCESS_EVENTS

RESULTS: Final = Path(__file__).parent / "results" / "reconcile.json"
FIRST_DAY: Final = date(2026, 9, 1)
DAYS: Final = 5
PARTITIONS: Final = 8
PRODUCERS_A_DAY: Final = 500
RANGE_ROWS: Final = 2_000
QUERY_TIMEOUT_S: Final = 600

_ROWS: Final = """
INSERT INTO access_log (received_day, id, time, source, producer, sequence, customer_id, actor_id,
    resource_id, received_at, recorded_at, topic, partition, offset, verdict)
SELECT toDate('{day}'), generateUUIDv4(number), at, '/services/recording-api',
    concat('host-', toString(event % {producers}), '-{day}'),
    intDiv(event - {first} * {partitions}, {producers}) + 1,
    concat('c-', toString(sipHash64(event) % 100000)),
    concat('e-', toString(event % 1000)), concat('rec-', toString(event)), at, at, '{topic}', {partition},
    {first} + number, 'justified'
FROM
(
    SELECT number, ({first} + number) * {partitions} + {partition} AS event,
        toDateTime64('{day} 00:00:00', 3, 'UTC') + toIntervalMillisecond(number * 300) AS at
    FROM numbers({count})
)
"""

_LEDGER: Final = """
INSERT INTO range_ledger (received_day, topic, partition, first_offset, last_offset, attempt, row_count)
SELECT toDate('{day}'), '{topic}', {partition}, {first} + number * {range}, last, 1,
    last - ({first} + number * {range}) + 1
FROM
(
    SELECT number, least({first} + (number + 1) * {range}, {first} + {count}) - 1 AS last
    FROM numbers(intDiv({count} + {range} - 1, {range}))
)
"""


def main() -> None:
    """Fill, measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    say = Console(stderr=True).print
    with tempfile.TemporaryDirectory(prefix="earwitness-reconcile-") as folder:
        data_dir = Path(folder) / "data"
        control.fetch_kafka(Settings().maven_url, say)
        control.start_detached(Options(data_dir=data_dir, workers=0))
        try:
            say(f"storing {rows:,} accesses")
            found = _measure(data_dir, rows)
        finally:
            control.stop(layout_of(data_dir), say)
    keep(RESULTS, found)
    print(json.dumps(found, indent=2))


def _measure(data_dir: Path, rows: int) -> dict[str, Any]:
    address = wiring.clickhouse(state.settings_for(data_dir, "admin").clickhouse)
    client = Client(**address._asdict(), send_receive_timeout=QUERY_TIMEOUT_S)
    a_day = rows // DAYS // PARTITIONS
    _fill(client, a_day)
    store = ClickHouseStore(**address._asdict(), query_timeout_s=QUERY_TIMEOUT_S)
    server = psutil.Process(
        next(part.pid for part in state.read(data_dir).processes if part.name == "clickhouse" and part.pid)
    )
    try:
        whole = _reconcile(store, server, Window(), a_day)
        days = _reconcile(store, server, Window(FIRST_DAY + timedelta(days=DAYS - 2)), a_day)
        client.execute("DELETE FROM access_log WHERE offset % 100003 = 77")
        damaged = _reconcile(store, server, Window(), a_day)
    finally:
        store.close()
        client.disconnect()
    return {"rows": rows, "everything": whole, "two days": days, "rows taken out": damaged}


def _fill(client: Client, a_day: int) -> None:
    for number in range(DAYS):
        for partition in range(PARTITIONS):
            values = {
                "day": FIRST_DAY + timedelta(days=number),
                "partition": partition,
                "partitions": PARTITIONS,
                "producers": PRODUCERS_A_DAY,
                "first": number * a_day,
                "count": a_day,
                "range": RANGE_ROWS,
                "topic": ACCESS_EVENTS,
            }
            client.execute(_ROWS.format(**values))
            client.execute(_LEDGER.format(**values))


def _reconcile(store: ClickHouseStore, server: psutil.Process, window: Window, a_day: int) -> dict[str, Any]:
    end = a_day * DAYS
    edges = [Edges(partition, 0, end, end, None) for partition in range(PARTITIONS)]
    began_at, before = time.monotonic(), sum(server.cpu_times()[:2])
    report = reconcile(
        ClickHouseAccounts(store),
        edges,
        window=window,
        grace=timedelta(minutes=15),
        now=datetime(2026, 10, 1, tzinfo=UTC),
    )
    return {
        "seconds": round(time.monotonic() - began_at, 2),
        "server_cpu_seconds": round(sum(server.cpu_times()[:2]) - before, 2),
        "server_memory_mb": server.memory_info().rss >> 20,
        "client_memory_mb": psutil.Process().memory_info().rss >> 20,
        "complete": report.complete,
        "faults": len(report.faults),
        "unexamined": list(report.unexamined),
    }


if __name__ == "__main__":
    main()
