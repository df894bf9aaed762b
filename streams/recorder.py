"""Every version of every evidence record, kept in the store by whichever worker owns the topic."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from models.dead_letter import DeadLetter
from models.errors import MalformedEvent
from models.ranges import Range, day_of
from sinks.base import RegisteredEvidence
from streams.dead_letters import dead_letter_message
from streams.judge import dead_letter
from streams.offsets import Membership
from streams.partition import Ports
from streams.persistence import WhileOwned
from streams.wire import read_keyed_evidence

QUEUED_BATCHES: Final = 1


class EvidenceRecorder:
    """Writes the evidence topic to evidence_log.

    Writing a version again changes nothing, so a plain commit after the write is enough here.
    """

    def __init__(self, ports: Ports, topic: str, partition: int, membership: Membership) -> None:
        self.membership = membership
        self._topic = topic
        self._partition = partition
        self._ports = ports
        self._persistently = WhileOwned(ports.offsets, membership, ports.threads, f"{topic}/{partition}")
        self._queue: asyncio.Queue[Sequence[Any]] = asyncio.Queue(QUEUED_BATCHES)
        self._storing = asyncio.Lock()

    async def feed(self, records: Sequence[Any]) -> None:
        """Hand over the records of one fetch; waits while earlier ones are being stored."""
        await self._queue.put(records)

    async def run(self) -> None:
        """Store batch after batch."""
        while True:
            records = await self._queue.get()
            async with self._storing:
                await self._store(records)

    async def rest(self, limit_s: float) -> None:
        """Return when nothing is under way, or after `limit_s`; nothing more is begun."""
        try:
            async with asyncio.timeout(limit_s):
                await self._storing.acquire()
        except TimeoutError:
            return

    async def _store(self, records: Sequence[Any]) -> None:
        kept, refused = _read(records)
        trail = self._ports.trail
        if refused:
            first, last = records[0], records[-1]
            origin = Range(self._topic, self._partition, first.offset, last.offset, day_of(first.timestamp))
            await self._persistently.in_thread(trail.write_dead_letters, origin, refused)
            messages = [dead_letter_message(letter) for letter in refused]
            await self._persistently.call(lambda: self._ports.announcer.publish(messages))
        if kept:
            await self._persistently.in_thread(trail.write_evidence, kept)
        await self._persistently.call(
            lambda: self._ports.offsets.commit(
                self._topic, self._partition, records[-1].offset + 1, metadata="", membership=self.membership
            )
        )


def _read(records: Sequence[Any]) -> tuple[list[RegisteredEvidence], list[DeadLetter]]:
    kept: list[RegisteredEvidence] = []
    refused: list[DeadLetter] = []
    for record in records:
        try:
            kept.append(
                RegisteredEvidence(
                    read_keyed_evidence(record.key, record.value), record.offset, record.timestamp
                )
            )
        except MalformedEvent as error:
            refused.append(dead_letter(record, error))
    return kept, refused
