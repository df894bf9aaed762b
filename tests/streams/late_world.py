"""A world in memory with two partitions: accesses, and the registers that change while they are judged.

`run` lets an owner of each work until both are done, or until the fate of one is met.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any, Final, TypeVar

from earwitness.policy import EvidenceIndex, PolicySet, judge
from earwitness.policy.reach import Selector
from models import EvidenceRecord
from models.pages import Page
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from models.verdict import Verdict
from sinks.base import JudgedBefore, NewVerdict, PendingSince, Selection, StoredAccess, VerdictBlock
from sinks.memory import MemoryTrail, MemoryVerdicts
from streams.offsets import Committed
from streams.partition import PartitionOwner
from streams.ports import Ports
from streams.recorder import EvidenceRecorder
from streams.rejudging import Limits
from tests.streams.records import NOON_MS, Record
from tests.streams.world import NOW, Broker, Died, Fate, FatefulTrail, Member, SteadyRegisters, settle

T = TypeVar("T")
EVERYTHING: Final = JudgedBefore(Selector((), (), frozenset()), 2**63 - 1)
FEW: Final = Limits(page_rows=2, small_reach=4, most_changes=3)
"""Limits so low that small worlds have large changes, and pages."""


class Jittery(Fate):
    """A fate that lets others go on for a while before each step, so that seeds interleave differently."""

    def __init__(self, rng: Random, at: int | None = None, *, effect: bool = False) -> None:
        super().__init__(at, effect=effect)
        self._rng = rng

    @property
    def threads(self) -> Executor:
        return Slow(self._rng)

    async def pause(self) -> None:
        for _ in range(self._rng.choice((1, 1, 1, 2, 3, 9))):
            await asyncio.sleep(0)


class Slow(Executor):
    """Threads that take a while: what they were asked to do may outlive who asked."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        loop = asyncio.get_running_loop()

        def after(turns: int) -> None:
            if turns:
                loop.call_soon(after, turns - 1)
            elif future.set_running_or_notify_cancel():
                settle(future, partial(fn, *args, **kwargs))

        after(self._rng.choice((0, 0, 1, 1, 2, 5, 20, 800)))
        return future


class Followed:
    """Registers that a worker reads behind their topic."""

    def __init__(self, registers: Broker, fate: Fate) -> None:
        self.index = EvidenceIndex()
        self._registers = registers
        self._fate = fate

    async def catch_up(self) -> None:
        end = len(self._registers.records)
        await self._fate.pause()
        for record in self._registers.records[:end]:
            if record.offset > self.index.version:
                self.index.put(EvidenceRecord.model_validate_json(record.value or b""), record.offset)


class FatefulVerdicts:
    """`MemoryVerdicts` whose calls are steps."""

    def __init__(self, verdicts: MemoryVerdicts, fate: Fate) -> None:
        self._verdicts = verdicts
        self._trail = FatefulTrail(MemoryTrail(), fate)

    def evidence_before(self, refs: Any, version: int) -> Any:
        return self._trail.step(lambda: self._verdicts.evidence_before(refs, version))

    def count_by_day(self, selection: JudgedBefore) -> Any:
        return self._trail.step(lambda: self._verdicts.count_by_day(selection))

    def count_by_value(self, selection: JudgedBefore) -> Any:
        return self._trail.step(lambda: self._verdicts.count_by_value(selection))

    def pending_days(self, selection: PendingSince) -> Any:
        return self._trail.step(lambda: self._verdicts.pending_days(selection))

    def select(self, selection: Selection, day: Any, after: StoredAccess | None, limit: int) -> Any:
        return self._trail.step(lambda: self._verdicts.select(selection, day, after, limit))

    def write_verdicts(self, block: VerdictBlock) -> None:
        self._trail.step(lambda: self._verdicts.write_verdicts(block))

    def block_of(self, page: Page) -> VerdictBlock | None:
        return self._trail.step(lambda: self._verdicts.block_of(page))


class LateWorld:
    """Accesses, registers, and all that is kept of both."""

    def __init__(self, policies: PolicySet, accesses: Sequence[Record] = ()) -> None:
        self.accesses = Broker(accesses)
        self.registers = Broker(())
        self.trail = MemoryTrail()
        self.verdicts = MemoryVerdicts(self.trail)
        self.policies = policies
        self.now = NOW
        self._ticks = count()

    def register(self, *records: EvidenceRecord) -> None:
        """Have the registers tell of these."""
        for record in records:
            value = record.model_dump_json(exclude_defaults=True).encode()
            offset = len(self.registers.records)
            self.registers.records.append(
                Record(offset, value, NOON_MS, record.ref.encode(), topic=EVIDENCE_RECORDS)
            )

    def clock(self) -> datetime:
        """Give the time; no instant twice."""
        return self.now + timedelta(microseconds=next(self._ticks))

    def stored(self) -> Iterator[StoredAccess]:
        """Give every stored access with the verdict that holds."""
        for day, _ in sorted({(block.range.day, 0) for block in self.trail.blocks.values()}):
            yield from self.verdicts.select(EVERYTHING, day, None, 1_000_000)

    def history(self, identifier: str) -> list[tuple[VerdictBlock, NewVerdict]]:
        """Give the later verdicts of one access, as they were given."""
        found = [
            (block, given)
            for block in self.verdicts.blocks.values()
            for given in block.verdicts
            if given.access.id == identifier
        ]
        return sorted(found, key=lambda item: (item[0].evidence_version, item[0].page.judged_at))

    def should_be(self, access: StoredAccess) -> Verdict:
        """Judge an access by all that the registers say now."""
        index = EvidenceIndex()
        for record in self.registers.records:
            index.put(EvidenceRecord.model_validate_json(record.value or b""), record.offset)
        return judge(access, self.policies, index, received_at=access.received_at, as_of=self.clock())

    def is_done(self) -> bool:
        """Say whether both partitions are worked off to their ends."""
        ends = [
            (broker.committed, len(broker.records))
            for broker in (self.accesses, self.registers)
            if broker.records
        ]
        return all(committed == Committed(end, "") for committed, end in ends)

    def ports(self, member: Member, fate: Fate) -> Ports:
        """Give an owner its way to everything."""
        return Ports(
            offsets=member,
            trail=FatefulTrail(self.trail, fate),
            verdicts=FatefulVerdicts(self.verdicts, fate),
            announcer=member,
            evidence=Followed(self.registers, fate),
            registers=SteadyRegisters(self.trail),
            policies=lambda: self.policies,
            threads=fate.threads,
            now=self.clock,
            largest_range=3,
            shortest_interval_s=0,
        )

    def evidence_owner(self, fate: Fate) -> tuple[EvidenceRecorder, Member]:
        """Give the evidence partition to a new owner."""
        member = Member(self.registers, fate, beside=self.accesses)
        ports = self.ports(member, fate)
        return EvidenceRecorder(ports, EVIDENCE_RECORDS, 0, member.membership_then, FEW), member

    def access_owner(self, fate: Fate) -> tuple[PartitionOwner, Member]:
        """Give the access partition to a new owner."""
        member = Member(self.accesses, fate)
        return PartitionOwner(self.ports(member, fate), ACCESS_EVENTS, 0, member.membership_then), member


async def owned(owner: PartitionOwner | EvidenceRecorder, member: Member, batch: int) -> None:
    """Feed an owner for as long as it runs."""

    async def feed() -> None:
        while True:
            records = member.deliver(batch)
            if records:
                owner.feed(records)
            await asyncio.sleep(0)

    feeding = asyncio.create_task(feed())
    try:
        await owner.run()
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def work(
    world: LateWorld, fates: Sequence[Fate], *, batch: int = 2, until: Callable[[], bool] | None = None
) -> None:
    """Let an owner of each partition work until all is done. Raises `Died` if one dies."""
    done = until or world.is_done
    owners = [world.access_owner(fates[0]), world.evidence_owner(fates[1])]
    tasks = [asyncio.create_task(owned(owner, member, batch)) for owner, member in owners]
    try:
        while not done():
            await asyncio.sleep(0)
            for task in tasks:
                if task.done():
                    task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def work_whatever_happens(world: LateWorld, rng: Random, deaths: int) -> int:
    """Let owners die one after the other, then a last pair finish; say how many died."""
    died = 0
    for _ in range(deaths):
        fates = [Jittery(rng), Jittery(rng)]
        fates[rng.randrange(2)] = Jittery(rng, rng.randrange(1, 60), effect=rng.random() < 0.5)
        try:
            await work(world, fates, batch=rng.randrange(1, 5))
        except Died:
            died += 1
        else:
            break
    await work(world, [Jittery(rng), Jittery(rng)], batch=rng.randrange(1, 5))
    return died
