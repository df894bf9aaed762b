"""Where contenders are measured: a stack of their own, the same events for each, one after the other."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import clickhouse_driver.errors
import psutil
from clickhouse_driver import Client
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from benchmarks import load
from earwitness.cli import wiring
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.settings import ROOT, Settings
from models.topics import EVIDENCE_RECORDS

POLL_S: Final = 0.1
CLICKHOUSE_MEMORY_MB: Final = 2_048
"""More than the embedded stack allows: ClickHouse's own engine works within the server, and at 700 MB it ends
after a quarter of a million accesses."""

LONGEST_STANDSTILL_S: Final = 120.0
"""A contender whose table has not grown for so long is given up; its start counts, too."""

LONGEST_END_S: Final = 20.0
LONGEST_MERGE_S: Final = 120.0

Say = Callable[[str], None]


class Contender(NamedTuple):
    """A way from topic to table: its command, its table, what it can't do; settings by environment.

    `python` runs the command. Where a server does the work in its stead, `lives_in` names it: that
    server's memory is then the contender's.
    """

    name: str
    command: tuple[str, ...]
    table: str
    cannot: tuple[str, ...]
    python: str = sys.executable
    lives_in: str | None = None


class Round(NamedTuple):
    """One contender, once: rates between its first and its last stored row.

    From its start where it stored all rows at once, as it may do with few of them.
    """

    events_per_s: float
    events_per_cpu_s: float
    resident_mb: float


class Reading(NamedTuple):
    """How far a contender has come: rows stored, the instant, CPU seconds of all processes so far."""

    stored: int
    at_s: float
    cpu_s: float


WORKER: Final = Contender("earwitness", ("-m", "earwitness.cli.main", "worker"), "access_log", ())


@dataclass(frozen=True, kw_only=True)
class Arena:
    """The stack, the events on its topic, and what every round needs to know of them."""

    admin: Settings
    client: Client
    servers: Mapping[str, psutil.Process]
    data_dir: Path
    events: int = 0


@contextmanager
def opened(events: int, evidence: int, say: Say) -> Iterator[Arena]:
    """Start a stack without workers, publish once, and stop it in the end."""
    with stack(say) as place:
        say(f"publishing {events:,} accesses and {evidence:,} evidence records")
        kafka = wiring.kafka(place.admin.kafka).arguments()
        yield replace(place, events=load.publish(kafka, events=events, evidence=evidence))


@contextmanager
def stack(say: Say) -> Iterator[Arena]:
    """Start a stack without workers and events, and stop it in the end."""
    with tempfile.TemporaryDirectory(prefix="earwitness-bench-") as folder:
        data_dir = Path(folder) / "data"
        control.fetch_kafka(Settings().maven_url, say)
        started = control.start_detached(
            Options(
                data_dir=data_dir,
                workers=0,
                logins=("SCRAM-SHA-256", "PLAIN"),
                clickhouse_memory_mb=CLICKHOUSE_MEMORY_MB,
            )
        )
        try:
            admin = state.settings_for(data_dir, "admin")
            client = Client(**wiring.clickhouse(admin.clickhouse)._asdict())
            yield Arena(
                admin=admin,
                client=client,
                servers={part.name: psutil.Process(part.pid) for part in started.processes if part.pid},
                data_dir=data_dir,
            )
            client.disconnect()
        finally:
            control.stop(layout_of(data_dir), say)


def compete(arena: Arena, contenders: Sequence[Contender], rounds: int, say: Say) -> dict[str, list[Round]]:
    """Give what each contender showed in each of the rounds."""
    results: dict[str, list[Round]] = {contender.name: [] for contender in contenders}
    for shown in turns(arena, contenders, rounds, say):
        for contender, figures in shown.items():
            results[contender.name].append(figures)
    return results


def turns(
    arena: Arena, contenders: Sequence[Contender], rounds: int, say: Say
) -> Iterator[dict[Contender, Round]]:
    """Have each contender work off all events, `rounds` times, by turns: what disturbs one disturbs all.

    Who goes first changes with the rounds, since a server warms up.
    """
    for table in {contender.table for contender in contenders} - {WORKER.table}:
        arena.client.execute(f"CREATE TABLE {table} AS {WORKER.table}")
    for number in range(1, rounds + 1):
        shown: dict[Contender, Round] = {}
        for contender in contenders if number % 2 else reversed(contenders):
            for table in (contender.table, "range_ledger"):
                arena.client.execute(f"TRUNCATE TABLE {table} SYNC")
            let_merges_end(arena)
            say(f"round {number}: {contender.name}")
            shown[contender] = _one_round(arena, contender, f"bench-{number}-{contender.name}")
        yield shown


def median(rounds: Sequence[Round]) -> Round:
    """Give the median of each figure."""
    return Round(*(statistics.median(values) for values in zip(*rounds, strict=True)))


def _one_round(arena: Arena, contender: Contender, group: str) -> Round:
    account_for_evidence(arena, group)
    with running(arena, contender, group) as process:
        try:
            began = _read(arena, 0, process)
            first = _until(arena, contender, 1, process)
            last = _until(arena, contender, arena.events, process)
        except (psutil.NoSuchProcess, clickhouse_driver.errors.Error, OSError, EOFError) as error:
            raise SystemExit(f"the stack broke under {contender.name}: {error!r}") from error
        resident_mb = arena.servers.get(contender.lives_in or "", process).memory_info().rss / 1e6
    if first.stored == last.stored:
        first = began
    counted = last.stored - first.stored
    return Round(counted / (last.at_s - first.at_s), counted / (last.cpu_s - first.cpu_s), resident_mb)


def account_for_evidence(arena: Arena, group: str) -> None:
    """Begin a round with the registers recorded: only the way of an access is measured."""
    consumer = KafkaConsumer(
        **wiring.kafka(arena.admin.kafka).arguments(), group_id=group, enable_auto_commit=False
    )
    where = TopicPartition(EVIDENCE_RECORDS, 0)
    consumer.assign([where])
    end = consumer.end_offsets([where])[where]
    consumer.commit({where: OffsetAndMetadata(end, "", -1)})
    consumer.close()
    arena.client.execute(
        "INSERT INTO range_ledger (received_day, topic, partition, first_offset, last_offset, attempt,"
        " row_count) VALUES",
        [(datetime.now(UTC).date(), EVIDENCE_RECORDS, 0, 0, end - 1, 1, end)],
    )


@contextmanager
def running(arena: Arena, contender: Contender, group: str) -> Iterator[psutil.Process]:
    """Start a contender and stop it in the end."""
    process = subprocess.Popen(
        [contender.python, *contender.command], env=_environment(arena.admin, group), cwd=ROOT
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(LONGEST_END_S)
        except subprocess.TimeoutExpired:
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


def _until(arena: Arena, contender: Contender, wanted: int, process: psutil.Process) -> Reading:
    """Wait until the table has `wanted` rows; end the benchmark where it stands still or its writer ended."""
    who = f"{contender.name}, which writes {contender.table},"
    count, grown_at = 0, time.monotonic()
    while time.monotonic() - grown_at < LONGEST_STANDSTILL_S:
        before, count = count, rows(arena, contender.table)
        if count >= wanted:
            return _read(arena, count, process)
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise SystemExit(f"{who} ended after {count:,} of {arena.events:,} rows; see what it said above")
        if count > before:
            grown_at = time.monotonic()
        time.sleep(POLL_S)
    raise SystemExit(
        f"{who} has stood still at {count:,} of {arena.events:,} rows for {LONGEST_STANDSTILL_S:.0f} s"
    )


def _read(arena: Arena, stored: int, process: psutil.Process) -> Reading:
    return Reading(stored, time.monotonic(), sum(map(cpu_s, (process, *arena.servers.values()))))


def rows(arena: Arena, table: str) -> int:
    """Count the rows of a table."""
    ((count,),) = arena.client.execute(f"SELECT count() FROM {table}")  # noqa: S608 - our own names
    return int(count)


def let_merges_end(arena: Arena) -> None:
    """Wait until the last contender's parts are merged: the next one is not to pay for them."""
    deadline = time.monotonic() + LONGEST_MERGE_S
    while arena.client.execute("SELECT 1 FROM system.merges LIMIT 1") and time.monotonic() < deadline:
        time.sleep(POLL_S)


def cpu_s(process: psutil.Process) -> float:
    """Count the CPU seconds of a process and its children so far."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))
