"""`python -m benchmarks.sdk --data-dir D`: what recording costs a service, on a stack that is running."""

import argparse
import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from earwitness_sdk import Forwarder, Recorder

from earwitness.cli import wiring
from earwitness.devstack import state

RECORDED: Final = 2_000
SUBMITTED: Final = 20_000
FORWARDED: Final = 50_000
FLUSHED_WITHIN_S: Final = 120.0

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


def main() -> None:
    """Measure, and print one line for each way to record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    kafka = wiring.sdk_kafka(state.settings_for(parser.parse_args().data_dir, "producer").kafka)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    with Recorder(source="/benchmarks/sdk", kafka=kafka) as recorder:
        recorder.record(**FIELDS)
        print_latency("record", [timed(lambda: recorder.record(**FIELDS)) for _ in range(RECORDED)])
        print_latency("await arecord", asyncio.run(arecorded(recorder)))
        began = time.perf_counter()
        for _ in range(SUBMITTED):
            recorder.submit(**FIELDS)
        print_rate(
            "submit, flush", SUBMITTED, recorder.flush(FLUSHED_WITHIN_S).acknowledged > SUBMITTED, began
        )
    lines = list(itertools.islice(whole_events(), FORWARDED))
    with Forwarder(kafka=kafka) as forwarder:
        began, began_cpu = time.perf_counter(), time.process_time()
        for line in lines:
            forwarder.submit(line)
        complete = forwarder.flush(FLUSHED_WITHIN_S).acknowledged == FORWARDED
        print_rate("publish", FORWARDED, complete, began)
        print(
            f"{'publish':<16} {FORWARDED / (time.process_time() - began_cpu):>10,.0f} events per CPU-second"
        )


def timed(call: Callable[[], object]) -> float:
    """Give the milliseconds that a call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


async def arecorded(recorder: Recorder) -> list[float]:
    """Give the milliseconds of accesses that are recorded one after the other in an event loop."""
    took = []
    for _ in range(RECORDED):
        began = time.perf_counter()
        await recorder.arecord(**FIELDS)
        took.append((time.perf_counter() - began) * 1000)
    return took


def whole_events() -> Iterator[bytes]:
    """Make events as files hold them."""
    now_ms = time.time_ns() // 1_000_000
    moment = datetime.now(UTC).isoformat()
    for number in itertools.count():
        text = f"{now_ms:012x}7{number:019x}"
        uuid = f"{text[:8]}-{text[8:12]}-{text[12:16]}-8{text[17:20]}-{text[20:]}"
        yield json.dumps(FIELDS | {"id": uuid, "time": moment, "source": "/benchmarks/sdk"}).encode()


def print_latency(name: str, took_ms: list[float]) -> None:
    """Print the middle and the slow end."""
    ordered = sorted(took_ms)
    p50, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    print(f"{name:<16} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")


def print_rate(name: str, count: int, complete: bool, began: float) -> None:  # noqa: FBT001 - one flag to print
    """Print events a second, until the last was acknowledged."""
    rate = count / (time.perf_counter() - began)
    print(f"{name:<16} {rate:>10,.0f} events/s{'' if complete else '  NOT ALL ACKNOWLEDGED'}")


if __name__ == "__main__":
    main()
