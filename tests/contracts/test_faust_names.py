"""The private names of Faust and aiokafka that fenced commits and partition batches rely on."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import faust
import kafka
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.protocol.commit import OffsetCommitRequest
from kafka.admin import KafkaAdminClient

from earwitness.cli import wiring
from models.errors import RangeLost
from models.topics import ACCESS_EVENTS
from streams.app import create_app
from streams.fetching import LONGEST_WAIT_MS
from streams.offsets import Committed, GroupOffsets, Membership
from tests.conftest import Stack

pytestmark = pytest.mark.stack
T = TypeVar("T")


def with_member(stack: Stack, folder: Path, ask: Callable[[GroupOffsets], Awaitable[T]]) -> T:
    """Join a group of its own through Faust, ask, and leave."""

    async def run() -> T:
        assigned = asyncio.Event()
        connection = wiring.kafka(stack.settings("admin").kafka)
        group = f"names-{uuid.uuid4()}"
        app = create_app(connection, group=group, session_timeout_s=6, scratch=folder)

        async def consume(stream: faust.StreamT[bytes]) -> None:
            async for _ in stream:
                pass

        async def note(*_: object, **__: object) -> None:
            assigned.set()

        app.agent(app.topic(ACCESS_EVENTS, acks=False), name="names")(consume)
        app.on_partitions_assigned.connect(note)
        await app.start()
        try:
            async with asyncio.timeout(30):
                await assigned.wait()
            return await ask(GroupOffsets(app, connection.arguments()))
        finally:
            await app.stop()

    return asyncio.run(run())


def test_the_broker_is_not_let_wait(stack: Stack, tmp_path: Path) -> None:
    """A fetch of partitions that have nothing holds up those that are resumed in the meantime."""

    async def ask(offsets: GroupOffsets) -> int:
        wait_ms: int = offsets._consumer()._fetcher._fetch_max_wait_ms
        return wait_ms

    assert with_member(stack, tmp_path, ask) == LONGEST_WAIT_MS


def test_what_the_broker_has_is_known_from_its_last_answer(stack: Stack, tmp_path: Path) -> None:
    """Whether more is on its way decides whether an insert waits for it."""

    async def ask(offsets: GroupOffsets) -> tuple[bool, bool]:
        end = await offsets.end(ACCESS_EVENTS, 0)
        return offsets.has_more(ACCESS_EVENTS, 0, end), offsets.has_more("not-ours", 0, 0)

    assert with_member(stack, tmp_path, ask) == (False, False)


def test_a_commit_keeps_its_metadata(stack: Stack, tmp_path: Path) -> None:
    """The intent of a range lives in the metadata of a commit; Faust's own commit drops it."""

    async def ask(offsets: GroupOffsets) -> tuple[Committed, Committed]:
        before = await offsets.fetch(ACCESS_EVENTS, 0)
        membership = await offsets.membership()
        await offsets.commit(ACCESS_EVENTS, 0, 7, metadata="v1 7-9 2026-09-21 1", membership=membership)
        return before, await offsets.fetch(ACCESS_EVENTS, 0)

    assert with_member(stack, tmp_path, ask) == (Committed(None, ""), Committed(7, "v1 7-9 2026-09-21 1"))


@pytest.mark.parametrize("wrong", ["generation", "member", "none"])
def test_a_commit_of_another_generation_is_refused(stack: Stack, tmp_path: Path, wrong: str) -> None:
    """A worker that slept through a rebalance must not move its successor's offset."""

    async def ask(offsets: GroupOffsets) -> Committed:
        now = await offsets.membership()
        stale = {
            "generation": Membership(now.generation + 1, now.member_id),
            "member": Membership(now.generation, "somebody-else"),
            "none": Membership(-1, ""),
        }[wrong]
        with pytest.raises(RangeLost):
            await offsets.commit(ACCESS_EVENTS, 0, 7, metadata="", membership=stale)
        return await offsets.fetch(ACCESS_EVENTS, 0)

    assert with_member(stack, tmp_path, ask) == Committed(None, "")


def test_a_member_whose_part_in_the_group_has_ended_is_told(stack: Stack, tmp_path: Path) -> None:
    """A broker that has only just come back may name no broker at all, and aiokafka then gives the group up.

    It tells that to whoever fetches next, which a consumer without partitions never does.
    """

    async def ask(offsets: GroupOffsets) -> str:
        coordinator = offsets._coordinator()
        before = offsets.failure
        coordinator._client.get_random_node = lambda: None
        coordinator.coordinator_dead()
        async with asyncio.timeout(20):
            while offsets.failure is None:
                await asyncio.sleep(0.05)
        return f"{before}, then {type(offsets.failure).__name__}"

    assert with_member(stack, tmp_path, ask) == "None, then KafkaError"


def test_the_edges_of_a_partition_are_known(stack: Stack, tmp_path: Path) -> None:
    """A gap is mended by asking where the topic begins and ends now."""

    async def ask(offsets: GroupOffsets) -> tuple[int, int]:
        return await offsets.earliest(ACCESS_EVENTS, 0), await offsets.end(ACCESS_EVENTS, 0)

    first, end = with_member(stack, tmp_path, ask)
    assert 0 <= first <= end


def test_the_end_of_a_transaction_is_no_record(stack: Stack, tmp_path: Path) -> None:
    """It takes an offset that is never delivered: asking for it again and again would stop a partition."""
    topic = f"transactions-{uuid.uuid4()}"
    admin = KafkaAdminClient(**stack.kafka_client("admin"))
    admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)

    async def ask(offsets: GroupOffsets) -> list[int]:
        producer = AIOKafkaProducer(**stack.kafka_client("admin"), transactional_id=topic)
        await producer.start()
        for _ in range(2):
            async with producer.transaction():
                await producer.send_and_wait(topic, b"a record", partition=0)
        await producer.stop()
        return [await offsets.first_from(topic, 0, offset) for offset in range(5)]

    try:
        assert with_member(stack, tmp_path, ask) == [0, 2, 2, 4, 4]
    finally:
        admin.delete_topics([topic])
        admin.close()


def test_records_that_retention_deleted_are_behind_the_first(stack: Stack, tmp_path: Path) -> None:
    """Who asks for them is told where the topic begins now."""
    topic = f"deleted-{uuid.uuid4()}"
    admin = KafkaAdminClient(**stack.kafka_client("admin"))
    admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)

    async def ask(offsets: GroupOffsets) -> tuple[list[int], list[int | None], int]:
        producer = AIOKafkaProducer(**stack.kafka_client("admin"))
        await producer.start()
        for _ in range(4):
            sent = await producer.send_and_wait(topic, b"a record", partition=0)
        await producer.stop()
        admin.delete_records({kafka.TopicPartition(topic, 0): 3})
        return (
            [await offsets.first_from(topic, 0, offset) for offset in (0, 3, 4)],
            [await offsets.received_at_ms(topic, 0, offset) for offset in (0, 3, 4)],
            sent.timestamp,
        )

    try:
        first, received_at_ms, sent_at_ms = with_member(stack, tmp_path, ask)
        assert first == [3, 3, 4]
        assert received_at_ms == [None, sent_at_ms, None]
    finally:
        admin.delete_topics([topic])
        admin.close()


def test_the_commit_request_takes_what_we_give_it() -> None:
    """Aiokafka builds the request for whichever version the broker speaks."""
    request = OffsetCommitRequest("group", 3, "member", -1, [("topic", [(0, 7, "v1")])])
    assert request.API_KEY == 8
