"""Judging again by turns: nothing small waits for something large, and nothing waits for ever."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import pytest

from earwitness.policy import PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import EvidenceRecord
from models.topics import EVIDENCE_RECORDS
from sinks.base import JudgedBefore, RegisteredEvidence, Selection, StoredAccess
from sinks.memory import MemoryVerdicts
from streams.rejudging import Limits, Rejudging
from tests.builders import a_complaint, an_employment
from tests.streams.late_world import LateWorld, owned, work
from tests.streams.records import NOON_MS, a_record
from tests.streams.world import Fate, Member

CITING = {"purpose": "resolve_complaint", "evidence_ref": "ticket:T-1"}


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return read_policies(ROOT / "policies")


def judged(policies: PolicySet) -> LateWorld:
    """Make a world in which accesses that cite a ticket are stored, and no register has told of anything."""
    world = LateWorld(policies, [a_record(offset, **CITING) for offset in range(7)])
    asyncio.run(work(world, [Fate(), Fate()]))
    return world


PEOPLE = 30
MANY_LEAVE = [an_employment(f"staff:{n}", assignees=[f"p-{n}"], status="withdrawn") for n in range(PEOPLE)]


def with_many_people(policies: PolicySet, accesses: int) -> LateWorld:
    """Make a world of `PEOPLE` with so many justified accesses each, and one who cites what nobody knows."""
    records = [
        a_record(person * accesses + number, actor_id=f"p-{person}", **CITING)
        for person in range(PEOPLE)
        for number in range(accesses)
    ]
    asked = {"actor_id": "q", "purpose": "resolve_complaint", "evidence_ref": "ticket:T-2"}
    world = LateWorld(policies, [*records, a_record(len(records), **asked)])
    staff = [record.model_copy(update={"status": "active"}) for record in MANY_LEAVE]
    world.register(a_complaint(), an_employment("staff:q", assignees=["q"]), *staff)
    asyncio.run(work(world, [Fate(), Fate()]))
    return world


class Asked(MemoryVerdicts):
    """Verdicts that note what is asked until the first new one is given."""

    def __init__(self, world: LateWorld) -> None:
        super().__init__(world.trail)
        self.blocks = world.verdicts.blocks
        self.questions = 0
        self._blocks_before = len(self.blocks)

    def count_by_day(self, selection: JudgedBefore) -> Mapping[date, int]:
        self._note()
        return super().count_by_day(selection)

    def count_by_value(self, selection: JudgedBefore) -> Mapping[tuple[str, ...], int]:
        self._note()
        return super().count_by_value(selection)

    def select(
        self, selection: Selection, day: date, after: StoredAccess | None, limit: int
    ) -> list[StoredAccess]:
        self._note()
        return super().select(selection, day, after, limit)

    def _note(self) -> None:
        self.questions += len(self.blocks) == self._blocks_before


async def take(world: LateWorld, limits: Limits) -> Rejudging:
    """Have the owner of the evidence take all that the registers told of as one batch."""
    member = Member(world.registers, Fate(), beside=world.accesses)
    first = world.registers.committed.offset or 0
    recorded = [
        RegisteredEvidence(EvidenceRecord.model_validate_json(record.value or b""), record.offset, NOON_MS)
        for record in world.registers.records[first:]
    ]
    world.trail.write_evidence(recorded)
    again = Rejudging(world.ports(member, Fate()), EVIDENCE_RECORDS, 0, member.membership_then, limits)
    await again.take(recorded, [], len(world.registers.records))
    return again


def changed(world: LateWorld) -> list[str]:
    """Give who got new verdicts, in their order."""
    return [given.access.actor_id for block in world.verdicts.blocks.values() for given in block.verdicts]


def test_a_small_change_does_not_wait_for_large_ones_of_its_batch(policies: PolicySet) -> None:
    """Many leave at once, and a ticket comes: counting them one by one would keep it waiting."""
    world = with_many_people(policies, accesses=6)
    world.verdicts = asked = Asked(world)
    world.register(*MANY_LEAVE, a_complaint("ticket:T-2"))
    asyncio.run(take(world, Limits(page_rows=5, small_reach=5)))
    assert changed(world) == ["q"]
    assert asked.questions < PEOPLE


def test_a_batch_of_small_changes_is_done_in_turns_too(policies: PolicySet) -> None:
    """Each reaches few, together they reach many: what comes next does not wait for all of them."""
    world = with_many_people(policies, accesses=4)
    world.register(*MANY_LEAVE, a_complaint("ticket:T-2"))

    async def play() -> None:
        again = await take(world, Limits(page_rows=5, small_reach=13))
        assert changed(world)[0] == "q"
        assert len(changed(world)) == 13
        assert world.registers.committed.offset == len(world.registers.records) - 1 - (PEOPLE - 3)
        while again.busy:
            await again.advance()

    asyncio.run(play())
    assert len(changed(world)) == 1 + PEOPLE * 4
    assert is_right(world)
    assert world.is_done()


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
