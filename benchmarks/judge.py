"""How long one judgement takes, with a full register next to the judge.

`make bench` keeps the figure. `python -m benchmarks.judge` prints it alone, from the root of the repository,
with what each kind of access takes, and what the register costs.
"""

import json
import sys
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.load import SEED
from earwitness.demo.day import Day, simulate
from earwitness.policy import EvidenceIndex, PolicySet, judge
from earwitness.policy_files import read_policies
from models.evidence import EvidenceRecord
from streams.wire import read_access

RECORDS: Final = 100_000
ACCESSES: Final = 20_000
BATCH: Final = 1_000
REPEATS: Final = 7
NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICIES: Final = Path(__file__).resolve().parent.parent / "policies"


class Judged(NamedTuple):
    """What a judgement took on the whole day, and what the day consists of: the share of each kind."""

    ns_per_access: float
    evidence_records: int
    accesses: int
    mix: Mapping[str, float]


class Bench(NamedTuple):
    """A judge with its register, and accesses as bytes, by kind; those of all kinds as they came."""

    policies: PolicySet
    index: EvidenceIndex
    day: Sequence[bytes]
    by_kind: Mapping[str, Sequence[bytes]]


def measure(evidence: int) -> Judged:
    """Measure the judge on the demo's day."""
    day = simulate(NOW, SEED, ACCESSES, evidence)
    return _measured(_set_up(day, filled(day.evidence)))


def filled(records: Sequence[EvidenceRecord]) -> EvidenceIndex:
    """Put every record into an index."""
    index = EvidenceIndex()
    for version, record in enumerate(records):
        index.put(record, version)
    return index


def _set_up(day: Day, index: EvidenceIndex) -> Bench:
    by_kind: defaultdict[str, list[bytes]] = defaultdict(list)
    events = []
    for access in day.accesses:
        value = json.dumps(access.event).encode()
        events.append(value)
        by_kind[_kind(access.event)].append(value)
    by_size = sorted(by_kind.items(), key=lambda kind: len(kind[1]), reverse=True)
    return Bench(read_policies(POLICIES), index, events, dict(by_size))


def _kind(event: Mapping[str, Any]) -> str:
    said = [name for name in ("purpose", "evidence_ref") if event.get(name) is not None]
    return f"{event['actor_type']}: {' and '.join(said) or 'nothing'} declared"


def _measured(bench: Bench) -> Judged:
    mix = {kind: round(len(events) / len(bench.day), 3) for kind, events in bench.by_kind.items()}
    return Judged(round(judging_ns(bench, bench.day)), len(bench.index), len(bench.day), mix)


def judging_ns(bench: Bench, events: Sequence[bytes]) -> float:
    """Give the nanoseconds that the judge takes for one of `events`."""
    policies, index = bench.policies, bench.index

    def judged(batch: Sequence[Any]) -> None:
        for event in batch:
            judge(event, policies, index, received_at=NOW, as_of=NOW)

    return best_ns(judged, events)


def best_ns(work: Callable[[Sequence[Any]], object], events: Sequence[bytes]) -> float:
    """Measure what is done with accesses, several times; of each batch the best is the least disturbed.

    They are read anew in batches, as a worker reads them. That is not measured, but it matters: what was
    judged before has its hashes computed.
    """
    rounds = [[_taken_ns(work, batch) for batch in _read_in_batches(events)] for _ in range(REPEATS)]
    return sum(min(of_batch) for of_batch in zip(*rounds, strict=True)) / len(events)


def _taken_ns(work: Callable[[Sequence[Any]], object], batch: Sequence[Any]) -> int:
    begun = time.thread_time_ns()
    work(batch)
    return time.thread_time_ns() - begun


def _read_in_batches(events: Sequence[bytes]) -> Iterator[Sequence[Any]]:
    left = iter(events)
    while values := list(islice(left, BATCH)):
        yield [read_access(value, ())[0] for value in values]


def main() -> None:
    """Measure and print."""
    day = simulate(NOW, SEED, ACCESSES, RECORDS)
    tracemalloc.start()
    index = filled(day.evidence)
    held_mb = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    begun = time.thread_time_ns()
    filled(day.evidence)
    put_ns = (time.thread_time_ns() - begun) / len(day.evidence)
    print(f"{len(index):,} records in the index: {held_mb:.0f} MB; put: {put_ns:,.0f} ns a record")
    bench = _set_up(day, index)
    judged = _measured(bench)
    nothing_ns = best_ns(_do_nothing, bench.day)
    print(f"the demo's mix: {judged.ns_per_access:,} ns an access; Python {sys.version.split()[0]}")
    print(f"a call that does nothing: {nothing_ns:,.0f} ns")
    for kind, events in bench.by_kind.items():
        print(f"{judged.mix[kind]:6.1%}  {judging_ns(bench, events):6,.0f} ns  {kind}")


def _do_nothing(batch: Sequence[object]) -> None:
    for event in batch:
        _nothing(event)


def _nothing(_event: object) -> None:
    pass


if __name__ == "__main__":
    main()
