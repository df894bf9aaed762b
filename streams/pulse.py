"""Asking Kafka, and the event loop itself, several times a second whether they are there."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from earwitness.health.pulse import ASKED_EVERY_S
from earwitness.health.readiness import EVENT_LOOP, KAFKA
from models.errors import BrokerUnavailable
from models.topics import ACCESS_EVENTS
from streams.connection import unreachable
from streams.observed import Observer
from streams.offsets import Offsets

ANSWER_WITHIN_S: Final = 0.8
"""How long one answer is waited for; then Kafka is asked anew."""

BEAT_EVERY_S: Final = 0.1
LEARNED_EVERY_S: Final = 1.0


class KafkaPulse:
    """Asks where the access topic ends: whether Kafka answers, and how far behind the worker is."""

    def __init__(
        self,
        connection: dict[str, Any],
        observer: Observer,
        owned: Callable[[], Collection[int]],
        offsets: Offsets,
    ) -> None:
        self._connection = connection
        self._readiness = observer.readiness
        self._progress = observer.progress
        self._owned = owned
        self._offsets = offsets
        self._consumer: AIOKafkaConsumer | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect and begin to ask. Raises `BrokerUnavailable`."""
        self._consumer = consumer = AIOKafkaConsumer(
            **self._connection, group_id=None, enable_auto_commit=False
        )
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise unreachable(self._connection, error) from error
        self._tasks = [
            asyncio.create_task(self._ask_on(consumer), name="pulse-kafka"),
            asyncio.create_task(self._learn_on(), name="pulse-commits"),
            asyncio.create_task(self._beat(), name="pulse-event-loop"),
        ]

    async def stop(self) -> None:
        """Ask no more and disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    async def _beat(self) -> None:
        while True:
            self._readiness.answered(EVENT_LOOP)
            await asyncio.sleep(BEAT_EVERY_S)

    async def _ask_on(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    await self._ask(consumer)
            except TimeoutError:
                pass  # silence is seen by itself, unless something else was answered meanwhile
            except Exception as error:  # noqa: BLE001 - whatever it is, the answer did not come
                self._readiness.refused(KAFKA, repr(error))
            else:
                self._readiness.answered(KAFKA)
            await asyncio.sleep(ASKED_EVERY_S)

    async def _learn_on(self) -> None:
        """Learn how far a partition is stored of which nothing was delivered yet.

        The consumer's thread is asked for it, and must not be left alone in the middle: no time limit here.
        """
        while True:
            for partition in frozenset(self._owned()) - self._progress.known():
                with suppress(BrokerUnavailable):
                    committed = await self._offsets.fetch(ACCESS_EVENTS, partition)
                    self._progress.stored(partition, committed.offset or 0)
            await asyncio.sleep(LEARNED_EVERY_S)

    async def _ask(self, consumer: AIOKafkaConsumer) -> None:
        if not consumer.partitions_for_topic(ACCESS_EVENTS):
            await consumer.topics()
        partitions = consumer.partitions_for_topic(ACCESS_EVENTS) or ()
        ends = await consumer.end_offsets([TopicPartition(ACCESS_EVENTS, number) for number in partitions])
        owned = frozenset(self._owned())
        self._progress.keep(owned)
        self._progress.seen({place.partition: end for place, end in ends.items() if place.partition in owned})
