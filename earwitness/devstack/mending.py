"""Topics of a Kafka that lost its data go on behind what the trail holds of them.

The trail knows records by their offsets, and evidence by its version, which is one. A topic that was made
anew, or restored from an older copy, gives the same offsets again. So it is filled up to where the trail
ends, what producers have sent to it meanwhile is sent once more behind that, and all before is deleted.
In that order: whenever this ends early, workers still refuse the topic, and doing it again completes it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from kafka import TopicPartition as DeletedFrom
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, KafkaAdminClient

from earwitness.cli import wiring
from earwitness.devstack.provision import LARGEST_MESSAGE_BYTES, kafka_admin
from earwitness.settings import KafkaSettings
from models.errors import BrokerUnavailable
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from sinks.base import Received
from sinks.clickhouse.trail import ClickHouseTrail
from streams.offsets import first_record

MENDED: Final = (ACCESS_EVENTS, EVIDENCE_RECORDS)
"""The topics whose offsets the trail holds."""

FILLER: Final = b"earwitness-filler"
"""The key of a record that only takes an offset; those of accesses and evidence are ids and refs."""

LARGEST_BATCH_BYTES: Final = LARGEST_MESSAGE_BYTES // 2
POLL_TIMEOUT_MS: Final = 500


class Held(NamedTuple):
    """What the trail holds of a partition."""

    where: TopicPartition
    next_offset: int
    """The first that it knows nothing of."""

    received: frozenset[Received]
    """Records that are stored for certain; the newest of them tells one topic from another."""


class Behind(NamedTuple):
    """A partition that is not the one that the trail knows."""

    held: Held
    begin: int
    end: int

    def __str__(self) -> str:
        (topic, partition), next_offset = self.held[:2]
        return f"{topic}/{partition} has {self.begin} to {self.end}; the trail goes on at {next_offset}"


def behind(kafka: KafkaSettings, trail: ClickHouseTrail) -> list[Behind]:
    """Find the partitions that end before what the trail holds, or hold other records than those stored.

    Raises `BrokerUnavailable` or `SinkUnavailable`.
    """
    return asyncio.run(_behind(wiring.kafka(kafka).arguments(), trail))


def mend(kafka: KafkaSettings, partitions: list[Behind]) -> int:
    """Have partitions go on behind what the trail holds; give how many records were sent once more.

    Raises `BrokerUnavailable`; it can be done again.
    """
    moved = asyncio.run(_fill_and_move(wiring.kafka(kafka).arguments(), partitions))
    _delete(kafka, partitions)
    return moved


async def _behind(connection: Mapping[str, Any], trail: ClickHouseTrail) -> list[Behind]:
    consumer = AIOKafkaConsumer(*MENDED, **connection, group_id=None, enable_auto_commit=False)
    try:
        await consumer.start()
        placed = [
            TopicPartition(topic, partition)
            for topic in MENDED
            for partition in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        begins, ends = await consumer.beginning_offsets(placed), await consumer.end_offsets(placed)
    except KafkaError as error:
        raise BrokerUnavailable(f"where the topics begin and end: {error!r}") from error
    finally:
        await consumer.stop()
    found = [Behind(_held(trail, where), begins[where], ends[where]) for where in placed]
    return [each for each in found if await _is_another(connection, each)]


def _held(trail: ClickHouseTrail, where: TopicPartition) -> Held:
    highest = trail.highest_offset(*where)
    if where.topic == EVIDENCE_RECORDS:
        received = frozenset(trail.evidence_received())
    else:
        last = trail.last_row(*where)
        received = frozenset() if last is None else frozenset({last})
    reached = [-1 if highest is None else highest, *(record.offset for record in received)]
    return Held(where, max(reached) + 1, received)


async def _is_another(connection: Mapping[str, Any], found: Behind) -> bool:
    where, next_offset, received = found.held
    if found.end < next_offset:
        return True
    received_at_ms = dict(received)
    for offset in {next_offset - 1, max(received_at_ms, default=next_offset - 1)}:
        record = await first_record(connection, where, max(offset, 0))
        if record.offset != offset:
            continue
        # A filler before the trail's end was left by a call that ended early.
        if record.key == FILLER or record.received_at_ms != received_at_ms.get(offset, record.received_at_ms):
            return True
    return False


async def _fill_and_move(connection: Mapping[str, Any], partitions: list[Behind]) -> int:
    producer = AIOKafkaProducer(**connection, enable_idempotence=True, max_batch_size=LARGEST_BATCH_BYTES)
    consumer = AIOKafkaConsumer(**connection, group_id=None, enable_auto_commit=False)
    moved = 0
    try:
        await producer.start()
        await consumer.start()
        for found in partitions:
            await _fill(producer, found)
            moved += await _move(consumer, producer, found)
    except KafkaError as error:
        raise BrokerUnavailable(f"the topics are not mended, do it again: {error!r}") from error
    finally:
        await consumer.stop()
        await producer.stop()
    return moved


async def _fill(producer: AIOKafkaProducer, found: Behind) -> None:
    """Take every offset up to where the trail ends."""
    topic, partition = found.held.where
    lacking = found.held.next_offset - found.end
    while lacking > 0:
        batch = producer.create_batch()
        while lacking and batch.append(key=FILLER, value=None, timestamp=None) is not None:
            lacking -= 1
        await (await producer.send_batch(batch, topic, partition=partition))


async def _move(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, found: Behind) -> int:
    """Send again, in their order, what stands where the trail has other records; give how many they are."""
    where, next_offset, received = found.held
    consumer.assign([where])
    consumer.seek(where, found.begin)
    moved = 0
    while await consumer.position(where) < next_offset:
        page = await consumer.getmany(where, timeout_ms=POLL_TIMEOUT_MS)
        sent = [
            await producer.send(
                where.topic, record.value, record.key, where.partition, headers=list(record.headers)
            )
            for record in page.get(where, ())
            if record.offset < next_offset
            and record.key != FILLER
            and (record.offset, record.timestamp) not in received
        ]
        await asyncio.gather(*sent)
        moved += len(sent)
    return moved


def _delete(kafka: KafkaSettings, partitions: list[Behind]) -> None:
    """Delete what stands before the trail's end. Of a topic that is compacted nothing else may be deleted."""
    with kafka_admin(kafka) as admin:
        _alter_evidence(
            admin,
            {
                "retention.ms": (AlterConfigOp.SET, "-1"),
                "cleanup.policy": (AlterConfigOp.SET, "compact,delete"),
            },
        )
        admin.delete_records({DeletedFrom(*found.held.where): found.held.next_offset for found in partitions})
        _alter_evidence(
            admin,
            {
                "cleanup.policy": (AlterConfigOp.SET, "compact"),
                "retention.ms": (AlterConfigOp.DELETE, None),
            },
        )


def _alter_evidence(admin: KafkaAdminClient, changed: dict[str, tuple[AlterConfigOp, str | None]]) -> None:
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, EVIDENCE_RECORDS, changed)])
