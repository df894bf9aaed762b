"""Accesses at a pace: record batches, encoded beforehand, that a process of its own sends when they are due.

On a machine that is shared with what is measured, a publisher must take next to nothing: this one only
hands finished batches to a connection. What services pay for encoding, they pay on machines of theirs.
"""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from earwitness_sdk.ids import IdMaker

from benchmarks import load
from earwitness.demo.day import simulate
from models.topics import ACCESS_EVENTS

TICK_S: Final = 0.02
"""What falls due within one is sent at its end, as a producer does that lingers for so long."""

PARTITIONS: Final = 8
LARGEST_BATCH_BYTES: Final = 1_000_000
LARGEST_REQUEST_BYTES: Final = 16_000_000
DAY_EVENTS: Final = 200_000
"""Different accesses; what is sent beyond is these again, under ids of its own."""

_ID_LENGTH: Final = 36


class Plan(NamedTuple):
    """How many accesses are to be sent, and how fast.

    The one numbered i is due i / rate seconds after the start, and goes to partition i modulo 8.
    """

    events: int
    rate: float
    most_ahead: int | None = None
    """Send as fast as they are stored: wait only while so many are sent and not yet stored."""

    @property
    def ticks(self) -> int:
        """Count the ticks in which something is sent."""
        return len(list(_ticks(self)))


class Sent(NamedTuple):
    """How it went: the instants of its beginning and end, by this machine's monotonic clock."""

    began_s: float
    ended_s: float
    latest_s: float
    """How far the publisher was behind at worst."""
    cpu_s: float
    size_bytes: int
    """Of all batches, as they lie in the topic."""


class Publisher:
    """The sending process, seen from the one that measures. `prepare`, `begin`, `finish`, and again."""

    def __init__(self, pipe: Connection, stored: "Synchronized[int]", pid: int) -> None:
        self._pipe = pipe
        self._stored = stored
        self.pid = pid

    def prepare(self, plan: Plan) -> None:
        """Encode all that the plan wants; return when that is done."""
        self._pipe.send(plan)
        self._pipe.recv()

    def begin(self) -> None:
        """Have it sent from now on."""
        self._stored.value = 0
        self._pipe.send(None)

    def tell(self, stored: int) -> None:
        """Say how many of these accesses are stored, for a plan that depends on it."""
        self._stored.value = stored

    @property
    def has_ended(self) -> bool:
        """Whether all were sent and acknowledged."""
        return self._pipe.poll()

    def finish(self) -> Sent:
        """Wait until all are sent and acknowledged."""
        sent: Sent = self._pipe.recv()
        return sent


@contextmanager
def publisher(kafka: dict[str, Any], *, evidence: int, events: int = DAY_EVENTS) -> Iterator[Publisher]:
    """Start the process, which publishes the registers of its day at once, and end it afterwards."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    stored = context.Value("q", 0)
    process = context.Process(target=_serve, args=(its, stored, kafka, events, evidence), daemon=True)
    process.start()
    its.close()
    try:
        ours.recv()
        yield Publisher(ours, stored, process.pid or 0)
    finally:
        ours.close()
        process.join(10)
        process.kill()


def _serve(
    pipe: Connection, stored: "Synchronized[int]", kafka: dict[str, Any], events: int, evidence: int
) -> None:
    day = simulate(datetime.now(UTC), load.SEED, events, evidence)
    load.publish_evidence(kafka, day)
    values = [_value(access.event) for access in day.accesses]
    del day
    pipe.send("ready")
    asyncio.run(_obey(pipe, stored, kafka, values))


def _value(event: dict[str, Any]) -> bytes:
    """Encode an access so that its id, which comes last, can be put in later."""
    text = json.dumps({name: value for name, value in event.items() if name != "id"})
    return f'{text[:-1]}, "id": "'.encode()


async def _obey(
    pipe: Connection, stored: "Synchronized[int]", kafka: dict[str, Any], values: Sequence[bytes]
) -> None:
    producer = AIOKafkaProducer(
        **kafka, acks="all", max_batch_size=LARGEST_BATCH_BYTES, max_request_size=LARGEST_REQUEST_BYTES
    )
    await producer.start()
    ids, number = IdMaker(), 0
    try:
        while True:
            plan: Plan = await asyncio.to_thread(pipe.recv)
            ticks = []
            for due in _ticks(plan):
                ticks.append(_encoded(producer, due, values, ids, number))
                number += len(due)
            pipe.send("prepared")
            await asyncio.to_thread(pipe.recv)
            pipe.send(await _send(producer, ticks, plan, stored))
    except (EOFError, ConnectionResetError):
        await producer.stop()


def _ticks(plan: Plan) -> Iterator[range]:
    """Give the numbers of the accesses that fall due in each tick."""
    begin, tick = 0, 0
    while begin < plan.events:
        tick += 1
        end = min(plan.events, int(plan.rate * TICK_S * tick))
        yield range(begin, end)
        begin = end


def _encoded(
    producer: AIOKafkaProducer, due: Sequence[int], values: Sequence[bytes], ids: IdMaker, number: int
) -> dict[int, list[BatchBuilder]]:
    """Make the batches of one tick, by partition."""
    made: dict[int, list[BatchBuilder]] = {}
    now_ms = time.time_ns() // 1_000_000
    for place, index in enumerate(due):
        batches = made.setdefault(index % PARTITIONS, [producer.create_batch()])
        key = ids.new().encode()
        value = b'%s%s"}' % (values[(number + place) % len(values)], key)
        if batches[-1].append(key=key, value=value, timestamp=now_ms) is None:
            batches[-1].close()
            batches.append(producer.create_batch())
            batches[-1].append(key=key, value=value, timestamp=now_ms)
    for batches in made.values():
        batches[-1].close()
    return made


async def _send(
    producer: AIOKafkaProducer,
    ticks: list[dict[int, list[BatchBuilder]]],
    plan: Plan,
    stored: "Synchronized[int]",
) -> Sent:
    began_s, began_cpu_s, latest_s, sent, size = time.monotonic(), time.process_time(), 0.0, 0, 0
    acknowledged: list[asyncio.Future[object]] = []
    for tick, batches in enumerate(ticks, start=1):
        if plan.most_ahead is None:
            due_s = began_s + tick * TICK_S
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        else:
            while sent - stored.value > plan.most_ahead:  # noqa: ASYNC110 - another process says it
                await asyncio.sleep(TICK_S)
        for partition, of_it in batches.items():
            for batch in of_it:
                acknowledged.append(await producer.send_batch(batch, ACCESS_EVENTS, partition=partition))
                sent += batch.record_count()
                size += batch.size()
        batches.clear()
        if plan.most_ahead is None:
            latest_s = max(latest_s, time.monotonic() - due_s)
    await asyncio.gather(*acknowledged)
    return Sent(began_s, time.monotonic(), latest_s, time.process_time() - began_cpu_s, size)
