"""Commits that only the partition's present owner can make.

Faust's own commits drop metadata, and aiokafka commits with whatever generation of the group is
current when the request leaves. A range must be committed with the generation in which its records
were fetched, or not at all; so the request is built here, with the generation captured then, and
the broker refuses it where the group has moved on. The private names this relies on are pinned by
tests/contracts/test_faust_names.py.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest

from models.errors import BrokerUnavailable, RangeLost

LONGEST_METADATA: Final = 4_000
POLL_TIMEOUT_MS: Final = 500
FOUND_WITHIN_S: Final = 30.0
"""How long the first record behind an offset may take to be found before it is looked for anew."""

_NO_ERROR: Final = 0
_NO_OFFSET: Final = -1

_MOVED_ON: Final = frozenset(
    {
        22,  # ILLEGAL_GENERATION
        25,  # UNKNOWN_MEMBER_ID
        27,  # REBALANCE_IN_PROGRESS
        82,  # FENCED_INSTANCE_ID
    }
)


class Membership(NamedTuple):
    """Who this process was in the group when records were fetched."""

    generation: int
    member_id: str


NOBODY: Final = Membership(-1, "")
"""Who this process is while it is in no group."""


class Committed(NamedTuple):
    """What the group last committed for a partition; `offset` None where nothing ever was."""

    offset: int | None
    metadata: str


class Offsets(Protocol):
    """The committed offsets of the worker's group."""

    async def membership(self) -> Membership:
        """Say who this process is in the group now."""

    async def fetch(self, topic: str, partition: int) -> Committed:
        """Read what is committed. Raises `BrokerUnavailable`."""

    async def announced(self, topic: str) -> dict[int, int]:
        """Give the partitions whose commit announces something under way, each with its committed offset.

        All partitions of the topic are asked for, whoever owns them. Raises `BrokerUnavailable`.
        """

    async def commit(
        self, topic: str, partition: int, offset: int, *, metadata: str, membership: Membership
    ) -> None:
        """Commit as `membership`. Raises `RangeLost` where that is no longer current, `BrokerUnavailable`."""

    async def earliest(self, topic: str, partition: int) -> int:
        """Give the first offset that the topic still has. Raises `BrokerUnavailable`."""

    async def end(self, topic: str, partition: int) -> int:
        """Give the offset that the next record will have. Raises `BrokerUnavailable`."""

    async def first_from(self, topic: str, partition: int, offset: int) -> int:
        """Give the offset of the first record at or behind `offset`; the partition's end where there is none.

        What lies between holds no record: it was deleted, compacted away, or marks the end of a
        transaction. Raises `BrokerUnavailable`.
        """

    async def received_at_ms(self, topic: str, partition: int, offset: int) -> int | None:
        """Give when the broker received the record at `offset`; None where the topic has none there.

        Raises `BrokerUnavailable`.
        """

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Have the partition delivered again from `offset`. Raises `RangeLost` where it is not ours."""

    def has_more(self, topic: str, partition: int, offset: int) -> bool:
        """Say whether there were records from `offset` on when the partition was last fetched."""

    def pause(self, topic: str, partition: int) -> None:
        """Have no more of the partition fetched; what was fetched may still be delivered."""

    def resume(self, topic: str, partition: int) -> None:
        """Have the partition fetched again, from where it was paused."""


class GroupOffsets:
    """`Offsets` through the consumer of a running Faust app."""

    def __init__(self, app: faust.App, connection: Mapping[str, Any]) -> None:
        self._app = app
        self._connection = connection

    @property
    def failure(self) -> BaseException | None:
        """Give what ended this process's part in the group for good; None while it takes part.

        A consumer that has not joined is told of it by nobody: it would wait for partitions for ever.
        """
        consumer = self._app.consumer._thread._consumer  # noqa: SLF001 - see the module's docstring
        task = None if consumer is None else consumer._coordinator._coordination_task  # noqa: SLF001 - see above
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

    async def membership(self) -> Membership:
        """Say who this process is in the group now."""
        coordinator = self._coordinator()
        return Membership(coordinator.generation, coordinator.member_id)

    async def fetch(self, topic: str, partition: int) -> Committed:
        """Ask the group's coordinator; aiokafka's own `committed` would drop the metadata."""
        return (await self._fetch(topic, [partition]))[partition]

    async def announced(self, topic: str) -> dict[int, int]:
        """Ask the group's coordinator for every partition that the topic has."""
        partitions = self._consumer().partitions_for_topic(topic)
        if not partitions:
            raise BrokerUnavailable(f"how many partitions {topic} has is not known yet")
        found = await self._fetch(topic, sorted(partitions))
        return {
            partition: committed.offset
            for partition, committed in found.items()
            if committed.offset is not None and committed.metadata
        }

    async def _fetch(self, topic: str, partitions: Sequence[int]) -> dict[int, Committed]:
        wanted = [TopicPartition(topic, partition) for partition in partitions]
        try:
            found = await self._in_consumer_thread(self._coordinator().fetch_committed_offsets, wanted)
        except KafkaError as error:
            raise BrokerUnavailable(f"the committed offsets of {topic}: {error}") from error
        return {where.partition: _committed(found.get(where)) for where in wanted}

    async def commit(
        self, topic: str, partition: int, offset: int, *, metadata: str, membership: Membership
    ) -> None:
        """Send one commit as `membership`; the broker decides whether that is still current."""
        if membership.generation < 0:
            raise RangeLost(f"{topic}/{partition}: this process is in no group")
        try:
            code = await self._in_consumer_thread(
                self._send_commit, TopicPartition(topic, partition), offset, metadata, membership
            )
        except KafkaError as error:
            raise BrokerUnavailable(f"the commit of {topic}/{partition}: {error}") from error
        if code in _MOVED_ON:
            raise RangeLost(f"{topic}/{partition}: {for_code(code).__name__}")
        if code != _NO_ERROR:
            raise BrokerUnavailable(f"the commit of {topic}/{partition}: {for_code(code).__name__}")

    async def earliest(self, topic: str, partition: int) -> int:
        """Ask the broker where the partition begins now."""
        return await self._edge(self._app.consumer.earliest_offsets, topic, partition)

    async def end(self, topic: str, partition: int) -> int:
        """Ask the broker where the partition ends now."""
        return await self._edge(self._app.consumer.highwaters, topic, partition)

    async def _edge(self, ask: Any, topic: str, partition: int) -> int:  # noqa: ANN401 - Faust ships no types
        try:
            offsets = await ask(faust.types.TP(topic, partition))
        except KafkaError as error:
            raise BrokerUnavailable(f"the offsets of {topic}/{partition}: {error}") from error
        return int(next(iter(offsets.values())))

    async def first_from(self, topic: str, partition: int, offset: int) -> int:
        """Read with a consumer of its own: what is on its way to ours may have been fetched elsewhere."""
        return (await first_record(self._connection, TopicPartition(topic, partition), offset)).offset

    async def received_at_ms(self, topic: str, partition: int, offset: int) -> int | None:
        """Read it as `first_from` does."""
        found = await first_record(self._connection, TopicPartition(topic, partition), offset)
        return found.received_at_ms if found.offset == offset else None

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Move the consumer of that partition, in its own thread: there it may be handing records over."""
        where = faust.types.TP(topic, partition)
        try:
            await self._in_consumer_thread(self._app.consumer.seek, where, offset)
        except IllegalStateError as error:
            raise RangeLost(f"{topic}/{partition}: {error}") from error

    def has_more(self, topic: str, partition: int, offset: int) -> bool:
        """Read what the broker's last answer said."""
        where = TopicPartition(topic, partition)
        if where not in self._consumer().assignment():
            return False
        end: int | None = self._consumer().highwater(where)
        return end is not None and offset < end

    def pause(self, topic: str, partition: int) -> None:
        """Pause it in the consumer itself: Faust would drop a batch that is on its way."""
        self._soon_in_consumer_thread(self._consumer().pause, topic, partition)

    def resume(self, topic: str, partition: int) -> None:
        """Resume it where the consumer stands."""
        self._soon_in_consumer_thread(self._consumer().resume, topic, partition)

    async def _send_commit(
        self, where: TopicPartition, offset: int, metadata: str, membership: Membership
    ) -> int:
        coordinator = self._coordinator()
        await coordinator.ensure_coordinator_known()
        request = OffsetCommitRequest(
            coordinator.group_id,
            membership.generation,
            membership.member_id,
            OffsetCommitRequest.DEFAULT_RETENTION_TIME,
            [(where.topic, [(where.partition, offset, metadata[:LONGEST_METADATA])])],
        )
        response = await coordinator._send_req(request)  # noqa: SLF001 - see the module's docstring
        code = int(response.topics[0][1][0][1])
        if code in (15, 16):  # COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR: find the new one next time
            coordinator.coordinator_dead()
        return code

    def _coordinator(self) -> Any:  # noqa: ANN401 - aiokafka ships no types
        return self._consumer()._coordinator  # noqa: SLF001 - see above

    def _consumer(self) -> Any:  # noqa: ANN401 - aiokafka ships no types
        return self._app.consumer._thread._ensure_consumer()  # noqa: SLF001 - see above

    def _soon_in_consumer_thread(self, function: Any, topic: str, partition: int) -> None:  # noqa: ANN401 - aiokafka ships no types
        def call() -> None:
            with suppress(IllegalStateError):  # the partition moved, and whoever has it begins afresh
                function(TopicPartition(topic, partition))

        # A loop that is closed is that of a worker which ends: nothing is fetched any more.
        with suppress(RuntimeError):
            self._app.consumer._thread.thread_loop.call_soon_threadsafe(call)  # noqa: SLF001 - see above

    async def _in_consumer_thread(self, function: Any, *arguments: Any) -> Any:  # noqa: ANN401 - aiokafka ships no types
        return await self._app.consumer._thread.call_thread(function, *arguments)  # noqa: SLF001 - see above


class Found(NamedTuple):
    """A record, or the end of its partition, where nothing was received yet."""

    offset: int
    received_at_ms: int | None = None
    key: bytes | None = None


async def first_record(connection: Mapping[str, Any], where: TopicPartition, offset: int) -> Found:
    """Find the first record at or behind `offset`. Raises `BrokerUnavailable`."""
    consumer = AIOKafkaConsumer(
        **connection, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        async with asyncio.timeout(FOUND_WITHIN_S):
            await consumer.start()
            consumer.assign([where])
            consumer.seek(where, offset)
            return await _first_record(consumer, where)
    except (KafkaError, TimeoutError) as error:
        raise BrokerUnavailable(
            f"the first record from {where.topic}/{where.partition}/{offset}: {error!r}"
        ) from error
    finally:
        await consumer.stop()


async def _first_record(consumer: AIOKafkaConsumer, where: TopicPartition) -> Found:
    while True:
        end: int = (await consumer.end_offsets([where]))[where]
        found = await consumer.getmany(where, timeout_ms=POLL_TIMEOUT_MS, max_records=1)
        if records := found.get(where):
            return Found(records[0].offset, records[0].timestamp, records[0].key)
        if await consumer.position(where) >= end:
            return Found(end)


def _committed(found: Any) -> Committed:  # noqa: ANN401 - aiokafka ships no types
    if found is None or found.offset == _NO_OFFSET:
        return Committed(None, "")
    return Committed(found.offset, found.metadata or "")
