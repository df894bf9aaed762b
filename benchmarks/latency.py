"""`python -m benchmarks.latency`: from publishing an access to the moment at which a reader can find it.

The sustained rate is measured first: as many accesses as one worker stores while they are published on
the same machine. Then they are published at shares of that rate, and one at a time while nothing else comes.
"""

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from clickhouse_driver import Client
from rich.console import Console
from rich.table import Table

from benchmarks import arena, paced, processor, visible
from benchmarks.arena import Arena
from benchmarks.keeping import keep
from benchmarks.paced import PARTITIONS, Plan, Publisher, Sent
from benchmarks.visible import Arrivals, Look, arrivals, quantile
from earwitness.cli import wiring
from earwitness.devstack import state

RESULTS: Final = Path(__file__).parent / "results" / "latency.json"
TARGET_S: Final = 2.0
HALF: Final = 0.5
SHARES: Final = (0.1, HALF, 1.0)
GROUP: Final = "latency"
READER: Final = "earwitness_reader"
PAGE_COLUMNS: Final = 120

WARM_UP: Final = Plan(2_400, 1_200)
GUESSED_RATE: Final = 25_000
"""How fast accesses are cut into batches while the sustained rate is not known."""

MOST_AHEAD: Final = 60_000
SETTLING_S: Final = 5.0
"""What the first seconds store says little of the rate: the worker begins with what waits."""

LONE_PAUSE_S: Final = 0.01
LONGEST_WAIT_BEFORE_S: Final = 1.0
"""Lone accesses come at any moment of whatever happens every so often."""


class Stage(NamedTuple):
    """What accesses went through at one rate, in seconds unless the name says otherwise."""

    rate: float
    accesses: int
    p50_s: float
    p99_s: float
    max_s: float
    unsure_p50_s: float
    unsure_p99_s: float
    publisher_behind_s: float
    bytes_an_access: float
    """In the topic."""
    ranges: int
    cores: Mapping[str, float]


class _Mark(NamedTuple):
    """How far the worker has come at an instant, and what took the processor until then."""

    at_s: float
    stored: int
    spent: processor.Spent


@dataclass
class Bench:
    """A worker at work, whoever publishes to it, and how far a reader sees."""

    place: Arena
    publisher: Publisher
    reader: Client
    kinds: processor.Kinds
    last: Look

    def stage(self, plan: Plan, pause_s: float = visible.PAUSE_S) -> Stage:
        """Publish what the plan wants and wait until all of it can be read."""
        self.publisher.prepare(plan)
        arena.let_merges_end(self.place)
        before, ranges, spent = self.last, self._ranges(), processor.spent(self.kinds)
        wanted = {number: before.reached[number] + len(due) for number, due in _due(plan, 0.0).items()}
        began_s = time.monotonic()
        self.publisher.begin()
        seen = [before, *visible.looks(self.reader, before, wanted, pause_s)]
        sent = self.publisher.finish()
        took_s = time.monotonic() - began_s
        self.last = seen[-1]
        used = processor.between(spent, processor.spent(self.kinds))
        return _stage(
            plan,
            sent,
            arrivals(seen, _due(plan, sent.began_s)),
            self._ranges() - ranges,
            {name: round(seconds / took_s, 3) for name, seconds in used.items()},
        )

    def sustained(self, accesses: int) -> tuple[float, Mapping[str, float]]:
        """Measure how many a second are stored while as many are published; and what took the processor."""
        self.publisher.prepare(Plan(accesses, GUESSED_RATE, min(MOST_AHEAD, accesses // PARTITIONS)))
        before = self._rows()
        self.publisher.begin()
        began = first = last = self._mark(before)
        while not self.publisher.has_ended:
            last = self._mark(before)
            self.publisher.tell(last.stored)
            if last.at_s - began.at_s < SETTLING_S:
                first = last
            time.sleep(arena.POLL_S)
        self.publisher.finish()
        while self._rows() - before < accesses:
            time.sleep(arena.POLL_S)
        self.last = visible.look(self.reader, self.last.reached)
        if first is last:
            first = began
        took_s = last.at_s - first.at_s
        used = processor.between(first.spent, last.spent)
        return (last.stored - first.stored) / took_s, {
            name: round(each / took_s, 3) for name, each in used.items()
        }

    def _mark(self, before: int) -> _Mark:
        return _Mark(time.monotonic(), self._rows() - before, processor.spent(self.kinds))

    def _rows(self) -> int:
        return arena.rows(self.place, arena.WORKER.table)

    def _ranges(self) -> int:
        return arena.rows(self.place, "range_ledger")


def main() -> int:
    """Measure, print, keep."""
    asked = _arguments()
    say = Console(stderr=True).print
    with opened(asked.evidence, asked.different, say) as bench:
        bench.stage(WARM_UP)
        say(f"{asked.lone} accesses, each alone")
        lone = _lone(bench, asked.lone)
        say("the sustained rate")
        rates = [bench.sustained(asked.accesses) for _ in range(asked.rounds)]
        rate = statistics.median(each for each, _ in rates)
        stages: dict[float, list[Stage]] = {share: [] for share in SHARES}
        for number in range(asked.rounds):
            for share in SHARES:
                say(f"round {number + 1}: {share:.0%} of {rate:,.0f} a second")
                plan = Plan(int(rate * share * asked.seconds) // PARTITIONS * PARTITIONS, rate * share)
                stages[share].append(bench.stage(plan))
    kept = {
        "settings": {
            "evidence": asked.evidence,
            "accesses": asked.accesses,
            "seconds": asked.seconds,
            "rounds": asked.rounds,
            "look_every_s": visible.PAUSE_S,
            "look_every_s_for_lone": LONE_PAUSE_S,
            "publisher_lingers_s": paced.TICK_S,
        },
        "sustained": {
            "events_per_s": rate,
            "rounds": [{"events_per_s": each, "cores": cores} for each, cores in rates],
        },
        "lone": _summary([lone]),
        "shares": {f"{share:g}": _summary(rounds) for share, rounds in stages.items()},
    }
    keep(asked.results, kept)
    _show(rate, lone, stages)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--accesses", type=int, default=500_000, help="published for the sustained rate")
    parser.add_argument("--different", type=int, default=paced.DAY_EVENTS, help="accesses of the day")
    parser.add_argument("--evidence", type=int, default=100_000, help="records in the registers")
    parser.add_argument("--lone", type=int, default=50, help="accesses on an idle system")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each rate lasts")
    parser.add_argument("--rounds", type=int, default=3, help="by turns; medians are given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file that keeps them")
    return parser.parse_args()


@contextmanager
def opened(evidence: int, different: int, say: arena.Say) -> Iterator[Bench]:
    """Start a stack, a publisher and a worker."""
    with arena.stack(say) as place:
        reader = _reader(place)
        kafka = wiring.kafka(place.admin.kafka).arguments()
        say(f"publishing {evidence:,} evidence records")
        with paced.publisher(kafka, evidence=evidence, events=different) as publisher:
            arena.account_for_evidence(place, GROUP)
            with arena.running(place, arena.WORKER, GROUP) as worker:
                kinds = {
                    "worker": [worker],
                    **{name: [server] for name, server in place.servers.items()},
                    "publisher": [psutil.Process(publisher.pid)],
                }
                nothing = visible.look(reader, dict.fromkeys(range(PARTITIONS), 0))
                yield Bench(place, publisher, reader, kinds, nothing)
        reader.disconnect()


def _reader(place: Arena) -> Client:
    """Connect as whoever may read the views and nothing else."""
    settings = state.settings_for(place.data_dir, "api").clickhouse
    password = settings.reader_password.get_secret_value()
    return Client(**wiring.clickhouse(settings)._replace(user=READER, password=password)._asdict())


def _lone(bench: Bench, times: int) -> Stage:
    """Publish one access after the other, each when nothing has been under way for a while."""
    rng = random.Random(0)  # noqa: S311 - a moment, not a secret
    stages = []
    for _ in range(times):
        time.sleep(LONGEST_WAIT_BEFORE_S * (1 + rng.random()))
        stages.append(bench.stage(Plan(1, 1 / paced.TICK_S), LONE_PAUSE_S))
    took = sorted(stage.max_s for stage in stages)
    unsure = sorted(stage.unsure_p50_s for stage in stages)
    return stages[0]._replace(
        rate=0.0,
        accesses=times,
        p50_s=quantile(took, 0.5),
        p99_s=quantile(took, 0.99),
        max_s=took[-1],
        unsure_p50_s=quantile(unsure, 0.5),
        unsure_p99_s=quantile(unsure, 0.99),
        publisher_behind_s=max(stage.publisher_behind_s for stage in stages),
        ranges=sum(stage.ranges for stage in stages),
        cores={name: statistics.mean(each.cores[name] for each in stages) for name in stages[0].cores},
    )


def _due(plan: Plan, began_s: float) -> dict[int, list[float]]:
    """Give the instants at which the accesses of each partition are due, in the order of their offsets."""
    return {
        partition: [began_s + number / plan.rate for number in range(partition, plan.events, PARTITIONS)]
        for partition in range(PARTITIONS)
    }


def _stage(plan: Plan, sent: Sent, arrived: Arrivals, ranges: int, cores: Mapping[str, float]) -> Stage:
    return Stage(
        rate=plan.rate,
        accesses=len(arrived.latencies_s),
        p50_s=quantile(arrived.latencies_s, 0.5),
        p99_s=quantile(arrived.latencies_s, 0.99),
        max_s=arrived.latencies_s[-1],
        unsure_p50_s=quantile(arrived.unsure_s, 0.5),
        unsure_p99_s=quantile(arrived.unsure_s, 0.99),
        publisher_behind_s=sent.latest_s,
        bytes_an_access=sent.size_bytes / plan.events,
        ranges=ranges,
        cores=cores,
    )


def _summary(rounds: Sequence[Stage]) -> dict[str, object]:
    return {
        "p50_s": round(statistics.median(each.p50_s for each in rounds), 3),
        "p99_s": round(statistics.median(each.p99_s for each in rounds), 3),
        "rounds": [each._asdict() for each in rounds],
    }


def _show(rate: float, lone: Stage, stages: Mapping[float, Sequence[Stage]]) -> None:
    table = Table(title=f"publish to visible; 100 % are {rate:,.0f} accesses a second")
    for heading in ("load", "accesses/s", "p50 s", "p99 s", "longest s", "unsure by s", "accesses a range"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    for name, rounds in {
        "one, alone": [lone],
        **{f"{share:.0%}": each for share, each in stages.items()},
    }.items():
        figures = [
            statistics.median(getattr(each, field) for each in rounds)
            for field in ("p50_s", "p99_s", "max_s", "unsure_p50_s")
        ]
        table.add_row(
            name,
            f"{rounds[0].rate:,.0f}" if rounds[0].rate else "",
            *(f"{figure:.2f}" for figure in figures),
            f"{statistics.median(each.accesses / each.ranges for each in rounds):,.0f}",
        )
    Console(width=PAGE_COLUMNS).print(table)
    at_half = statistics.median(each.p99_s for each in stages[HALF])
    met = "met" if at_half <= TARGET_S else "missed"
    print(f"p99 at half load: {at_half:.2f} s, target {TARGET_S:.0f} s: {met}")
    print("cores, of which the machine has", os.cpu_count())
    for share, rounds in stages.items():
        names = rounds[0].cores
        taken = {name: statistics.median(each.cores[name] for each in rounds) for name in names}
        print(f"{share:>6.0%}  " + ", ".join(f"{name} {cores:.2f}" for name, cores in taken.items()))


if __name__ == "__main__":
    sys.exit(main())
