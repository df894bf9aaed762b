"""`make bench`: events per second from topic to table, each contender alone, in turn, in one run."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from clickhouse_driver import Client
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata
from rich.console import Console
from rich.table import Table

from benchmarks import faust_idiomatic, judge, load, storage
from benchmarks.judge import Judged
from benchmarks.storage import Storage
from earwitness.cli import wiring
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.settings import ROOT, Settings
from models.topics import EVIDENCE_RECORDS

RESULTS: Final = Path(__file__).parent / "results" / "latest.json"
POLL_S: Final = 0.1
LONGEST_ROUND_S: Final = 600.0
PAGE_COLUMNS: Final = 120
WORTH_NAMING_BYTES: Final = 0.5
WORTH_NAMING_SHARE: Final = 0.01
LIBRARIES: Final = ("faust-streaming", "aiokafka", "clickhouse-driver", "pydantic", "msgspec", "chdb-core")


class Contender(NamedTuple):
    """A way from topic to table: its command (the group is appended), its table, what it can't do."""

    name: str
    command: tuple[str, ...]
    table: str
    cannot: tuple[str, ...]


class Round(NamedTuple):
    """One contender, once: rates between its first and its last stored row."""

    events_per_s: float
    events_per_cpu_s: float
    resident_mb: float


class Reading(NamedTuple):
    """How far a contender has come: rows stored, the instant, CPU seconds of all processes so far."""

    stored: int
    at_s: float
    cpu_s: float


CONTENDERS: Final = (
    Contender("earwitness", ("-m", "earwitness.cli.main", "worker"), "access_log", ()),
    Contender(
        "faust_idiomatic",
        ("-m", "benchmarks.faust_idiomatic"),
        faust_idiomatic.TABLE,
        ("exactly once", "copies", "dead letters", "findings"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Arena:
    """The stack, the events on its topic, and what every round needs to know of them."""

    admin: Settings
    client: Client
    servers: tuple[psutil.Process, ...]
    scratch: Path
    events: int


def main() -> int:
    """Start a stack of its own, publish once, let each contender work it off, print and keep the results."""
    asked = _arguments()
    say = Console(stderr=True).print
    say(f"judging with {asked.evidence:,} evidence records")
    judged = judge.measure(asked.evidence)
    with tempfile.TemporaryDirectory(prefix="earwitness-bench-") as folder:
        data_dir = Path(folder) / "data"
        control.fetch_kafka(Settings().maven_url, say)
        stack = control.start_detached(Options(data_dir=data_dir, workers=0))
        try:
            admin = state.settings_for(data_dir, "admin")
            say(f"publishing {asked.events:,} accesses and {asked.evidence:,} evidence records")
            events = load.publish(
                wiring.kafka(admin.kafka).arguments(), events=asked.events, evidence=asked.evidence
            )
            arena = Arena(
                admin=admin,
                client=Client(**wiring.clickhouse(admin.clickhouse)._asdict()),
                servers=tuple(psutil.Process(part.pid) for part in stack.processes if part.pid),
                scratch=Path(folder),
                events=events,
            )
            results = _compete(arena, asked.rounds, say)
            stored = storage.measure(arena.client, "access_log")
            arena.client.disconnect()
        finally:
            control.stop(layout_of(data_dir), say)
    _keep(results, stored, judged, events, asked.evidence)
    _show(results, events, asked.evidence)
    _show_storage(stored)
    _show_judged(judged)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--evidence", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


def _compete(arena: Arena, rounds: int, say: Callable[[str], None]) -> dict[str, list[Round]]:
    arena.client.execute(f"CREATE TABLE {faust_idiomatic.TABLE} AS access_log")
    results: dict[str, list[Round]] = {contender.name: [] for contender in CONTENDERS}
    for number in range(1, rounds + 1):
        for contender in CONTENDERS:
            for table in (contender.table, "range_ledger"):
                arena.client.execute(f"TRUNCATE TABLE {table} SYNC")
            say(f"round {number}: {contender.name}")
            results[contender.name].append(_one_round(arena, contender, f"bench-{number}-{contender.name}"))
    return results


def _one_round(arena: Arena, contender: Contender, group: str) -> Round:
    _commit_evidence(arena.admin, group)
    with _running(arena, contender, group) as process:
        first = _until(arena, contender.table, 1, process)
        last = _until(arena, contender.table, arena.events, process)
        resident_mb = process.memory_info().rss / 1e6
    counted = last.stored - first.stored
    return Round(counted / (last.at_s - first.at_s), counted / (last.cpu_s - first.cpu_s), resident_mb)


def _commit_evidence(admin: Settings, group: str) -> None:
    """Begin a round with the registers recorded: only the way of an access is measured."""
    consumer = KafkaConsumer(
        **wiring.kafka(admin.kafka).arguments(), group_id=group, enable_auto_commit=False
    )
    where = TopicPartition(EVIDENCE_RECORDS, 0)
    consumer.assign([where])
    end = consumer.end_offsets([where])[where]
    consumer.commit({where: OffsetAndMetadata(end, "", -1)})
    consumer.close()


@contextmanager
def _running(arena: Arena, contender: Contender, group: str) -> Iterator[psutil.Process]:
    command = [sys.executable, *contender.command]
    if contender.name != "earwitness":
        command += [group, str(arena.scratch)]
    process = subprocess.Popen(command, env=_environment(arena.admin, group), cwd=ROOT)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _environment(admin: Settings, group: str) -> Mapping[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "EARWITNESS_KAFKA__BOOTSTRAP": admin.kafka.bootstrap,
        "EARWITNESS_KAFKA__USERNAME": admin.kafka.username,
        "EARWITNESS_KAFKA__PASSWORD": admin.kafka.password.get_secret_value(),
        "EARWITNESS_CLICKHOUSE__HOST": admin.clickhouse.host,
        "EARWITNESS_CLICKHOUSE__PORT": str(admin.clickhouse.port),
        "EARWITNESS_CLICKHOUSE__USERNAME": admin.clickhouse.username,
        "EARWITNESS_CLICKHOUSE__PASSWORD": admin.clickhouse.password.get_secret_value(),
        "EARWITNESS_WORKER__GROUP": group,
    }


def _until(arena: Arena, table: str, wanted: int, process: psutil.Process) -> Reading:
    """Wait until the table has `wanted` rows."""
    deadline = time.monotonic() + LONGEST_ROUND_S
    count = 0
    while time.monotonic() < deadline:
        ((count,),) = arena.client.execute(f"SELECT count() FROM {table}")  # noqa: S608 - our own names
        if count >= wanted:
            return Reading(count, time.monotonic(), sum(map(_cpu_s, (process, *arena.servers))))
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise SystemExit(f"the contender writing {table} ended after {count} rows")
        time.sleep(POLL_S)
    raise SystemExit(f"{table} reached {count} of {wanted} rows within {LONGEST_ROUND_S:.0f} s")


def _cpu_s(process: psutil.Process) -> float:
    """Count the CPU seconds of a process and its children so far."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def _median(rounds: list[Round]) -> Round:
    return Round(*(statistics.median(values) for values in zip(*rounds, strict=True)))


def _keep(
    results: dict[str, list[Round]], stored: Storage, judged: Judged, events: int, evidence: int
) -> None:
    kept = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu_count": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in LIBRARIES},
        "settings": {"events": events, "evidence": evidence, "rounds": max(map(len, results.values()))},
        "contenders": {
            contender.name: {**_median(results[contender.name])._asdict(), "cannot": contender.cannot}
            for contender in CONTENDERS
        },
        "judge": judged._asdict(),
        "storage_bytes_per_event": {**stored.columns, "indexes": stored.indexes, "total": stored.total},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _show(results: dict[str, list[Round]], events: int, evidence: int) -> None:
    table = Table(title=f"{events:,} accesses, {evidence:,} evidence records, topic to table")
    for heading in (
        "contender",
        "events/s",
        "× idiomatic",
        "events per CPU-second*",
        "resident MB",
        "can't do",
    ):
        table.add_column(heading, justify="left" if heading in {"contender", "can't do"} else "right")
    slowest = _median(results["faust_idiomatic"]).events_per_s
    for contender in CONTENDERS:
        median = _median(results[contender.name])
        table.add_row(
            contender.name,
            f"{median.events_per_s:,.0f}",
            f"{median.events_per_s / slowest:.1f}",
            f"{median.events_per_cpu_s:,.0f}",
            f"{median.resident_mb:,.0f}",
            ", ".join(contender.cannot) or "–",
        )
    Console(width=PAGE_COLUMNS).print(table)
    print("* of the contender, Kafka and ClickHouse together")


def _show_storage(stored: Storage) -> None:
    """Print what an access costs on disk; columns that cost next to nothing are added up."""
    dear = {name: size for name, size in stored.columns.items() if size >= WORTH_NAMING_BYTES}
    rest = sum(stored.columns.values()) - sum(dear.values())
    table = Table(title=f"on disk: {stored.total:.1f} bytes an access")
    table.add_column("column")
    table.add_column("bytes", justify="right")
    for name, size in dear.items():
        table.add_row(name, f"{size:.1f}")
    table.add_row(f"{len(stored.columns) - len(dear)} more", f"{rest:.1f}")
    table.add_row("indexes", f"{stored.indexes:.1f}")
    Console(width=PAGE_COLUMNS).print(table)


def _show_judged(judged: Judged) -> None:
    """Print what a judgement takes, and on which mix; kinds that hardly occur are added up."""
    frequent = {kind: share for kind, share in judged.mix.items() if share >= WORTH_NAMING_SHARE}
    table = Table(
        title=f"the judge: {judged.ns_per_access / 1000:.1f} µs an access,"
        f" {judged.evidence_records:,} evidence records"
    )
    table.add_column("access")
    table.add_column("of the mix", justify="right")
    for kind, share in frequent.items():
        table.add_row(kind, f"{share:.1%}")
    table.add_row(
        f"{len(judged.mix) - len(frequent)} more kinds",
        f"{sum(judged.mix.values()) - sum(frequent.values()):.1%}",
    )
    Console(width=PAGE_COLUMNS).print(table)


if __name__ == "__main__":
    sys.exit(main())
