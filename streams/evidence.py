"""Evidence next to the judge: every record of the topic, followed without a group.

The topic is compacted by key, and a record that is refused has the key of the good one before it. So a
worker that starts asks evidence_log too, where every version stays that was ever good.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from earwitness.policy import EvidenceIndex
from models.errors import BrokerUnavailable, MalformedEvent, SinkUnavailable
from models.topics import EVIDENCE_RECORDS
from models.verdict import NO_EVIDENCE_VERSION
from sinks.base import KeptEvidence, TrailSink
from streams.connection import unreachable
from streams.wire import read_keyed_evidence

log = structlog.get_logger(__name__)

PROGRESS_WITHIN_S: Final = 30.0
"""How long reading may stand still; a large register may take longer than that in all."""

POLL_TIMEOUT_MS: Final = 500
PAGE: Final = 2_000
"""Records applied before other tasks get a turn."""

RETRY_S: Final = 1.0

ASKED_TIMES: Final = 20
"""How often a worker that starts asks a store that does not answer; then it ends, to be started again."""


class EvidenceView(Protocol):
    """The registers as this worker knows them."""

    @property
    def index(self) -> EvidenceIndex:
        """The records, indexed for the judge."""

    async def catch_up(self) -> None:
        """Return once everything that was acknowledged before the call is in `index`.

        Raises `BrokerUnavailable` where that cannot be known in time.
        """


class EvidenceFollower:
    """An `EvidenceView` that reads the evidence topic from its first record and keeps reading.

    At its start it takes from `trail`, in one of `threads`, what compaction took from the topic.
    """

    def __init__(self, connection: dict[str, Any], trail: TrailSink, threads: Executor) -> None:
        self.index = EvidenceIndex()
        self._connection = connection
        self._trail = trail
        self._threads = threads
        self._where = TopicPartition(EVIDENCE_RECORDS, 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._asking: AIOKafkaConsumer | None = None
        """Asks where the topic ends, on a connection of its own: a broker answers in order, so a question
        behind a fetch that waits for records would wait as long."""
        self._task: asyncio.Task[None] | None = None
        self._progress = asyncio.Condition()
        self._read_to = 0

    async def start(self) -> None:
        """Read all that is there. Raises `BrokerUnavailable` or `SinkUnavailable`."""
        self._consumer = consumer = await self._connected()
        self._asking = await self._connected()
        consumer.assign([self._where])
        await consumer.seek_to_beginning(self._where)
        self._task = asyncio.create_task(self._follow(consumer), name="evidence-follower")
        await self.catch_up()
        await self._recall()
        log.info("evidence_complete", version=self.index.version)

    async def _recall(self) -> None:
        """Take in what evidence_log keeps and the topic lost; of each record the newer version counts."""
        kept = await self._kept({entry.ref: entry.version for entry in self.index.entries()})
        await self.catch_up()
        newest = max((item.version for item in kept), default=NO_EVIDENCE_VERSION)
        if newest >= self._read_to:
            log.error("evidence_log_ahead", newest_version=newest, next_offset=self._read_to)
            return
        for item in kept:
            self._put(item.ref.encode(), item.record, item.version)
        if kept:
            log.info("evidence_recalled", records=len(kept))

    async def _kept(self, known: Mapping[str, int]) -> Sequence[KeptEvidence]:
        loop = asyncio.get_running_loop()
        for _ in range(ASKED_TIMES - 1):
            try:
                return await loop.run_in_executor(self._threads, self._trail.evidence_beyond, known)
            except SinkUnavailable as error:
                log.warning("evidence_log_waits", error=str(error), retry_after_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
        return await loop.run_in_executor(self._threads, self._trail.evidence_beyond, known)

    async def _connected(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise unreachable(self._connection, error) from error
        return consumer

    async def stop(self) -> None:
        """Stop reading and disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for consumer in (self._consumer, self._asking):
            if consumer is not None:
                await consumer.stop()

    async def catch_up(self) -> None:
        """Wait until the index holds what the topic held when this was called."""
        if self._asking is None or self._task is None:
            raise BrokerUnavailable("the evidence follower is not started")
        if self._task.done():
            self._task.result()  # it never ends by itself: whatever ended it ends the worker
        try:
            async with asyncio.timeout(PROGRESS_WITHIN_S):
                end = (await self._asking.end_offsets([self._where]))[self._where]
            while self._read_to < end:
                async with asyncio.timeout(PROGRESS_WITHIN_S), self._progress:
                    before = self._read_to
                    await self._progress.wait_for(lambda: self._read_to > before)  # noqa: B023 - awaited here
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailable(f"the end of {EVIDENCE_RECORDS} was not reached: {error!r}") from error

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            try:
                found = await consumer.getmany(self._where, timeout_ms=POLL_TIMEOUT_MS, max_records=PAGE)
            except KafkaError as error:
                log.warning("evidence_unavailable", error=str(error), retry_after_s=RETRY_S)
                await asyncio.sleep(RETRY_S)
                continue
            self._apply(found.get(self._where, ()))
            position = await consumer.position(self._where)
            async with self._progress:
                self._read_to = position
                self._progress.notify_all()

    def _apply(self, records: Sequence[Any]) -> None:
        for record in records:
            self._put(record.key, record.value, record.offset)

    def _put(self, key: bytes | None, value: bytes | None, version: int) -> None:
        try:
            self.index.put(read_keyed_evidence(key, value), version)
        except MalformedEvent as error:
            # The evidence recorder keeps it as a dead letter; the older record of its ref stays.
            log.warning("evidence_refused", offset=version, reason=error.reason, fields=error.fields)
