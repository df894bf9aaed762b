"""`python -m benchmarks.capacity`: what a rate of accesses needs, computed from what was measured.

Writes the table of docs/capacity.md, which says what each assumption rests on; `--check` only compares.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from earwitness.settings import ROOT

RESULTS: Final = Path(__file__).parent / "results"
PAGE: Final = ROOT / "docs" / "capacity.md"
BEGIN: Final = "<!-- python -m benchmarks.capacity -->\n"
END: Final = "<!-- end -->\n"

RATES: Final = (1_000, 10_000, 100_000, 1_000_000)
DAY_S: Final = 86_400
DAYS_A_YEAR: Final = 365
MILLION: Final = 1_000_000

WORKER_LOAD: Final = 0.6
"""How much of its core a worker is given to do, so that it catches up after an outage."""

SERVER_LOAD: Final = 0.5
"""How much of their cores ClickHouse and Kafka spend on new accesses; the rest is for readers, and peaks."""

NODE_CORES: Final = 16
FEWEST_WORKERS: Final = 2
FEWEST_BROKERS: Final = 3
BROKER_BYTES: Final = 32e12
"""On the disks of one broker at most."""

COPIES: Final = 3
"""Of each record in Kafka. What a follower takes has not been measured: each is counted as the leader is."""

KEPT_DAYS: Final = 7
"""In Kafka, as `earwitness provision` makes the topic."""

PARTITIONS_STEP: Final = 8
PARTITIONS_A_WORKER: Final = 2
RANGES_PER_S: Final = 32.0
"""That one server is given at most: 8 partitions, each once in 0.25 s, as measured at low load."""

SHORTEST_INTERVAL_S: Final = 0.25


class Measured(NamedTuple):
    """What was measured, each for one access or one process."""

    worker_cpu_s: float
    clickhouse_cpu_s: float
    """With the merges that an access causes."""
    clickhouse_least_cores: float
    """That a server is busy with while ranges close by age: one costs much the same however little it has."""
    kafka_cpu_s: float
    """For receiving it and handing it out once."""
    topic_bytes: float
    trail_bytes: float
    worker_bytes: float


class Needs(NamedTuple):
    """What a rate needs."""

    rate: int
    partitions: int
    workers: int
    worker_bytes: float
    clickhouse_cores: float
    clickhouse_nodes: int
    shortest_interval_s: float
    kafka_cores: float
    brokers: int
    trail_bytes_a_day: float
    topic_bytes: float


def measured(latest: Mapping[str, Any], scale: Mapping[str, Any], latency: Mapping[str, Any]) -> Measured:
    """Take the figures out of the results of `make bench`, and of the benchmarks of scale and latency."""
    seconds = scale["workers"]["1"]["cpu_s_per_million"]
    sustained = latency["sustained"]["rounds"]
    half = latency["shares"]["0.5"]["rounds"]
    return Measured(
        worker_cpu_s=seconds["workers"] / MILLION,
        clickhouse_cpu_s=(seconds["clickhouse"] + seconds["merges_after"]) / MILLION,
        clickhouse_least_cores=min(
            each["cores"]["clickhouse"] for each in latency["shares"]["0.1"]["rounds"]
        ),
        kafka_cpu_s=max(each["cores"]["kafka"] / each["events_per_s"] for each in sustained),
        topic_bytes=half[0]["bytes_an_access"],
        trail_bytes=latest["storage_bytes_per_event"]["total"],
        worker_bytes=latest["contenders"]["earwitness"]["resident_mb"] * 1e6,
    )


def needs(one: Measured, rate: int) -> Needs:
    """Compute what a rate needs. Assumes that everything grows as the number of accesses does."""
    workers = max(FEWEST_WORKERS, math.ceil(rate * one.worker_cpu_s / WORKER_LOAD))
    partitions = math.ceil(workers * PARTITIONS_A_WORKER / PARTITIONS_STEP) * PARTITIONS_STEP
    clickhouse_cores = rate * one.clickhouse_cpu_s / SERVER_LOAD
    nodes = max(1, math.ceil(clickhouse_cores / NODE_CORES))
    kafka_cores = rate * one.kafka_cpu_s * COPIES / SERVER_LOAD
    topic_bytes = rate * one.topic_bytes * DAY_S * KEPT_DAYS * COPIES
    return Needs(
        rate=rate,
        partitions=partitions,
        workers=workers,
        worker_bytes=workers * one.worker_bytes,
        clickhouse_cores=max(clickhouse_cores, nodes * one.clickhouse_least_cores),
        clickhouse_nodes=nodes,
        shortest_interval_s=max(SHORTEST_INTERVAL_S, partitions / nodes / RANGES_PER_S),
        kafka_cores=kafka_cores,
        brokers=max(
            FEWEST_BROKERS, math.ceil(kafka_cores / NODE_CORES), math.ceil(topic_bytes / BROKER_BYTES)
        ),
        trail_bytes_a_day=rate * one.trail_bytes * DAY_S,
        topic_bytes=topic_bytes,
    )


def table(one: Measured) -> str:
    """Write the table as Markdown, a column for each rate."""
    columns = [needs(one, rate) for rate in RATES]
    lines = [
        ("accesses a second", [f"{each.rate:,}" for each in columns]),
        ("partitions", [f"{each.partitions}" for each in columns]),
        ("workers, a core each", [f"{each.workers}" for each in columns]),
        ("their memory", [size(each.worker_bytes) for each in columns]),
        ("ClickHouse, cores", [f"{each.clickhouse_cores:,.1f}" for each in columns]),
        (f"ClickHouse, servers of {NODE_CORES} cores", [f"{each.clickhouse_nodes}" for each in columns]),
        ("`shortest_interval_s`", [f"{each.shortest_interval_s:.2f}" for each in columns]),
        ("Kafka, cores", [f"{each.kafka_cores:,.1f}" for each in columns]),
        ("Kafka, brokers", [f"{each.brokers}" for each in columns]),
        ("the trail grows, a day", [size(each.trail_bytes_a_day) for each in columns]),
        ("the trail, a year of it", [size(each.trail_bytes_a_day * DAYS_A_YEAR) for each in columns]),
        (f"Kafka's disks, {KEPT_DAYS} days, {COPIES} copies", [size(each.topic_bytes) for each in columns]),
    ]
    head, *rest = [f"| {name} | {' | '.join(cells)} |" for name, cells in lines]
    return "\n".join([head, f"| --- |{' ---: |' * len(RATES)}", *rest]) + "\n"


def basis(one: Measured) -> str:
    """Write what the table is computed from."""
    return (
        f"| one access takes | |\n| --- | ---: |\n"
        f"| CPU of the worker | {one.worker_cpu_s * MILLION:.1f} µs |\n"
        f"| CPU of ClickHouse, with its merges | {one.clickhouse_cpu_s * MILLION:.1f} µs |\n"
        f"| CPU of Kafka, for taking it in and handing it out | {one.kafka_cpu_s * MILLION:.1f} µs |\n"
        f"| in the topic, uncompressed | {one.topic_bytes:.0f} bytes |\n"
        f"| in the trail | {one.trail_bytes:.1f} bytes |\n"
        f"| **a server takes**, however little comes | {one.clickhouse_least_cores:.2f} of a core |\n"
        f"| **a worker takes** | {size(one.worker_bytes)} of memory |\n"
    )


def size(count: float) -> str:
    """Write a number of bytes as people do."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} PB"


def read() -> Measured:
    """Read the kept results."""
    return measured(
        *(json.loads((RESULTS / f"{name}.json").read_bytes()) for name in ("latest", "scale", "latency"))
    )


def page(before: str, one: Measured) -> str:
    """Give the page with its tables computed anew."""
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{basis(one)}\n{table(one)}\n{END}{tail}"


def main() -> int:
    """Write the tables, or say whether they are those of the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the page is stale")
    asked = parser.parse_args()
    one = read()
    before = PAGE.read_text(encoding="utf-8")
    after = page(before, one)
    if asked.check:
        return int(after != before)
    PAGE.write_text(after, encoding="utf-8")
    print(basis(one), table(one), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
