"""A worker of a simulated world: the real intake and owners, over calls that somebody else answers."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, NamedTuple, TypeVar

from earwitness.policy import EvidenceIndex, PolicySet
from models.errors import RangeLost
from models.publisher import Message
from models.topics import ACCESS_EVENTS
from sinks.base import Block
from streams.copies import MOST_REMEMBERED
from streams.intake import Intake
from streams.offsets import Committed, Membership
from streams.partition import PartitionOwner
from streams.ports import Ports
from tests.builders import a_complaint
from tests.simulation.broker import SimulatedBroker
from tests.simulation.loop import ProcessLoop
from tests.simulation.store import SimulatedStore
from tests.streams.world import NOW, SteadyRegisters

T = TypeVar("T")

NOBODY: Final = Membership(-1, "")
WRITES: Final = frozenset(
    {"write", "write_ledger", "write_dead_letters", "write_set_aside", "commit", "publish"}
)
THREADS: Final = ThreadPoolExecutor(1)
"""Never used: the loop of a process takes what it is to run."""


@dataclass(eq=False)
class Request:
    """One call of a process to the outside, which waits to take effect and to be answered."""

    worker: str
    number: int
    name: str
    call: Callable[[], Any]
    future: "asyncio.Future[Any]"
    ticket: int | None = None
    """Of an insert that has begun and not ended."""
    given_up_s: float = 0.0
    """When its caller was told that it failed, by the caller's clock."""

    @property
    def block(self) -> Block:
        """The block of an insert."""
        block: Block = self.call.args[0]  # type: ignore[attr-defined]
        return block

    @property
    def is_awaited(self) -> bool:
        """Whether anybody waits for the answer."""
        return not self.future.done()

    def __str__(self) -> str:
        return f"{self.worker}.{self.name}#{self.number}"


class Makes(NamedTuple):
    """What the workers of a world are made of. `batch` gives how many records come in a fetch.

    A filter of copies forgets when it holds more than `most_remembered`. `at_once` ranges are in hand in a
    worker, which `knows_of_more` records at the broker than were delivered, and waits for them.
    """

    policies: PolicySet
    owner: type[PartitionOwner] = PartitionOwner
    intake: type[Intake] = Intake
    largest_range: int = 2
    at_once: int = 1
    knows_of_more: bool = True
    most_remembered: int = MOST_REMEMBERED
    batch: Callable[[], int] = lambda: 2


class OneView:
    """Registers as one worker knows them: every other one knows of what nobody else has heard of yet."""

    def __init__(self, *, knows_more: bool) -> None:
        self.index = _index(knows_more=knows_more)

    async def catch_up(self) -> None:
        """There is nothing new."""


@cache
def _index(*, knows_more: bool) -> EvidenceIndex:
    """Make it once for all worlds, for none of them puts anything into it."""
    index = EvidenceIndex()
    if knows_more:
        index.put(a_complaint("ticket:unknown", assignees=["e-1"]), 1)
    return index


class Worker:
    """One process: `Offsets`, `Announcer` and the consumer that delivers, around the real intake."""

    def __init__(self, name: str, broker: SimulatedBroker, store: SimulatedStore, makes: Makes) -> None:
        self.name = name
        self.requests: list[Request] = []
        self.history = 0
        self.failures: list[BaseException] = []
        self.loop = ProcessLoop(self._call_outside)
        self._broker = broker
        self._makes = makes
        self._membership = NOBODY
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._numbers = 0
        self._leaving = False
        self._wake: asyncio.Future[Any] | None = None
        ports = Ports(
            offsets=self,
            trail=store,
            verdicts=None,  # type: ignore[arg-type] # nothing is judged again in this world
            announcer=self,
            evidence=OneView(knows_more=name.endswith(("1", "+"))),
            registers=SteadyRegisters(store),
            policies=lambda: makes.policies,
            threads=THREADS,
            now=lambda: NOW,
            largest_range=makes.largest_range,
            turns=asyncio.Semaphore(makes.at_once),
            shortest_interval_s=0,
            most_remembered=makes.most_remembered,
        )
        self._intake = makes.intake(self, partial(makes.owner, ports), self.failures.append)

    # What happens to the process.

    def start(self) -> None:
        """Join the group."""
        self._broker.join(self.name)

    def is_called(self) -> bool:
        """Whether the group wants this member to join anew, and it has not heard so yet."""
        return not self._leaving and self._broker.wants(self.name)

    def leave_and_join(self) -> None:
        """Hear that partitions move: let go of them, then join anew."""
        self._leaving = True
        if not self._broker.is_member(self.name):
            self._membership = NOBODY
        self.loop.create_task(self._rebalance())
        self.run("leave")

    def assign(self) -> None:
        """Learn of a generation that has begun, if it is news."""
        current = Membership(self._broker.generation, self.name)
        if self._broker.stands and self._broker.is_current(current) and current != self._membership:
            self._membership = current
            mine = [place for place, owner in self._broker.owners.items() if owner == self.name]
            self._paused = set()
            self._positions = {place: self._broker.start_of(place) for place in mine}
            self.loop.create_task(self._deliver(current.generation))
            self.run(("assigned", current, tuple(self._positions.items())))

    def answer(self, request: Request, result: Any, error: BaseException | None = None) -> None:
        """Answer a call, and let the process go on until it waits again."""
        self.requests.remove(request)
        if request.is_awaited:
            if error is None:
                request.future.set_result(result)
            else:
                request.future.set_exception(error)
        self.run((request.number, repr(result), repr(error)))

    def run(self, what: Any) -> None:
        """Let the process go on after something happened to it."""
        self.history = hash((self.history, what))
        self.loop.run_ready()
        self.failures += self.loop.errors

    # `Offsets` and `Announcer`.

    async def membership(self) -> Membership:
        return self._membership

    async def fetch(self, topic: str, partition: int) -> Committed:
        return await self._ask("fetch", lambda: self._broker.committed[partition])

    async def announced(self, topic: str) -> dict[int, int]:
        raise NotImplementedError

    async def commit(
        self, topic: str, partition: int, offset: int, *, metadata: str, membership: Membership
    ) -> None:
        committed = Committed(offset, metadata)
        await self._ask("commit", partial(self._broker.commit, partition, committed, membership))

    async def earliest(self, topic: str, partition: int) -> int:
        return int(self._broker.partitions[partition][0].offset)

    async def end(self, topic: str, partition: int) -> int:
        return self._broker.end_of(partition)

    async def first_from(self, topic: str, partition: int, offset: int) -> int:
        found = (record.offset for record in self._broker.partitions[partition] if record.offset >= offset)
        return int(next(found, self._broker.end_of(partition)))

    async def received_at_ms(self, topic: str, partition: int, offset: int) -> int | None:
        found = (record.timestamp for record in self._broker.partitions[partition] if record.offset == offset)
        return next(found, None)

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        if partition not in self._positions:
            raise RangeLost(f"{partition} is not assigned to {self.name}")
        self._positions[partition] = offset
        self._wake_up()

    def has_more(self, topic: str, partition: int, offset: int) -> bool:
        return self._makes.knows_of_more and any(
            record.offset >= offset for record in self._broker.partitions[partition]
        )

    def pause(self, topic: str, partition: int) -> None:
        self._paused.add(partition)

    def resume(self, topic: str, partition: int) -> None:
        self._paused.discard(partition)
        self._wake_up()

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._ask("publish", partial(self._broker.published.extend, messages))

    # The consumer.

    async def _rebalance(self) -> None:
        releasing = self.loop.create_task(self._intake.release())
        await asyncio.sleep(0)
        self._paused.clear()
        if (found := self._next_batch()) is not None:
            # What was fetched before is still delivered.
            await self._intake.accept(ACCESS_EVENTS, found[0], self._membership.generation, found[1])
        await releasing
        self._broker.join(self.name)
        self._leaving = False

    async def _deliver(self, generation: int) -> None:
        while self._membership.generation == generation:
            found = self._next_batch()
            if found is None:
                # What a predecessor left waits for no new record.
                for place in sorted(self._positions):
                    await self._intake.own(ACCESS_EVENTS, place, self._membership)
                self._wake = self.loop.create_future()
                await self._wake
            else:
                place, records = found
                await self._intake.accept(ACCESS_EVENTS, place, generation, records)

    def _next_batch(self) -> tuple[int, list[Any]] | None:
        for place, position in sorted(self._positions.items(), key=lambda item: (item[1], item[0])):
            behind = [record for record in self._broker.partitions[place] if record.offset >= position]
            if behind and place not in self._paused:
                batch = behind[: self._makes.batch()]
                self._positions[place] = batch[-1].offset + 1
                return place, batch
        return None

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _call_outside(self, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        name: str = call.func.__name__  # type: ignore[attr-defined]
        return self._request(name, call)

    async def _ask(self, name: str, call: Callable[[], T]) -> T:
        answer: T = await self._request(name, call)
        return answer

    def _request(self, name: str, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        self._numbers += 1
        future = self.loop.create_future()
        self.requests.append(Request(self.name, self._numbers, name, call, future))
        return future
