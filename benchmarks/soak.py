"""`python -m benchmarks.soak`: whether a worker's memory stays flat under full load for half an hour.

Accesses are published faster than they can be stored, so the worker always has a backlog; a sample of its
resident memory is taken each second. Whoever leaks by the access shows it: tens of millions pass.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from kafka import TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks import arena, paced
from benchmarks.arena import Arena
from benchmarks.keeping import keep
from benchmarks.paced import PARTITIONS, Plan, Publisher
from earwitness.cli import wiring
from earwitness.devstack.provision import kafka_admin
from models.topics import ACCESS_EVENTS

RESULTS: Final = Path(__file__).parent / "results" / "soak.json"
BACKLOG: Final = 300_000
AT_A_TIME: Final = 100_000
"""Accesses that are published whenever no more than `BACKLOG` wait, which are stored in the meantime."""

PUBLISHED_PER_S: Final = 200_000.0
SAMPLE_S: Final = 1.0
MOST_MB: Final = 300.0
SETTLED_S: Final = 60.0
"""A worker that has just begun still fills its filters and its pools."""


class Sample(NamedTuple):
    """How it stood at an instant after the first access was stored."""

    at_s: float
    stored: int
    resident_mb: float


def main() -> int:
    """Load, watch, print, keep."""
    asked = _arguments()
    say = Console(stderr=True).print
    with arena.stack(say) as place:
        kafka = wiring.kafka(place.admin.kafka).arguments()
        with paced.publisher(kafka, evidence=asked.evidence) as publisher:
            arena.account_for_evidence(place, "soak")
            with arena.running(place, arena.WORKER, "soak") as worker:
                samples = list(_watched(place, publisher, worker, asked.minutes * 60))
    minutes = _by_minute(samples)
    keep(
        RESULTS,
        {
            "settings": {"minutes": asked.minutes, "evidence": asked.evidence},
            "stored": samples[-1].stored,
            "events_per_s": samples[-1].stored / samples[-1].at_s,
            "most_mb": max(each.resident_mb for each in samples),
            "growth_mb_an_hour": growth_an_hour(samples),
            "by_minute": minutes,
        },
    )
    _show(samples, minutes)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--evidence", type=int, default=100_000, help="records in the registers")
    return parser.parse_args()


def _watched(place: Arena, publisher: Publisher, worker: psutil.Process, seconds: float) -> Iterator[Sample]:
    """Keep the backlog up, and take samples, for so long after the first access was stored."""
    offered, began_s = 0, None
    while began_s is None or time.monotonic() - began_s < seconds:
        stored = arena.rows(place, arena.WORKER.table)
        if offered - stored <= BACKLOG:
            _forget_what_is_stored(place)
            publisher.prepare(Plan(AT_A_TIME, PUBLISHED_PER_S))
            publisher.begin()
            publisher.finish()
            offered += AT_A_TIME
        if stored and began_s is None:
            began_s = time.monotonic()
        if began_s is not None:
            yield Sample(time.monotonic() - began_s, stored, worker.memory_info().rss / 1e6)
        time.sleep(SAMPLE_S)


def _forget_what_is_stored(place: Arena) -> None:
    """Delete records that the group has committed: half an hour of full load would fill a small disk."""
    with kafka_admin(place.admin.kafka) as admin:
        committed = admin.list_group_offsets({"soak": None})["soak"]
        behind = {
            TopicPartition(ACCESS_EVENTS, number): committed[TopicPartition(ACCESS_EVENTS, number)].offset
            for number in range(PARTITIONS)
            if TopicPartition(ACCESS_EVENTS, number) in committed
        }
        admin.delete_records({where: offset for where, offset in behind.items() if offset > 0})


def growth_an_hour(samples: Sequence[Sample]) -> float:
    """Give the slope of the resident memory once it has settled, in MB an hour, by least squares."""
    settled = [each for each in samples if each.at_s >= SETTLED_S]
    slope, _ = statistics.linear_regression(
        [each.at_s for each in settled], [each.resident_mb for each in settled]
    )
    return slope * 3_600


def _by_minute(samples: Sequence[Sample]) -> list[dict[str, float]]:
    """Give the median and the highest of each minute."""
    minutes: dict[int, list[Sample]] = {}
    for each in samples:
        minutes.setdefault(int(each.at_s // 60), []).append(each)
    return [
        {
            "minute": minute,
            "stored": of_it[-1].stored,
            "median_mb": round(statistics.median(each.resident_mb for each in of_it), 1),
            "most_mb": round(max(each.resident_mb for each in of_it), 1),
        }
        for minute, of_it in minutes.items()
    ]


def _show(samples: Sequence[Sample], minutes: Sequence[dict[str, float]]) -> None:
    table = Table(title=f"a worker under full load, {samples[-1].stored:,} accesses")
    for heading in ("minute", "stored", "resident MB, median", "most"):
        table.add_column(heading, justify="right")
    for each in minutes:
        table.add_row(
            str(each["minute"]), f"{each['stored']:,}", f"{each['median_mb']:.0f}", f"{each['most_mb']:.0f}"
        )
    Console().print(table)
    most = max(each.resident_mb for each in samples)
    print(
        f"most {most:.0f} MB (limit {MOST_MB:.0f}); {growth_an_hour(samples):+.1f} MB an hour after a minute"
    )


if __name__ == "__main__":
    sys.exit(main())
