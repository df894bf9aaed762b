"""Evidence next to the judge: every record of the topic, followed without a group."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from earwitness.policy import EvidenceIndex
from models.errors import BrokerUnavailable, MalformedEvent
from models.topics import EVIDENCE_RECORDS
from streams.connection import unreachable
from streams.wire import read_keyed_evidence

log = structlog.get_logger(__name__)

PROGRESS_WITHIN_S: Final = 30.0
"""How long reading may stand still; a large register may take longer than that in all."""

POLL_TIMEOUT_MS: Final = 500
PAGE: Final = 2_000
"""Records applied before other tasks get a turn."""

RETRY_S: Final = 1.0


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
    """An `EvidenceView` that reads the evidence topic from its first record and keeps reading."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self.index = EvidenceIndex()
        self._connection = connection
        self._where = TopicPartition(EVIDENCE_RECORDS, 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._asking: AIOKafkaConsumer | None = None
        """Asks where the topic ends, on a connection of its own: a broker answers in order, so a question
        behind a fetch that waits for records would wait as long."""
        self._task: asyncio.Task[None] | None = None
        self._progress = asyncio.Condition()
        self._read_to = 0

    async def start(self) -> None:
        """Read all that is there. Raises `BrokerUnavailable`."""
        self._consumer = consumer = await self._connected()
        self._asking = await self._connected()
        consumer.assign([self._where])
        await consumer.seek_to_beginning(self._where)
        self._task = asyncio.create_task(self._follow(consumer), name="evidence-follower")
        await self.catch_up()
        log.info("evidence_complete", version=self.index.version)

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
            try:
                self.index.put(read_keyed_evidence(record.key, record.value), record.offset)
            except MalformedEvent as error:
                # The evidence recorder keeps it as a dead letter; the older record of its ref stays.
                log.warning(
                    "evidence_refused", offset=record.offset, reason=error.reason, fields=error.fields
                )
