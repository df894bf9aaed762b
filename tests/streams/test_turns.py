"""Judging again by turns: nothing small waits for something large, and nothing waits for ever."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from earwitness.policy import PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from tests.builders import a_complaint, an_employment
from tests.streams.late_world import LateWorld, owned, work
from tests.streams.records import a_record
from tests.streams.world import Fate

CITING = {"purpose": "resolve_complaint", "evidence_ref": "ticket:T-1"}


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return read_policies(ROOT / "policies")


def judged(policies: PolicySet) -> LateWorld:
    """Make a world in which accesses that cite a ticket are stored, and no register has told of anything."""
    world = LateWorld(policies, [a_record(offset, **CITING) for offset in range(7)])
    asyncio.run(work(world, [Fate(), Fate()]))
    return world


def is_right(world: LateWorld) -> bool:
    return all(access.verdict == world.should_be(access) for access in world.stored())


async def while_evidence_keeps_coming(world: LateWorld, done: Callable[[], bool]) -> bool:
    """Have a new record come whenever the last one is taken; say whether `done` came true meanwhile."""
    owner, member = world.evidence_owner(Fate())
    working = asyncio.create_task(owned(owner, member, 1))
    for _ in range(2_000):
        if member.position == len(world.registers.records):
            number = len(world.registers.records)
            world.register(a_complaint(f"other:{number}", customer_ids=["nobody"]))
        await asyncio.sleep(0)
        if done():
            break
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return done()


def test_a_grace_ends_while_evidence_keeps_coming(policies: PolicySet) -> None:
    """A register that is loaded for hours must not keep accusations back."""
    world = judged(policies)
    world.now += timedelta(hours=50)
    assert not is_right(world)
    assert asyncio.run(while_evidence_keeps_coming(world, lambda: is_right(world)))


def test_a_large_change_is_worked_off_while_evidence_keeps_coming(policies: PolicySet) -> None:
    """It waits for small ones, and not for the last of them."""
    world = judged(policies)
    world.register(a_complaint())
    asyncio.run(work(world, [Fate(), Fate()]))
    world.register(an_employment("staff:e-9", assignees=["e-9"]))
    assert not is_right(world)
    assert asyncio.run(while_evidence_keeps_coming(world, lambda: is_right(world)))
