"""`python -m benchmarks.scale`: what a million accesses take with 1, 2 and 4 workers on 8 partitions.

The workers have joined their group and wait when the accesses are published, at once; what is counted
begins there and ends when nothing is left to merge, so no start is in it. The publisher is stated apart.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from kafka import KafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks import arena, paced, processor
from benchmarks.arena import Arena
from benchmarks.keeping import keep
from benchmarks.paced import PARTITIONS, Plan, Publisher
from earwitness.cli import wiring
from earwitness.devstack.provision import kafka_admin
from models.topics import ACCESS_EVENTS

RESULTS: Final = Path(__file__).parent / "results" / "scale.json"
WORKERS: Final = (1, 2, 4)
MERGES: Final = "merges_after"
"""What ClickHouse takes after the last row, until nothing is left to merge."""

MOST: Final = 1.10
"""How much more CPU several workers may take than one."""

PUBLISHED_PER_S: Final = 200_000.0
LONGEST_JOINING_S: Final = 90.0
LONGEST_STANDSTILL_S: Final = 120.0
STABLE_S: Final = 2.0
"""How long a group must stand as it is: then its members own their partitions."""

PAGE_COLUMNS: Final = 120
MILLION: Final = 1_000_000


class Round(NamedTuple):
    """What one number of workers took, once; seconds of CPU for a million accesses, by kind of process."""

    workers: int
    events_per_s: float
    cpu_s: Mapping[str, float]
    """`idle` are the API and the reconciler, which have nothing to do."""
    publisher_cpu_s: float
    """For a million accesses, encoded beforehand; not among those of `cpu_s`."""
    start_cpu_s: float
    """Of one worker, from its start until it owns its partitions."""
    accesses_a_range: float
    rows_merged: float
    """Rows that merges wrote, for each row."""
    resident_mb: float
    """Of one worker, at the end."""
    elsewhere_cores: float

    @property
    def total_cpu_s(self) -> float:
        """Seconds of CPU for a million accesses, of all processes, with the merges that were left."""
        return sum(self.cpu_s.values())


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The stack, whoever publishes, and how many accesses."""

    place: Arena
    publisher: Publisher
    accesses: int

    def once(self, workers: int, group: str) -> Round:
        """Have so many workers store all accesses."""
        for table in (arena.WORKER.table, "range_ledger"):
            self.place.client.execute(f"TRUNCATE TABLE {table} SYNC")
        _empty_topic(self.place)
        arena.account_for_evidence(self.place, group)
        # Encoded for every round anew: their ids say when they were made.
        self.publisher.prepare(Plan(self.accesses, PUBLISHED_PER_S))
        with ExitStack() as stack:
            running = [
                stack.enter_context(arena.running(self.place, arena.WORKER, group)) for _ in range(workers)
            ]
            _until_joined(self.place, group, workers)
            start_cpu_s = sum(map(arena.cpu_s, running)) / workers
            arena.let_merges_end(self.place)
            if self._rows():
                raise SystemExit("workers that were to be idle have stored something")
            return self._measured(running, start_cpu_s)

    def _measured(self, running: Sequence[psutil.Process], start_cpu_s: float) -> Round:
        servers = dict(self.place.servers)
        kinds: processor.Kinds = {
            "workers": running,
            "clickhouse": [servers.pop("clickhouse")],
            "kafka": [servers.pop("kafka")],
            "idle": list(servers.values()),
        }
        merged, ranges = self._merged_rows(), self._ranges()
        began_s, spent = time.monotonic(), processor.spent(kinds)
        self.publisher.begin()
        self._wait_for_rows()
        sent = self.publisher.finish()
        ended_s, spent_later = time.monotonic(), processor.spent(kinds)
        resident_mb = statistics.mean(process.memory_info().rss for process in running) / 1e6
        used = processor.between(spent, spent_later)
        arena.let_merges_end(self.place)
        left = processor.between(spent_later, processor.spent(kinds))["clickhouse"]
        per_million = MILLION / self.accesses
        elsewhere = used.pop(processor.OTHERS) - sent.cpu_s
        return Round(
            workers=len(running),
            events_per_s=self.accesses / (ended_s - began_s),
            cpu_s={name: seconds * per_million for name, seconds in {**used, MERGES: left}.items()},
            publisher_cpu_s=sent.cpu_s * per_million,
            start_cpu_s=start_cpu_s,
            accesses_a_range=self.accesses / (self._ranges() - ranges),
            rows_merged=(self._merged_rows() - merged) / self.accesses,
            resident_mb=resident_mb,
            elsewhere_cores=elsewhere / (ended_s - began_s),
        )

    def _wait_for_rows(self) -> None:
        count, grown_at_s = self._rows(), time.monotonic()
        while count < self.accesses:
            time.sleep(arena.POLL_S)
            before, count = count, self._rows()
            if count > before:
                grown_at_s = time.monotonic()
            if time.monotonic() - grown_at_s > LONGEST_STANDSTILL_S:
                raise SystemExit(f"stood still at {count:,} of {self.accesses:,} rows")

    def _rows(self) -> int:
        return arena.rows(self.place, arena.WORKER.table)

    def _ranges(self) -> int:
        return arena.rows(self.place, "range_ledger")

    def _merged_rows(self) -> int:
        found = self.place.client.execute("SELECT value FROM system.events WHERE event = 'MergedRows'")
        return int(found[0][0]) if found else 0


def main() -> int:
    """Measure by turns, print, keep."""
    asked = _arguments()
    say = Console(stderr=True).print
    rounds: list[dict[int, Round]] = []
    with arena.stack(say) as place:
        kafka = wiring.kafka(place.admin.kafka).arguments()
        with paced.publisher(kafka, evidence=asked.evidence, events=asked.different) as publisher:
            bench = Bench(place=place, publisher=publisher, accesses=asked.accesses)
            for number in range(1, asked.rounds + 1):
                shown: dict[int, Round] = {}
                for workers in WORKERS if number % 2 else reversed(WORKERS):
                    say(f"round {number}: {workers} workers")
                    shown[workers] = bench.once(workers, f"scale-{number}-{workers}")
                rounds.append(shown)
                _keep(asked, rounds)
    _show(asked, rounds)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--accesses", type=int, default=400_000, help="stored in each round")
    parser.add_argument("--different", type=int, default=paced.DAY_EVENTS, help="accesses of the day")
    parser.add_argument("--evidence", type=int, default=100_000, help="records in the registers")
    parser.add_argument("--rounds", type=int, default=3, help="by turns; medians are given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file that keeps them")
    return parser.parse_args()


def _empty_topic(place: Arena) -> None:
    """Delete what earlier rounds published: a group that is new would store it before it is idle."""
    consumer = KafkaConsumer(**wiring.kafka(place.admin.kafka).arguments())
    partitions = [TopicPartition(ACCESS_EVENTS, number) for number in range(PARTITIONS)]
    ends = consumer.end_offsets(partitions)
    consumer.close()
    with kafka_admin(place.admin.kafka) as admin:
        admin.delete_records({partition: end for partition, end in ends.items() if end})


def _until_joined(place: Arena, group: str, workers: int) -> None:
    """Wait until so many members share all partitions and have done so for a while."""
    deadline = time.monotonic() + LONGEST_JOINING_S
    with kafka_admin(place.admin.kafka) as admin:
        joined_at_s: float | None = None
        while time.monotonic() < deadline:
            described = admin.describe_groups([group])[group]
            if _is_shared(described, workers):
                joined_at_s = joined_at_s or time.monotonic()
                if time.monotonic() - joined_at_s > STABLE_S:
                    return
            else:
                joined_at_s = None
            time.sleep(arena.POLL_S)
    raise SystemExit(f"{workers} workers did not join within {LONGEST_JOINING_S:.0f} s")


def _is_shared(described: Mapping[str, object], workers: int) -> bool:
    members = described["members"]
    return (
        described["group_state"] == "Stable"
        and isinstance(members, Sequence)
        and len(members) == workers
        and sum(str(member).count(ACCESS_EVENTS) > 0 for member in members) == workers
    )


def ratios(rounds: Sequence[Mapping[int, Round]]) -> dict[int, float]:
    """Say how much CPU each number of workers took beside one, in the median of the rounds.

    Rounds are compared with their neighbours, for a machine's pace drifts.
    """
    return {
        workers: statistics.median(each[workers].total_cpu_s / each[1].total_cpu_s for each in rounds)
        for workers in rounds[0]
    }


def medians(rounds: Sequence[Round]) -> dict[str, object]:
    """Give the median of each figure."""
    return {
        "events_per_s": statistics.median(each.events_per_s for each in rounds),
        "cpu_s_per_million": {
            **{name: statistics.median(each.cpu_s[name] for each in rounds) for name in rounds[0].cpu_s},
            "total": statistics.median(each.total_cpu_s for each in rounds),
        },
        **{
            name: statistics.median(getattr(each, name) for each in rounds)
            for name in (
                "publisher_cpu_s",
                "start_cpu_s",
                "accesses_a_range",
                "rows_merged",
                "resident_mb",
                "elsewhere_cores",
            )
        },
    }


def _keep(asked: argparse.Namespace, rounds: Sequence[Mapping[int, Round]]) -> None:
    kept = {
        "settings": {"accesses": asked.accesses, "evidence": asked.evidence, "rounds": len(rounds)},
        "workers": {
            str(workers): {**medians([each[workers] for each in rounds]), "cpu_beside_one": ratio}
            for workers, ratio in ratios(rounds).items()
        },
        "rounds": [{str(workers): one._asdict() for workers, one in each.items()} for each in rounds],
    }
    keep(asked.results, kept)


def _show(asked: argparse.Namespace, rounds: Sequence[Mapping[int, Round]]) -> None:
    table = Table(title=f"CPU seconds for a million accesses; medians of {asked.rounds} x {asked.accesses:,}")
    kinds = [*rounds[0][1].cpu_s]
    for heading in ("workers", *kinds, "all", "beside one", "accesses a range", "start, each"):
        table.add_column(heading, justify="right")
    beside_one = ratios(rounds)
    for workers, ratio in beside_one.items():
        of_it = [each[workers] for each in rounds]
        table.add_row(
            str(workers),
            *(f"{statistics.median(each.cpu_s[kind] for each in of_it):.1f}" for kind in kinds),
            f"{statistics.median(each.total_cpu_s for each in of_it):.1f}",
            f"{ratio:.2f}",
            f"{statistics.median(each.accesses_a_range for each in of_it):,.0f}",
            f"{statistics.median(each.start_cpu_s for each in of_it):.1f} s",
        )
    Console(width=PAGE_COLUMNS).print(table)
    met = "met" if max(beside_one.values()) <= MOST else "missed"
    print(f"within {MOST - 1:.0%} of one worker: {met}")


if __name__ == "__main__":
    sys.exit(main())
