"""The batches that wait for one partition's owner: few, so that memory stays flat, and nobody else waits."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from streams.offsets import Offsets

QUEUED_BATCHES: Final = 1
"""Batches that wait for a partition while another is stored; more would only fill memory."""


class Inbox:
    """A queue that pauses its partition while enough waits, rather than make the others wait.

    What was fetched before a pause took effect still comes: a handful of batches at most, for the
    stream before us holds no more.
    """

    def __init__(self, offsets: Offsets, topic: str, partition: int) -> None:
        self._offsets = offsets
        self._topic = topic
        self._partition = partition
        self._queue: asyncio.Queue[Sequence[Any]] = asyncio.Queue()
        self._paused = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self._queue.empty()

    def put(self, records: Sequence[Any]) -> None:
        """Hand over the records of one fetch."""
        self._queue.put_nowait(records)
        if not self._paused and self._queue.qsize() >= QUEUED_BATCHES:
            self._paused = True
            self._offsets.pause(self._topic, self._partition)

    async def get(self) -> Sequence[Any]:
        """Take the oldest records; wait where there are none."""
        records = await self._queue.get()
        if self._paused and self._queue.empty():
            self._paused = False
            self._offsets.resume(self._topic, self._partition)
        return records
