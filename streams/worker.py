"""A judging worker: from its settings to a running process that ends when it must."""

import asyncio
import gc
import os
import signal
import tempfile
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import faust
import structlog

from earwitness.policy import PolicySet
from models.errors import BrokerUnavailable
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from sinks.base import TrailSink, VerdictSink
from streams.announce import KafkaAnnouncer
from streams.app import add_intake, create_app
from streams.connection import KafkaConnection
from streams.evidence import EvidenceFollower
from streams.intake import Intake
from streams.memory import give_back_memory
from streams.observed import ObservedAnnouncer, ObservedEvidence, ObservedOffsets, ObservedTrail, Observer
from streams.offsets import NOBODY, GroupOffsets, Offsets
from streams.partition import PartitionOwner
from streams.ports import Ports
from streams.pulse import KafkaPulse
from streams.recorder import EvidenceRecorder
from streams.registers import RegisterWatch

log = structlog.get_logger(__name__)

STORE_THREADS: Final = 4
"""Inserts under way at once; each has a connection of its own."""

COLLECTOR_THRESHOLDS: Final = (10_000, 20, 20)
"""Allocations before the youngest generation is collected, and how many of those before the older ones.

Ten times as many, and what clickhouse-driver leaves in cycles holds 60 MB under load before it is let go of
(measured).
"""

STOPPED_WITHIN_S: Final = 15.0
"""How long each half of stopping may take: leaving the group, and closing connections."""

ABANDONED_EXIT_CODE: Final = 3

OWNED_CHECK_S: Final = 1.0
"""How long a partition may be ours before its owner begins with what needs no delivery. Not at once: Faust
moves the consumer to what is committed after it has told of the assignment."""

CRASH_CHECK_S: Final = 0.5
"""How long a crash of the stream may go unseen by the process that must end with it."""


class WorkerOptions(NamedTuple):
    """How one worker takes in accesses; see `earwitness.settings.WorkerSettings`."""

    group: str
    largest_range: int
    shortest_interval_s: float
    session_timeout_s: int


class Stores(NamedTuple):
    """Where a worker keeps what it judges."""

    trail: TrailSink
    verdicts: VerdictSink


def run(
    connection: KafkaConnection,
    stores: Stores,
    policies: Callable[[], PolicySet],
    options: WorkerOptions,
    observer: Observer,
) -> None:
    """Judge accesses until SIGTERM or SIGINT; then finish what is under way.

    `policies` gives the versions to judge by; it is asked for every range. `observer` is told how it goes.

    Raises what ended it otherwise: `BrokerUnavailable` or `SinkUnavailable` where Kafka or the store
    could not be reached at the start, `IntegrityBroken`, or the error that nobody foresaw. Nothing is
    lost then: the next worker settles what this one left.
    """
    give_back_memory()
    asyncio.run(_run(connection, stores, policies, options, observer))


async def _run(
    connection: KafkaConnection,
    stores: Stores,
    policies: Callable[[], PolicySet],
    options: WorkerOptions,
    observer: Observer,
) -> None:
    stopping = _stop_on_signals()
    trail = ObservedTrail(stores.trail, observer)
    threads = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")
    evidence = EvidenceFollower(connection.arguments(), trail, threads)
    announcer = KafkaAnnouncer(connection.arguments())
    registers = RegisterWatch(stores.trail, threads)
    try:
        await announcer.start()
        await evidence.start()
        registers.start()
        _spare_the_collector()
        app = _app(connection, options)
        offsets = GroupOffsets(app, connection.arguments())
        ports = Ports(
            offsets=ObservedOffsets(offsets, observer),
            trail=trail,
            verdicts=stores.verdicts,
            announcer=ObservedAnnouncer(announcer, observer),
            evidence=ObservedEvidence(evidence, observer),
            registers=registers,
            policies=policies,
            threads=threads,
            now=lambda: datetime.now(UTC),
            largest_range=options.largest_range,
            shortest_interval_s=options.shortest_interval_s,
            judging=observer.judging,
            backlog=observer.backlog,
        )
        pulse = KafkaPulse(connection.arguments(), observer, partial(_owned, app, observer), offsets)
        await pulse.start()
        try:
            _tell_assignments(app, observer)
            await _serve(app, ports, offsets, stopping)
        finally:
            observer.readiness.stop("the worker is stopping")
            await _within_limit(pulse.stop())
    finally:
        registers.stop()
        await _within_limit(_stop_all(evidence, announcer))
        threads.shutdown(wait=False, cancel_futures=True)


async def _stop_all(evidence: EvidenceFollower, announcer: KafkaAnnouncer) -> None:
    await evidence.stop()
    await announcer.stop()


async def _within_limit(stopping: Coroutine[Any, Any, None]) -> None:
    """Await the end of something; end the process where that takes too long.

    Nothing is lost by it: whoever owns the partitions next settles what was under way.
    """
    try:
        async with asyncio.timeout(STOPPED_WITHIN_S):
            await stopping
    except TimeoutError:
        log.error("stop_abandoned", after_s=STOPPED_WITHIN_S)  # noqa: TRY400 - the trace says nothing
        os._exit(ABANDONED_EXIT_CODE)


def _spare_the_collector() -> None:
    """Keep the registers out of the garbage collector's sight, and have it look less often.

    A batch makes tens of thousands of short-lived tuples without cycles; by default each few hundred of
    them would have the collector walk what a hundred thousand evidence records consist of.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def _app(connection: KafkaConnection, options: WorkerOptions) -> faust.App:
    return create_app(
        connection,
        group=options.group,
        session_timeout_s=options.session_timeout_s,
        scratch=Path(tempfile.gettempdir()),
    )


async def _serve(app: faust.App, ports: Ports, offsets: GroupOffsets, stopping: asyncio.Event) -> None:
    failures: list[BaseException] = []

    def fail(error: BaseException) -> None:
        log.error("worker_failed", error=repr(error))
        failures.append(error)
        stopping.set()

    accesses = Intake(ports.offsets, partial(PartitionOwner, ports), fail)
    records = Intake(ports.offsets, partial(EvidenceRecorder, ports), fail)
    add_intake(app, accesses, records)
    assigned = _Assigned(app, ports.offsets)
    await app.start()
    intakes = {ACCESS_EVENTS: accesses, EVIDENCE_RECORDS: records}
    keeping = asyncio.create_task(_keep_owned(assigned, intakes), name="keep-owned")
    await _until_stopped(app, offsets, stopping)
    outside = offsets.failure
    keeping.cancel()
    await _within_limit(_leave(app, accesses, records))
    if failures:
        raise failures[0]
    if outside is not None:
        raise BrokerUnavailable(f"this worker's part in its group ended: {outside!r}")
    if app.crashed:
        raise BrokerUnavailable(f"the stream crashed: {app.crash_reason!r}")


async def _keep_owned(assigned: "_Assigned", intakes: Mapping[str, Intake]) -> None:
    """Have every partition owned while it is ours, also when nothing comes.

    Graces end, and what a predecessor left, or a restored store lacks, waits for no new record.
    """
    while True:
        await asyncio.sleep(OWNED_CHECK_S)
        for where in assigned.partitions:
            await intakes[where.topic].own(where.topic, where.partition, assigned.membership)


class _Assigned:
    """What the group gave this process last, and as which member: the two change one after the other."""

    def __init__(self, app: faust.App, offsets: Offsets) -> None:
        self.membership = NOBODY
        self.partitions: tuple[Any, ...] = ()
        self._offsets = offsets
        app.on_partitions_assigned.connect(self._note)
        app.on_partitions_revoked.connect(self._forget)

    async def _note(self, _app: object, assigned: Collection[Any], **_: object) -> None:
        self.membership = await self._offsets.membership()
        self.partitions = tuple(assigned)

    async def _forget(self, *_: object, **__: object) -> None:
        self.partitions = ()


async def _leave(app: faust.App, *intakes: Intake) -> None:
    for intake in intakes:
        await intake.release()
    await app.stop()


async def _until_stopped(app: faust.App, offsets: GroupOffsets, stopping: asyncio.Event) -> None:
    while not (stopping.is_set() or app.crashed or app.should_stop or offsets.failure):
        try:
            async with asyncio.timeout(CRASH_CHECK_S):
                await stopping.wait()
        except TimeoutError:
            continue


def _tell_assignments(app: faust.App, observer: Observer) -> None:
    async def assigned(*_: object, **__: object) -> None:
        log.info("worker_ready")
        observer.joined()

    async def revoked(*_: object, **__: object) -> None:
        observer.moved()

    app.on_partitions_assigned.connect(assigned)
    app.on_partitions_revoked.connect(revoked)


def _owned(app: faust.App, observer: Observer) -> frozenset[int]:
    """Give the partitions of the access topic that are this worker's now."""
    if not observer.assigned:
        return frozenset()
    return frozenset(place.partition for place in app.consumer.assignment() if place.topic == ACCESS_EVENTS)


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping
