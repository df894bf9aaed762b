"""Every version of every evidence record, kept in the store by whichever worker owns the topic.

The same worker then judges again what the new versions reach.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from models.dead_letter import DeadLetter
from models.errors import MalformedEvent
from models.ranges import Range, day_of
from sinks.base import RegisteredEvidence
from streams.dead_letters import dead_letter_message
from streams.inbox import Inbox
from streams.judge import dead_letter
from streams.offsets import Membership
from streams.persistence import WhileOwned
from streams.ports import Ports
from streams.rejudging import SWEEP_EVERY_S, USUAL, Limits, Rejudging
from streams.wire import read_keyed_evidence


class EvidenceRecorder:
    """Writes the evidence topic to evidence_log, and has what changed judged again.

    Writing a version again changes nothing, so a plain commit is enough here; it is made once what the
    versions reach is worked off.
    """

    def __init__(
        self, ports: Ports, topic: str, partition: int, membership: Membership, limits: Limits = USUAL
    ) -> None:
        self.membership = membership
        self._topic = topic
        self._partition = partition
        self._ports = ports
        self._persistently = WhileOwned(ports.offsets, membership, ports.threads, f"{topic}/{partition}")
        self._inbox = Inbox(ports.offsets, topic, partition)
        self._storing = asyncio.Lock()
        self._again = Rejudging(ports, topic, partition, membership, limits)

    def feed(self, records: Sequence[Any]) -> None:
        """Hand over the records of one fetch."""
        self._inbox.put(records)

    async def run(self) -> None:
        """Finish what the last owner left; then store batch after batch, and judge again between them."""
        async with self._storing:
            await self._again.settle()
        while True:
            records = await self._next()
            async with self._storing:
                if records:
                    await self._store(records)
                # After a batch too: where records never cease, nothing else would ever get a turn.
                await self._again.advance()

    async def _next(self) -> Sequence[Any]:
        """Give the next batch; nothing where there is none and other work is due."""
        wait_s = 0 if self._again.busy else SWEEP_EVERY_S
        try:
            async with asyncio.timeout(wait_s):
                return await self._inbox.get()
        except TimeoutError:
            return ()

    async def rest(self, limit_s: float) -> None:
        """Return when nothing is under way, or after `limit_s`; nothing more is begun."""
        try:
            async with asyncio.timeout(limit_s):
                await self._storing.acquire()
        except TimeoutError:
            return

    async def _store(self, records: Sequence[Any]) -> None:
        records = await self._following(records)
        if not records:
            return
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
        await self._again.take(kept, refused, records[-1].offset + 1)

    async def _following(self, records: Sequence[Any]) -> Sequence[Any]:
        """Give those records that follow on from the last ones; where some lie between, have them delivered.

        Compaction leaves gaps; after the consumer was moved back, so does what it had fetched before.
        """
        expected = self._again.next_offset
        following = [record for record in records if record.offset >= expected]
        if not following or following[0].offset == expected:
            return following
        offsets = self._ports.offsets
        first = await self._persistently.call(
            lambda: offsets.first_from(self._topic, self._partition, expected)
        )
        if first >= following[0].offset:
            return following
        await offsets.seek(self._topic, self._partition, first)
        return ()


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
