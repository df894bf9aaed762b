"""Which partition's records go where: one owner for each partition and generation."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import structlog

from models.errors import BrokerUnavailable, RangeLost
from streams.offsets import Membership, Offsets

log = structlog.get_logger(__name__)

HAND_OVER_S: Final = 3.0
"""How long a range under way may take to finish once its partition is to move; then it is abandoned,
which is safe: the next owner settles it."""


class Owner(Protocol):
    """Whoever works off the records of one partition in one generation."""

    membership: Membership

    def feed(self, records: Sequence[Any]) -> None:
        """Hand over the records of one fetch."""

    async def run(self) -> None:
        """Work them off until the generation is over."""

    async def rest(self, limit_s: float) -> None:
        """Return when nothing is under way, or after `limit_s`; begin nothing more."""


class Intake:
    """Routes batches to the owner of their partition; makes owners and lets them go."""

    def __init__(
        self,
        offsets: Offsets,
        make_owner: Callable[[str, int, Membership], Owner],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._offsets = offsets
        self._make_owner = make_owner
        self._on_failure = on_failure
        self._owners: dict[tuple[str, int], tuple[Owner, asyncio.Task[None]]] = {}
        self._let_go: Membership | None = None

    async def accept(self, topic: str, partition: int, generation: int, records: Sequence[Any]) -> None:
        """Hand a batch over, unless it was fetched in a generation that is over: it is read again."""
        membership = await self._offsets.membership()
        if membership.generation != generation or membership == self._let_go:
            log.info("batch_outdated", topic=topic, partition=partition, generation=generation)
            return
        owner, task = self._owner(topic, partition, membership)
        if not task.done():
            owner.feed(records)

    async def own(self, topic: str, partition: int, assigned_as: Membership) -> None:
        """Have an owner of the partition although nothing was delivered: it may have work of its own.

        Nothing happens where this process is no longer the member to which the partition was assigned: in the
        middle of a rebalance it may be another's already.
        """
        membership = await self._offsets.membership()
        if membership.generation >= 0 and membership == assigned_as and membership != self._let_go:
            self._owner(topic, partition, membership)

    async def release(self) -> None:
        """Let go of every partition: finish what is under way within the limit, begin nothing more.

        Nothing more is begun in this generation at all: calls of an owner that was abandoned may still
        take effect in it, and no commit would be refused that a second owner's work contradicts.
        """
        self._let_go = await self._offsets.membership()
        owners, self._owners = list(self._owners.values()), {}
        await asyncio.gather(*(owner.rest(HAND_OVER_S) for owner, task in owners if not task.done()))
        for _, task in owners:
            task.cancel()
        await asyncio.gather(*(task for _, task in owners), return_exceptions=True)

    async def resume(self) -> None:
        """Go on with what was assigned. A generation that was let go of must not come back: report that."""
        if await self._offsets.membership() == self._let_go:
            self._on_failure(
                BrokerUnavailable(
                    "the group gave back a generation that was let go of; start this worker again"
                )
            )

    def _owner(self, topic: str, partition: int, membership: Membership) -> tuple[Owner, asyncio.Task[None]]:
        known = self._owners.get((topic, partition))
        if known is not None:
            if known[0].membership == membership:
                return known
            known[1].cancel()
        owner = self._make_owner(topic, partition, membership)
        task = asyncio.create_task(owner.run(), name=f"owner-{topic}-{partition}")
        task.add_done_callback(self._ended)
        self._owners[topic, partition] = owner, task
        return owner, task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, RangeLost):
            log.info("partition_moved", owner=task.get_name(), reason=str(error))
        elif error is not None:
            self._on_failure(error)
