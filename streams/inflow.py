"""The records of one partition as they follow on from each other, whatever is delivered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

import structlog

from models.ranges import Range
from streams.cutting import LARGEST_RANGE_BYTES, cut, size_of, split_at
from streams.inbox import Inbox
from streams.persistence import WhileOwned
from streams.ports import Ports

log = structlog.get_logger(__name__)

ASKED_AGAIN_S: Final = 10.0
"""How long records may fail to come after the consumer was moved to them."""

FETCHED_WITHIN_S: Final = 0.25
"""How long records are waited for that the broker is known to have."""


class Inflow:
    """What one owner of a partition takes in: every record once, in the order of the offsets.

    `expected` is the offset to go on at. `announced` is the range whose records come first, and whole:
    it keeps the name under which an earlier owner announced it.
    """

    def __init__(self, ports: Ports, topic: str, partition: int, persistently: WhileOwned) -> None:
        self.expected = 0
        self.announced: Range | None = None
        self._ports = ports
        self._topic = topic
        self._partition = partition
        self._persistently = persistently
        self._inbox = Inbox(ports.offsets, topic, partition)
        self._left_over: list[Any] = []
        self._moved = False
        self._stored_at = float("-inf")

    def put(self, records: Sequence[Any]) -> None:
        """Hand over the records of one fetch."""
        self._inbox.put(records)

    def note_stored(self) -> None:
        """Note that a range was stored now: under load, the next insert is not made at once."""
        self._stored_at = asyncio.get_running_loop().time()

    async def go_on_at(self, offset: int) -> None:
        """Have records delivered from there, wherever the consumer is."""
        self.expected = offset
        self._moved = True
        await self._ports.offsets.seek(self._topic, self._partition, offset)

    async def begin(self, while_idle: Callable[[], Awaitable[None]]) -> list[Any]:
        """Wait for records; call `while_idle` first where none is at hand. All of `announced` are given."""
        records, self._left_over = self._left_over, []
        records = records or list(await self._take(while_idle))
        while self.announced is not None and records[-1].offset < self.announced.last:
            records += await self._take()
        return records

    async def fill(self, records: list[Any]) -> None:
        """Add what comes soon, so that inserts are few and large: a lone record waits for no company.

        What the broker has is waited for, and under load whatever comes within the shortest interval. What is
        more than whole ranges is left for the next time.
        """
        await self._add(records)
        if self.announced is None and len(records) > self._ports.largest_range:
            whole = len(records) // self._ports.largest_range * self._ports.largest_range
            self._left_over = records[whole:]
            del records[whole:]

    async def _add(self, records: list[Any]) -> None:
        loop = asyncio.get_running_loop()
        begun, size = loop.time(), size_of(records)
        while len(records) < self._ports.largest_range and size < LARGEST_RANGE_BYTES:
            until = self._stored_at + self._ports.shortest_interval_s
            if self._ports.offsets.has_more(self._topic, self._partition, self.expected):
                until = max(until, begun + FETCHED_WITHIN_S)
            if (left := until - loop.time()) <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    taken = await self._take()
            except TimeoutError:
                return
            records += taken
            size += size_of(taken)

    def cut(self, records: list[Any]) -> Iterator[tuple[Range, list[Any]]]:
        """Cut records into ranges; the one that was announced comes first."""
        if self.announced is not None:
            announced, self.announced = self.announced, None
            of_it, records = split_at(records, announced.last)
            yield announced, of_it
        yield from cut(self._topic, self._partition, records, self._ports.largest_range)

    async def _take(self, while_idle: Callable[[], Awaitable[None]] | None = None) -> Sequence[Any]:
        """Take the next records that follow on from the last ones."""
        while True:
            if while_idle is not None and self._inbox.is_empty:
                await while_idle()
            delivered = await self._delivered()
            records = [record for record in delivered if record.offset >= self.expected]
            if not records:
                continue
            if records[0].offset > self.expected:
                await self._mend_gap(self.expected)
                continue
            self.expected = records[-1].offset + 1
            self._moved = False
            return records

    async def _delivered(self) -> Sequence[Any]:
        """Wait for the next batch. Where the consumer was moved and nothing came of it, move it again."""
        while True:
            try:
                async with asyncio.timeout(ASKED_AGAIN_S if self._moved else None):
                    return await self._inbox.get()
            except TimeoutError:
                await self.go_on_at(self.expected)

    async def _mend_gap(self, expected: int) -> None:
        """Have missing records delivered; where the topic has none there, go on behind them.

        Retention deletes records, which is said; the end of a transaction takes an offset and is no record.
        """
        offsets, topic, partition = self._ports.offsets, self._topic, self._partition
        first = await self._persistently.call(lambda: offsets.first_from(topic, partition, expected))
        earliest = await self._persistently.call(lambda: offsets.earliest(topic, partition))
        if earliest > expected:
            log.error("records_gone", topic=topic, partition=partition, first=expected, next=earliest)
            self.announced = None
        await self.go_on_at(first)
