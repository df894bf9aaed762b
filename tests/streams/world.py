"""A small world in memory: a broker, a store, owners that die or sleep at any chosen step.

A *step* is one call of an owner to the outside. `Fate` says at which step something happens, and
whether before or after the call had its effect.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from earwitness.policy import EvidenceIndex, PolicySet
from models.dead_letter import DeadLetter
from models.errors import RangeLost, SinkUnavailable
from models.finding import Finding
from models.publisher import Message
from models.ranges import Range
from models.registers import RegisterState
from models.topics import ACCESS_EVENTS
from sinks.base import (
    Block,
    Content,
    Identity,
    KeptEvidence,
    LedgerEntry,
    PolicyVersion,
    Received,
    RegisteredEvidence,
    SetAside,
)
from sinks.memory import MemoryTrail, MemoryVerdicts
from streams.offsets import Committed, Membership
from streams.partition import PartitionOwner
from streams.ports import Ports
from tests.streams.records import Record

T = TypeVar("T")
NOW = datetime(2026, 9, 21, 12, 0, 1, tzinfo=UTC)


class Died(Exception):
    """The process was killed."""


class Fate:
    """What happens to one owner: at which step, and whether the call still took effect."""

    def __init__(
        self, at: int | None = None, *, effect: bool = False, event: Callable[[], Any] | None = None
    ) -> None:
        self.steps = 0
        self._at = at
        self._effect = effect
        self._event = event or self._die
        self.sleeps = event is not None

    def now(self) -> tuple[bool, bool]:
        """Count a step; say whether the event comes before it, and whether after."""
        self.steps += 1
        return self.steps == self._at and not self._effect, self.steps == self._at and self._effect

    @property
    def threads(self) -> Executor:
        """Give the threads of this owner."""
        return Inline()

    async def pause(self) -> None:
        """Let others go on before the step."""
        await asyncio.sleep(0)

    def happen(self) -> Any:
        """Let it happen."""
        return self._event()

    @staticmethod
    def _die() -> None:
        raise Died


class Broker:
    """One partition, its records, and what its group committed."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = list(records)
        self.committed = Committed(None, "")
        self.commits: list[Committed] = []
        self.generation = 0
        self.published: list[Message] = []

    def join(self) -> Membership:
        """Begin a generation whose only member is the caller."""
        self.generation += 1
        return Membership(self.generation, f"member-{self.generation}")


class Member:
    """`Offsets`, `Announcer` and the delivery of records, for one owner."""

    def __init__(self, broker: Broker, fate: Fate, beside: Broker | None = None) -> None:
        self.membership_then = broker.join()
        self._beside = beside or broker
        """The partition of the other topic, of which an owner of evidence asks what is announced."""
        self.position = broker.committed.offset or 0
        self._paused = False
        self._broker = broker
        self._fate = fate

    async def membership(self) -> Membership:
        current = self._broker.generation == self.membership_then.generation
        return self.membership_then if current else Membership(-1, "")

    async def fetch(self, topic: str, partition: int) -> Committed:
        return await self._step(lambda: self._broker.committed)

    async def commit(
        self, topic: str, partition: int, offset: int, *, metadata: str, membership: Membership
    ) -> None:
        def commit() -> None:
            if membership.generation != self._broker.generation:
                raise RangeLost(f"{topic}/{partition}")
            self._broker.committed = Committed(offset, metadata)
            self._broker.commits.append(self._broker.committed)

        await self._step(commit)

    async def announced(self, topic: str) -> dict[int, int]:
        committed = self._beside.committed
        under_way = committed.offset is not None and committed.metadata
        return await self._step(lambda: {0: committed.offset or 0} if under_way else {})

    async def earliest(self, topic: str, partition: int) -> int:
        return self._broker.records[0].offset

    async def end(self, topic: str, partition: int) -> int:
        return self._broker.records[-1].offset + 1

    async def first_from(self, topic: str, partition: int, offset: int) -> int:
        behind = (record.offset for record in self._broker.records if record.offset >= offset)
        return next(behind, self._broker.records[-1].offset + 1)

    async def received_at_ms(self, topic: str, partition: int, offset: int) -> int | None:
        found = (record.timestamp for record in self._broker.records if record.offset == offset)
        return next(found, None)

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        self.position = offset

    def has_more(self, topic: str, partition: int, offset: int) -> bool:
        return any(record.offset >= offset for record in self._broker.records)

    def pause(self, topic: str, partition: int) -> None:
        self._paused = True

    def resume(self, topic: str, partition: int) -> None:
        self._paused = False

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._step(lambda: self._broker.published.extend(messages))

    def deliver(self, size: int) -> list[Record]:
        """Give the next records and move on; nothing while the partition is paused."""
        if self._paused:
            return []
        batch = [record for record in self._broker.records if record.offset >= self.position][:size]
        if batch:
            self.position = batch[-1].offset + 1
        return batch

    async def _step(self, call: Callable[[], T]) -> T:
        await self._fate.pause()
        before, after = self._fate.now()
        if before:
            await _awaited(self._fate.happen())
        answer = call()
        if after:
            await _awaited(self._fate.happen())
        return answer


class FatefulTrail:
    """A `MemoryTrail` whose calls are steps, and which can be unclear about what it did."""

    def __init__(self, trail: MemoryTrail, fate: Fate) -> None:
        self._trail = trail
        self._fate = fate

    def write(self, block: Block) -> bool:
        return self.step(lambda: self._trail.write(block))

    def tally(self, stored: Range) -> LedgerEntry:
        return self.step(lambda: self._trail.tally(stored))

    def findings(self, stored: Range) -> list[Finding]:
        return self.step(lambda: self._trail.findings(stored))

    def refused(self, stored: Range) -> list[DeadLetter]:
        return self.step(lambda: self._trail.refused(stored))

    def known(self, identities: Collection[Identity], apart_from: Range | None) -> Mapping[Identity, Content]:
        return self.step(lambda: self._trail.known(identities, apart_from))

    def newest_id_ms(self, topic: str, partition: int, received_after_ms: int) -> int | None:
        return self.step(lambda: self._trail.newest_id_ms(topic, partition, received_after_ms))

    def last_row(self, topic: str, partition: int) -> Received | None:
        return self.step(lambda: self._trail.last_row(topic, partition))

    def highest_offset(self, topic: str, partition: int) -> int | None:
        return self.step(lambda: self._trail.highest_offset(topic, partition))

    def unaccounted(self, topic: str, partition: int) -> list[Range]:
        return self.step(lambda: self._trail.unaccounted(topic, partition))

    def last_accounted(self, topic: str, partition: int) -> Range | None:
        return self.step(lambda: self._trail.last_accounted(topic, partition))

    def misfits(self, block: Block) -> Mapping[int, str]:
        return self.step(lambda: self._trail.misfits(block))

    def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
        self.step(lambda: self._trail.write_dead_letters(origin, letters))

    def write_set_aside(self, origin: Range, aside: Sequence[SetAside]) -> None:
        self.step(lambda: self._trail.write_set_aside(origin, aside))

    def write_ledger(self, entry: LedgerEntry) -> None:
        self.step(lambda: self._trail.write_ledger(entry))

    def write_evidence(self, records: Sequence[RegisteredEvidence]) -> None:
        self.step(lambda: self._trail.write_evidence(records))

    def evidence_beyond(self, known: Mapping[str, int]) -> Sequence[KeptEvidence]:
        return self.step(lambda: self._trail.evidence_beyond(known))

    def register_policy(self, version: PolicyVersion) -> str:
        return self.step(lambda: self._trail.register_policy(version))

    def registers(self) -> Sequence[RegisterState]:
        return self.step(self._trail.registers)

    def step(self, call: Callable[[], T]) -> T:
        """Make a call, unless something happens first; something may happen after it."""
        if self._fate.sleeps:
            return call()  # a thread cannot sleep here; the commit before it can, which is the same instant
        before, after = self._fate.now()
        if before:
            self._fate.happen()
        answer = call()
        if after:
            self._fate.happen()
        return answer


class ForgetfulTrail(MemoryTrail):
    """A store that notes a block's name first, and loses the rows of the first one it is given."""

    def __init__(self) -> None:
        super().__init__()
        self._names: set[str] = set()

    def write(self, block: Block) -> bool:
        if block.range.token in self._names:
            return True
        self._names.add(block.range.token)
        if len(self._names) == 1:
            raise SinkUnavailable("the server was killed", retry_after_s=0)
        return super().write(block)


class Inline(Executor):
    """Threads that are none, so that a world is the same at every run."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        settle(future, partial(fn, *args, **kwargs))
        return future


def settle(future: Future[T], call: Callable[[], T]) -> None:
    """Make a call, and hand its result or its error to whoever waits for `future`."""
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits
        future.set_exception(error)


class StillEvidence:
    """Registers in which nothing changes."""

    def __init__(self) -> None:
        self.index = EvidenceIndex()

    async def catch_up(self) -> None:
        await asyncio.sleep(0)


class SteadyRegisters:
    """Registers as the store holds them, without a worker's delay."""

    def __init__(self, trail: MemoryTrail) -> None:
        self._trail = trail

    async def current(self) -> Sequence[RegisterState]:
        return self._trail.registers()


def an_owner(
    broker: Broker,
    trail: Any,
    policies: PolicySet,
    fate: Fate,
    topic: str = ACCESS_EVENTS,
    *,
    interval_s: float = 0,
    turns: asyncio.Semaphore | None = None,
) -> tuple[PartitionOwner, Member]:
    """Make the owner of the partition in a new generation."""
    member = Member(broker, fate)
    ports = Ports(
        offsets=member,
        trail=FatefulTrail(trail, fate),
        verdicts=MemoryVerdicts(trail),
        announcer=member,
        evidence=StillEvidence(),
        registers=SteadyRegisters(trail),
        policies=lambda: policies,
        threads=fate.threads,
        now=lambda: NOW,
        largest_range=3,
        shortest_interval_s=interval_s,
        turns=turns or asyncio.Semaphore(),
    )
    return PartitionOwner(ports, topic, 0, member.membership_then), member


IDLE_STEPS = 200
"""Turns of the loop within which an owner tells what waited for its last commit, or tells it again."""


async def work_off(owner: PartitionOwner, member: Member, broker: Broker, *, batch: int) -> None:
    """Feed the owner until everything is committed and told, or until it ends by what befell it."""
    running = asyncio.create_task(owner.run())
    feeding = asyncio.create_task(_feed(owner, member, batch))
    end = broker.records[-1].offset + 1
    try:
        idle = 0
        while not running.done() and idle < IDLE_STEPS:
            await asyncio.sleep(0)
            idle = idle + 1 if broker.committed == Committed(end, "") else 0
        if running.done():
            running.result()
    finally:
        for task in (running, feeding):
            task.cancel()
        await asyncio.gather(running, feeding, return_exceptions=True)


async def _feed(owner: PartitionOwner, member: Member, batch: int) -> None:
    while True:
        records = member.deliver(batch)
        if records:
            owner.feed(records)
        await asyncio.sleep(0)


async def _awaited(happening: Any) -> None:
    if asyncio.iscoroutine(happening):
        await happening
