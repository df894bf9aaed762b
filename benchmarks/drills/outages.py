"""`make outage-drill`: ClickHouse away, Kafka away, workers restarted in turn, poison of all kinds."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import psutil
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from benchmarks.drills.load import Load
from benchmarks.drills.reporting import Report, written_to
from benchmarks.drills.stage import Stage, Unsettled, faults_of, ledger_faults, stage, stored_ids, until
from earwitness.devstack import state
from earwitness.devstack.provision import GROUP, LARGEST_MESSAGE_BYTES
from models.topics import ACCESS_EVENTS, DEAD_LETTERS

RATE: Final = 500
CLICKHOUSE_AWAY_S: Final = 240.0
KAFKA_AWAY_S: Final = 60.0
CAUGHT_UP_WITHIN_S: Final = 900.0
WORKERS: Final = 3
SESSION_OVER_S: Final = 8.0
POISON: Final = 10_000
HUGE_BYTES: Final = 100_000_000
MOST_GROWTH_MB: Final = 64
"""How much larger a worker may be at the end of an outage than when its queues had filled."""


def main() -> int:
    """Run drills on one stack and report; exit above 0 where anything was lost or doubled."""
    options = _options()
    report = Report(
        "Outages, restarts and poison",
        "One stack with three workers; accesses flow at 500 a second through each drill, and every one that"
        " Kafka acknowledged must be one row at its end, with a ledger that agrees.",
    )
    drills: dict[str, Callable[[Stage, Report], None]] = {
        "clickhouse-away": partial(_clickhouse_away, options.clickhouse_away_s),
        "kafka-away": _kafka_away,
        "rolling": _rolling_restart,
        "expired": _expired,
        "poison": _poison,
        "unfolded": _unfolded,
        "huge": _huge,
    }
    with stage(workers=WORKERS) as running:
        for name in options.drill or drills:
            try:
                drills[name](running, report)
            except Unsettled as error:
                report.faults.append(str(error))
                print(state.read(running.data_dir).model_dump_json(indent=1))
                print(*(running.log_of(f"worker-{n}")[-3_000:] for n in range(1, WORKERS + 1)), sep="\n---\n")
        report.faults += ledger_faults(running)
    return written_to("outages", report) if not options.drill else len(report.faults)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drills.outages", description=main.__doc__)
    parser.add_argument("drill", nargs="*", help="only these, without a report")
    parser.add_argument("--clickhouse-away-s", type=float, default=CLICKHOUSE_AWAY_S)
    return parser.parse_args()


def _clickhouse_away(away_s: float, running: Stage, report: Report) -> None:
    report.heading(f"ClickHouse away for {away_s:.0f} s")
    source = "/drills/clickhouse-away"
    workers = [running.process(f"worker-{number}") for number in range(1, WORKERS + 1)]
    with Load(running.kafka("producer"), source, RATE) as load:
        time.sleep(5)
        members = _members(running)
        with _away(running, "clickhouse"):
            sizes = _sampled(lambda: max(_mb(worker) for worker in workers), away_s)
            stayed = _members(running) == members
    took_s = _caught_up(running, load, source, report)
    filled = max(sizes[: len(sizes) // 4])
    report.say(f"members of the group before and at the end of the outage are the same: {stayed}")
    report.say(
        f"the largest worker: {sizes[0]:.0f} MB, {filled:.0f} MB once its queues had filled,"
        f" {sizes[-1]:.0f} MB at the end"
    )
    report.say(f"caught up {took_s:.1f} s after the load ended, {away_s:.0f} s of it stored behind")
    if not stayed:
        report.faults.append("ClickHouse away: workers left the group")
    if sizes[-1] > filled + MOST_GROWTH_MB:
        report.faults.append("ClickHouse away: a worker's memory grew")
    if not all(worker.is_running() for worker in workers):
        report.faults.append("ClickHouse away: a worker ended")


def _kafka_away(running: Stage, report: Report) -> None:
    report.heading(f"Kafka away for {KAFKA_AWAY_S:.0f} s")
    source = "/drills/kafka-away"
    workers = [running.process(f"worker-{number}").pid for number in range(1, WORKERS + 1)]
    with Load(running.kafka("producer"), source, RATE) as load:
        time.sleep(5)
        with _away(running, "kafka"):
            time.sleep(KAFKA_AWAY_S)
        time.sleep(10)
    took_s = _caught_up(running, load, source, report)
    now = [running.process(f"worker-{number}").pid for number in range(1, WORKERS + 1)]
    report.say(
        f"caught up {took_s:.1f} s after the load ended; workers that ended meanwhile:"
        f" {sum(before != after for before, after in zip(workers, now, strict=True))}"
    )


def _rolling_restart(running: Stage, report: Report) -> None:
    report.heading("Workers restarted in turn, under load")
    source = "/drills/rolling"
    stopped: list[float] = []
    with Load(running.kafka("producer"), source, RATE) as load, _stalls(running, source) as stalls:
        time.sleep(5)
        for number in range(1, WORKERS + 1):
            stopped.append(_restart(running, f"worker-{number}"))
            time.sleep(5)
    took_s = _caught_up(running, load, source, report)
    report.say(
        "seconds from SIGTERM to the end of each worker: "
        + ", ".join(f"{seconds:.1f}" for seconds in stopped)
    )
    report.say(
        f"longest time without a new row: {max(stalls):.1f} s; caught up {took_s:.1f} s after the load"
    )


def _expired(running: Stage, report: Report) -> None:
    report.heading("All workers killed under load, and the group's offsets expired")
    source = "/drills/expired"
    with Load(running.kafka("producer"), source, RATE) as load:
        time.sleep(5)
        supervisor = psutil.Process(state.read(running.data_dir).supervisor_pid)
        supervisor.suspend()
        try:
            for number in range(1, WORKERS + 1):
                running.process(f"worker-{number}").kill()
            time.sleep(SESSION_OVER_S)
            report.say(f"intents that were pending: {_forget_group(running)} of 8 partitions")
        finally:
            supervisor.resume()
        time.sleep(20)
    took_s = _caught_up(running, load, source, report)
    report.say(f"caught up {took_s:.1f} s after the load ended")


def _forget_group(running: Stage) -> int:
    """Delete the group; say how many partitions had an intent."""
    admin = KafkaAdminClient(**running.kafka("admin"))
    try:
        committed = admin.list_group_offsets([GROUP])[GROUP]
        deleted = dict(admin.delete_groups([GROUP]))
    finally:
        admin.close()
    if deleted[GROUP] != "OK":
        raise Unsettled(f"the group was not deleted: {deleted[GROUP]}")
    return sum(bool(offset.metadata) for where, offset in committed.items() if where.topic == ACCESS_EVENTS)


def _poison(running: Stage, report: Report) -> None:
    report.heading(f"{POISON} poison records in a row")
    source = "/drills/poison"
    letters_before = _end_of(running, DEAD_LETTERS)
    with Load(running.kafka("producer"), source, RATE) as load:
        _send(running, [b"{" * 100] * POISON)
        refused = "SELECT uniqExact(partition, offset) FROM dead_letters WHERE value = %(value)s"
        took_s = until(
            lambda: running.ask(refused, {"value": "{" * 100}) == [(POISON,)],
            "poison is kept",
            CAUGHT_UP_WITHIN_S,
        )
    _caught_up(running, load, source, report)
    told = _end_of(running, DEAD_LETTERS) - letters_before
    report.say(f"all of them in the table {took_s:.1f} s after they were acknowledged; {told} on the topic")
    if told < POISON:
        report.faults.append(f"poison: the topic of dead letters has {told} of {POISON}")


def _unfolded(running: Stage, report: Report) -> None:
    report.heading(f"A record of {HUGE_BYTES // 1_000_000} MB that was compressed on its way")
    _one_huge(running, report, b"a" * HUGE_BYTES, compression_type="gzip")


def _huge(running: Stage, report: Report) -> None:
    report.heading(f"A record of {HUGE_BYTES // 1_000_000} MB")
    value = os.urandom(HUGE_BYTES)
    try:
        _send(running, [value], max_request_size=2 * HUGE_BYTES)
    except KafkaError as error:
        report.say(f"the topic refuses it: {type(error).__name__}")
    else:
        report.faults.append("the topic took a record of 100 MB")
    _limit(running, 2 * HUGE_BYTES)
    report.say("and where an operator has raised the topic's limit:")
    try:
        _one_huge(running, report, value)
    finally:
        _limit(running, LARGEST_MESSAGE_BYTES)


def _one_huge(running: Stage, report: Report, value: bytes, **options: int | str) -> None:
    source = f"/drills/huge-{len(options)}"
    before_mb, before = _largest_worker_mb(running), _kept_whole(running)
    with Load(running.kafka("producer"), source, RATE) as load:
        _send(running, [value], max_request_size=2 * HUGE_BYTES, **options)
        took_s = until(lambda: _kept_whole(running) > before, "the huge record is kept", CAUGHT_UP_WITHIN_S)
    _caught_up(running, load, source, report)
    report.say(
        f"a dead letter with all its bytes after {took_s:.1f} s, and the partition goes on; the largest"
        f" worker grew from {before_mb:.0f} to {_largest_worker_mb(running):.0f} MB"
    )


def _kept_whole(running: Stage) -> int:
    query = "SELECT count() FROM dead_letters WHERE reason = 'too_large' AND length(value) = %(size)s"
    return int(running.ask(query, {"size": HUGE_BYTES})[0][0])


def _caught_up(running: Stage, load: Load, source: str, report: Report) -> float:
    """Wait until all that was acknowledged is stored, and say what is wrong."""
    took_s = until(
        lambda: len(set(stored_ids(running, source))) >= len(load.acknowledged),
        f"{source} is stored",
        CAUGHT_UP_WITHIN_S,
    )
    faults = faults_of(running, source, load.acknowledged)
    report.faults += [f"{source}: {fault}" for fault in faults]
    rows = len(stored_ids(running, source))
    report.say(f"acknowledged {len(load.acknowledged)}, stored {rows}, faults {len(faults)}")
    return took_s


@contextmanager
def _away(running: Stage, name: str) -> Iterator[None]:
    """Kill a process of the stack, and keep the supervisor from starting it again for a while."""
    supervisor = psutil.Process(state.read(running.data_dir).supervisor_pid)
    supervisor.suspend()
    try:
        running.process(name).kill()
        yield
    finally:
        supervisor.resume()


@contextmanager
def _stalls(running: Stage, source: str) -> Iterator[list[float]]:
    """Measure how long no new row comes."""
    stalls, stopping = [0.0], threading.Event()

    def watch() -> None:
        rows, since = -1, time.monotonic()
        query = "SELECT count() FROM access_log WHERE source = %(source)s"
        while not stopping.wait(0.2):
            now = running.ask(query, {"source": source})[0][0]
            if now != rows:
                rows, since = now, time.monotonic()
            stalls.append(time.monotonic() - since)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield stalls
    finally:
        stopping.set()
        watching.join()


def _restart(running: Stage, name: str) -> float:
    """End a worker politely, and wait until another is ready in its place; say how long its end took."""
    process = running.process(name)
    began_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    took_s = time.monotonic() - began_at
    until(lambda: _is_anew(running, name, process.pid), f"{name} is back", 120)
    return took_s


def _is_anew(running: Stage, name: str, before: int) -> bool:
    found = {process.name: process for process in state.read(running.data_dir).processes}[name]
    return found.ready and found.pid != before


def _sampled(measure: Callable[[], float], for_s: float) -> list[float]:
    samples = []
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        samples.append(measure())
        time.sleep(1)
    return samples


def _largest_worker_mb(running: Stage) -> float:
    return max(_mb(running.process(f"worker-{number}")) for number in range(1, WORKERS + 1))


def _mb(process: psutil.Process) -> float:
    size: int = process.memory_info().rss
    return size / 1_000_000


def _members(running: Stage) -> set[str]:
    admin = KafkaAdminClient(**running.kafka("admin"))
    try:
        described = admin.describe_groups([GROUP])
    finally:
        admin.close()
    return {member["member_id"] for member in described[GROUP]["members"]}


def _send(running: Stage, values: list[bytes], **options: int | str) -> None:
    """Publish records of one key, so to one partition. Raises `KafkaError`."""
    producer = KafkaProducer(**running.kafka("admin"), acks="all", **options)
    try:
        sent = [producer.send(ACCESS_EVENTS, key=b"poison", value=value) for value in values]
        for one in sent:
            one.get(timeout=120)
    finally:
        producer.close()


def _limit(running: Stage, size: int) -> None:
    admin = KafkaAdminClient(**running.kafka("admin"))
    changed = {"max.message.bytes": str(size)}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, ACCESS_EVENTS, changed)])
    admin.close()


def _end_of(running: Stage, topic: str) -> int:
    consumer = KafkaConsumer(**running.kafka("admin"))
    where = TopicPartition(topic, 0)
    try:
        return int(consumer.end_offsets([where])[where])
    finally:
        consumer.close()


if __name__ == "__main__":
    sys.exit(main())
