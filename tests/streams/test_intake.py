import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from models.errors import RangeLost
from streams.intake import Intake
from streams.offsets import NOBODY, Committed, Membership

FIRST = Membership(1, "member-1")
SECOND = Membership(2, "member-2")


class Group:
    """The part of `Offsets` that an intake asks: who we are now."""

    def __init__(self) -> None:
        self.now = FIRST

    async def membership(self) -> Membership:
        return self.now

    async def fetch(self, topic: str, partition: int) -> Committed:
        raise NotImplementedError

    async def commit(
        self, topic: str, partition: int, offset: int, *, metadata: str, membership: Membership
    ) -> None:
        raise NotImplementedError

    async def earliest(self, topic: str, partition: int) -> int:
        raise NotImplementedError

    async def end(self, topic: str, partition: int) -> int:
        raise NotImplementedError

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        raise NotImplementedError

    def has_more(self, topic: str, partition: int, offset: int) -> bool:
        raise NotImplementedError

    def pause(self, topic: str, partition: int) -> None:
        raise NotImplementedError

    def resume(self, topic: str, partition: int) -> None:
        raise NotImplementedError


class Collector:
    """An owner that keeps what it is fed, or ends by an error."""

    def __init__(
        self, topic: str, partition: int, membership: Membership, error: BaseException | None
    ) -> None:
        self.membership = membership
        self.name = f"{topic}/{partition}"
        self.fed: list[Any] = []
        self.rested = False
        self._error = error

    def feed(self, records: Sequence[Any]) -> None:
        self.fed += records

    async def run(self) -> None:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()

    async def rest(self, limit_s: float) -> None:
        self.rested = True


class World:
    """An intake with its owners and the failures it reported."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.group = Group()
        self.owners: list[Collector] = []
        self.failures: list[BaseException] = []
        self._error = error
        self.intake = Intake(self.group, self._make, self.failures.append)

    def _make(self, topic: str, partition: int, membership: Membership) -> Collector:
        self.owners.append(Collector(topic, partition, membership, self._error))
        return self.owners[-1]


def test_each_partition_has_one_owner_while_a_generation_lasts() -> None:
    """Two owners of one partition would race for its ranges."""

    async def work() -> World:
        world = World()
        for partition, records in ((0, [1]), (1, [2]), (0, [3])):
            await world.intake.accept("t", partition, 1, records)
        await world.intake.release()
        return world

    world = asyncio.run(work())
    assert [(owner.name, owner.fed) for owner in world.owners] == [("t/0", [1, 3]), ("t/1", [2])]


def test_a_batch_of_an_older_generation_is_dropped() -> None:
    """It is read again by whoever owns the partition now."""

    async def work() -> World:
        world = World()
        world.group.now = SECOND
        await world.intake.accept("t", 0, 1, [1])
        return world

    assert asyncio.run(work()).owners == []


def test_a_new_generation_has_a_new_owner() -> None:
    """What the old one believed of offsets and copies no longer holds."""

    async def work() -> World:
        world = World()
        await world.intake.accept("t", 0, 1, [1])
        world.group.now = SECOND
        await world.intake.accept("t", 0, 2, [2])
        await world.intake.release()
        return world

    world = asyncio.run(work())
    assert [(owner.membership, owner.fed) for owner in world.owners] == [(FIRST, [1]), (SECOND, [2])]


def test_a_partition_that_moved_blocks_nobody() -> None:
    """An owner that ended takes no more batches; the stream must go on to the others."""

    async def work() -> World:
        world = World(RangeLost("moved"))
        async with asyncio.timeout(5):
            await world.intake.accept("t", 0, 1, [1])
            await world.intake.accept("t", 0, 1, [2])
        return world

    assert asyncio.run(work()).failures == []


def test_an_unforeseen_end_of_an_owner_is_reported() -> None:
    """Going on without it would leave its partition unserved, in silence."""
    error = ValueError("unforeseen")

    async def work() -> World:
        world = World(error)
        async with asyncio.timeout(5):
            await world.intake.accept("t", 0, 1, [1])
        await asyncio.sleep(0)
        return world

    assert asyncio.run(work()).failures == [error]


def test_nothing_is_begun_anew_in_a_generation_that_was_let_go_of() -> None:
    """Calls of the owner before may still take effect in it, and no commit tells the two apart."""

    async def work() -> World:
        world = World()
        await world.intake.accept("t", 0, 1, [1])
        releasing = asyncio.create_task(world.intake.release())
        await asyncio.sleep(0)
        await world.intake.accept("t", 0, 1, [2])
        await releasing
        await world.intake.accept("t", 0, 1, [3])
        await world.intake.own("t", 0, FIRST)
        world.group.now = SECOND
        await world.intake.resume()
        await world.intake.accept("t", 0, 2, [1, 2, 3])
        await world.intake.release()
        return world

    world = asyncio.run(work())
    assert [(owner.membership, owner.fed) for owner in world.owners] == [(FIRST, [1]), (SECOND, [1, 2, 3])]
    assert world.failures == []


def test_a_generation_that_comes_back_ends_the_worker() -> None:
    """It could be served by nobody here, and silence would not tell."""

    async def work() -> World:
        world = World()
        await world.intake.release()
        await world.intake.resume()
        return world

    (failure,) = asyncio.run(work()).failures
    assert "gave back a generation" in str(failure)


def test_an_assigned_partition_is_owned_before_anything_is_delivered() -> None:
    """What a predecessor left, or a restored store lacks, waits for no new record; one owner does both."""

    async def work() -> World:
        world = World()
        for _ in range(2):
            await world.intake.own("t", 0, FIRST)
        await world.intake.accept("t", 0, 1, [1])
        await world.intake.release()
        return world

    world = asyncio.run(work())
    assert [(owner.name, owner.fed) for owner in world.owners] == [("t/0", [1])]


@pytest.mark.parametrize("now", [SECOND, NOBODY])
def test_a_partition_that_may_be_another_s_by_now_gets_no_owner(now: Membership) -> None:
    """In the middle of a rebalance the member is new and the assignment is still the old one."""

    async def work() -> World:
        world = World()
        world.group.now = now
        await world.intake.own("t", 0, FIRST)
        return world

    assert asyncio.run(work()).owners == []


def test_releasing_lets_what_is_under_way_finish() -> None:
    """A range that is stored before the partition moves need not be settled by the next owner."""

    async def work() -> World:
        world = World()
        await world.intake.accept("t", 0, 1, [1])
        await world.intake.release()
        return world

    assert asyncio.run(work()).owners[0].rested
