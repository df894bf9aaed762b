"""Calling until it works: for outages that end, within a generation that may not."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Final, TypeVar

import structlog

from models.errors import BrokerUnavailable, RangeLost, SinkUnavailable
from streams.offsets import Membership, Offsets

log = structlog.get_logger(__name__)

FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 5.0

UNANSWERED_COMMIT_S: Final = 5.0
"""How long a commit that was given up may lie in a broker that answers others."""

T = TypeVar("T")


class WhileOwned:
    """Repeats calls until they succeed, for as long as this process owns the partition.

    An outage may last: the partition waits, the group's heartbeats go on in a thread of their own,
    and nothing is skipped. `RangeLost` ends it once the group has moved on.
    """

    def __init__(self, offsets: Offsets, membership: Membership, threads: Executor, where: str) -> None:
        self._offsets = offsets
        self._membership = membership
        self._threads = threads
        self._where = where

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Await `ask()` until it succeeds; `SinkUnavailable` and `BrokerUnavailable` are waited out."""
        wait_s = FIRST_RETRY_S
        while True:
            try:
                return await ask()
            except (SinkUnavailable, BrokerUnavailable) as error:
                log.warning("partition_waits", where=self._where, error=str(error), retry_after_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_RETRY_S)
            if await self._offsets.membership() != self._membership:
                raise RangeLost(f"{self._where}: the group has moved on")

    async def commit(self, topic: str, partition: int, offset: int, metadata: str) -> None:
        """Commit until the broker says that it did.

        A commit whose answer is lost may take effect later. It is waited for, because it repeats what
        was committed here and would undo what is committed next.
        """
        calls = 0

        async def commit() -> None:
            nonlocal calls
            calls += 1
            await self._offsets.commit(
                topic, partition, offset, metadata=metadata, membership=self._membership
            )

        await self.call(commit)
        if calls > 1:
            await asyncio.sleep(UNANSWERED_COMMIT_S)

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a blocking call in the worker's threads until it succeeds."""
        return await self.call(lambda: self.once_in_thread(function, *arguments))

    async def once_in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a blocking call in the worker's threads, once."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
