"""`python -m benchmarks.sdk --data-dir D`: what recording costs a service, on a stack that is running.

The spools lie in the stack's data folder, on a real disk. Writes benchmarks/results/sdk.json.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from earwitness_sdk import Forwarder, Kafka, KafkaOutbox, NotRecorded, Recorder, Spool
from earwitness_sdk.spool import journal

from benchmarks.keeping import keep
from earwitness.cli import sdk_wiring
from earwitness.devstack import state

RESULTS: Final = Path(__file__).with_name("results") / "sdk.json"
SOURCE: Final = "/benchmarks/sdk"
RECORDED: Final = 2_000
THREADS: Final = 16
PACED: Final = 4_000
PACE_S: Final = 0.001
AT_ONCE: Final = 10_000
DENIED: Final = 200
SUBMITTED: Final = 20_000
FORWARDED: Final = 50_000
FLUSHED_WITHIN_S: Final = 120.0
SMALL_BYTES: Final = 65_536
WARM_UP: Final = 100

FIELDS: Final[dict[str, Any]] = {
    "actor_type": "employee",
    "actor_id": "e-1",
    "action": "listen",
    "resource_type": "call_recording",
    "resource_id": "rec-9",
    "customer_id": "acme",
    "purpose": "resolve_complaint",
    "evidence_ref": "ticket:TCK-1",
    "session_id": "18c2a7f0d31",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "ip": "2001:db8::7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "content_bytes": 180_224,
}


Took = list[float]
"""Seconds, one for each call."""


def main() -> None:
    """Measure, print one line for each way to record, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    data_dir = parser.parse_args().data_dir
    kafka = sdk_wiring.kafka(state.settings_for(data_dir, "producer").kafka)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=data_dir) as folder:
        figures = {
            **spooled(kafka, Path(folder) / "spool"),
            **without_kafka(Path(folder) / "waiting"),
            **denied(Path(folder) / "full", Path(folder) / "silent"),
            **direct(kafka),
        }
    kept = {
        "load_before": load,
        "figures": figures,
    }
    keep(RESULTS, kept)
    for name, figure in figures.items():
        print(f"{name:<44} " + "   ".join(f"{key} {value:,}" for key, value in figure.items()))


def spooled(kafka: Kafka, folder: Path) -> dict[str, dict[str, float]]:
    """Measure what a service pays whose accesses go through a spool."""
    figures = {}
    with Recorder(source=SOURCE, kafka=kafka, spool=Spool(folder)) as recorder:
        figures["record"] = latency(timed(lambda: recorder.record(**FIELDS), RECORDED))
        figures[f"record, {THREADS} threads"] = latency(in_threads(lambda: recorder.record(**FIELDS)))
        figures["await arecord"] = latency(asyncio.run(atimed(lambda: recorder.arecord(**FIELDS))))
        recorder.flush(FLUSHED_WITHIN_S)
        figures["memory, 1,000 a second at most"] = in_memory(recorder, PACED, PACE_S)
        recorder.flush(FLUSHED_WITHIN_S)
        figures["memory, one after the other"] = in_memory(recorder, AT_ONCE)
        recorder.flush(FLUSHED_WITHIN_S)
        figures["submit, flush"] = rate(SUBMITTED, lambda: submit_all(recorder))
    return figures


def without_kafka(folder: Path) -> dict[str, dict[str, float]]:
    """Measure memory alone: nothing is sent, and the stack has nothing to do on the same machine."""
    figures = {}
    with nowhere() as kafka:
        recorder = Recorder(source=SOURCE, kafka=kafka, spool=Spool(folder))
        figures["memory, 1,000 a second, Kafka down"] = in_memory(recorder, PACED, PACE_S)
        figures["memory, one after the other, Kafka down"] = in_memory(recorder, AT_ONCE)
        recorder.close(0)
    return figures


def in_memory(recorder: Recorder, times: int, pause_s: float = 0) -> dict[str, float]:
    """Time calls that wait for nothing, and tell those apart in which the machine ran something else.

    `undisturbed` are calls during which the kernel did not take the processor away.
    """
    took: Took = []
    undisturbed: Took = []
    for number in range(-WARM_UP, times):
        before, began = preemptions(), time.perf_counter()
        recorder.record(**FIELDS, durability="memory")
        took_s = time.perf_counter() - began
        if number >= 0:
            took.append(took_s)
            undisturbed += [took_s] * (preemptions() == before)
        if pause_s:
            time.sleep(pause_s)
    return latency(took) | {f"undisturbed_{name}": value for name, value in latency(undisturbed).items()}


def preemptions() -> int:
    """Say how often this thread had to make way for something else."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


def denied(full: Path, silent: Path) -> dict[str, dict[str, float]]:
    """Measure how soon an access is refused that cannot be recorded."""
    figures = {}
    with nowhere() as kafka:
        spool = Spool(full, most_disk_bytes=SMALL_BYTES)
        recorder = Recorder(source=SOURCE, kafka=kafka, spool=spool)
        while not denies(recorder):
            continue
        figures["deny, Kafka down and spool full"] = latency(timed(lambda: denies(recorder), DENIED))
        figures["await deny, Kafka down and spool full"] = latency(
            asyncio.run(atimed(lambda: adenies(recorder), DENIED))
        )
        recorder.close(0)
        silenced = Recorder(source=SOURCE, kafka=kafka, spool=Spool(silent))
        with hung_disk():
            figures["deny, disk hangs"] = latency(timed(lambda: denies(silenced), DENIED // 4, warm_up=1))
            figures["await deny, disk hangs"] = latency(
                asyncio.run(atimed(lambda: adenies(silenced), DENIED // 4, warm_up=1))
            )
        silenced.close(0)
    return figures


def direct(kafka: Kafka) -> dict[str, dict[str, float]]:
    """Measure what waits for Kafka itself."""
    figures = {}
    with Recorder(source=SOURCE, outbox=KafkaOutbox(kafka)) as recorder:
        figures["record, without a spool"] = latency(timed(lambda: recorder.record(**FIELDS), RECORDED))
    lines = list(itertools.islice(whole_events(), FORWARDED))
    with Forwarder(kafka=kafka) as forwarder:
        figures["publish"] = rate(FORWARDED, lambda: forward_all(forwarder, lines))
    return figures


def timed(call: Callable[[], object], times: int, warm_up: int = WARM_UP) -> Took:
    """Time calls one after the other, after some that do not count."""
    took = []
    for _ in range(warm_up + times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took[warm_up:]


async def atimed(
    call: Callable[[], Awaitable[object]], times: int = RECORDED, warm_up: int = WARM_UP
) -> Took:
    """Time awaited calls one after the other."""
    took = []
    for _ in range(warm_up + times):
        began = time.perf_counter()
        await call()
        took.append(time.perf_counter() - began)
    return took[warm_up:]


def in_threads(call: Callable[[], object]) -> Took:
    """Time calls of threads that all record at once."""
    took: Took = []
    share = RECORDED * 2 // THREADS
    threads = [threading.Thread(target=lambda: took.extend(timed(call, share))) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def denies(recorder: Recorder) -> bool:
    """Say whether an access had to be refused."""
    try:
        recorder.record(**FIELDS, on_failure="deny")
    except NotRecorded:
        return True
    return False


async def adenies(recorder: Recorder) -> bool:
    """Say whether an access had to be refused, in an event loop."""
    try:
        await recorder.arecord(**FIELDS, on_failure="deny")
    except NotRecorded:
        return True
    return False


@contextmanager
def nowhere() -> Iterator[Kafka]:
    """Name a Kafka at a port that nobody listens to."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Kafka(bootstrap=f"127.0.0.1:{bound.getsockname()[1]}", security_protocol="PLAINTEXT")


@contextmanager
def hung_disk() -> Iterator[None]:
    """Let no sync return."""
    goes_on = threading.Event()
    real, journal.synced = journal.synced, lambda _: goes_on.wait(FLUSHED_WITHIN_S)
    try:
        yield
    finally:
        goes_on.set()
        journal.synced = real


def submit_all(recorder: Recorder) -> None:
    """Hand many accesses over without waiting for each, and wait until Kafka has them."""
    for _ in range(SUBMITTED):
        recorder.submit(**FIELDS)
    if not recorder.flush(FLUSHED_WITHIN_S).complete:
        raise SystemExit("not all were acknowledged")


def forward_all(forwarder: Forwarder, lines: list[bytes]) -> None:
    """Do so with whole events, without a spool."""
    for line in lines:
        forwarder.submit(line)
    if not forwarder.flush(FLUSHED_WITHIN_S).complete:
        raise SystemExit("not all were acknowledged")


def whole_events() -> Iterator[bytes]:
    """Make events as files hold them."""
    now_ms = time.time_ns() // 1_000_000
    moment = datetime.now(UTC).isoformat()
    for number in itertools.count():
        text = f"{now_ms:012x}7{number:019x}"
        uuid = f"{text[:8]}-{text[8:12]}-{text[12:16]}-8{text[17:20]}-{text[20:]}"
        yield json.dumps(FIELDS | {"id": uuid, "time": moment, "source": SOURCE}).encode()


def latency(took: Took) -> dict[str, float]:
    """Give the middle and the slow end, in microseconds."""
    cuts = statistics.quantiles(took, n=100)
    return {
        "calls": len(took),
        "us_p50": round(cuts[49] * 1e6),
        "us_p99": round(cuts[98] * 1e6),
        "us_max": round(max(took) * 1e6),
    }


def rate(count: int, work: Callable[[], None]) -> dict[str, float]:
    """Give events a second and a CPU-second, until Kafka has acknowledged the last."""
    began, began_cpu = time.perf_counter(), time.process_time()
    work()
    return {
        "events": count,
        "per_s": round(count / (time.perf_counter() - began)),
        "per_cpu_s": round(count / (time.process_time() - began_cpu)),
    }


if __name__ == "__main__":
    main()
