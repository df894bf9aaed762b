"""Carrying out the faults of a plan, and noting what each met."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from clickhouse_driver.errors import Error

from benchmarks.chaos.plan import PRODUCERS, SERVERS, WORKERS, Fault
from benchmarks.chaos.proxy import Stored, Then
from benchmarks.chaos.store import Store, persistently
from benchmarks.chaos.world import GUESTS, World

AIMED_WITHIN_S: Final = 4.0
"""How long a fault waits for its moment; then it happens by the clock."""

ROLL_PAUSE_S: Final = 4.0
GUEST_STAYS_S: Final = 12.0

ANSWERED_WITHIN_S: Final = 5.0
EMPTIED_WITHIN_S: Final = 90.0
FULL: Final = 1 << 60
"""Free bytes below which ClickHouse is told to take no insert: more than any disk has."""


class Met(NamedTuple):
    """What a fault met: the instant, in seconds since 1970, and what was under way then."""

    at: float
    action: str
    target: str
    instant: str
    lasted_s: float
    stored: bool | None
    """Of a lost answer: whether the rows were in the table."""


class Faults:
    """Carries out faults; `note` is called with each that happened.

    A server is hit only once all have run for `steady_s`: a stack that is always down stores nothing.
    """

    def __init__(self, world: World, steady_s: float, note: Callable[[Met], None]) -> None:
        self._world = world
        self._steady_s = steady_s
        self._note = note
        self._asleep: set[str] = set()
        self._revived: set[asyncio.Task[None]] = set()

    async def carry_out(self, fault: Fault) -> None:
        """Do what the fault says, to its target or another of its kind; return when it is over."""
        target = self._target(fault)
        if target is None:
            return
        await self._DO[fault.action](self, fault, target)

    async def kill(self, target: str, instant: str) -> bool:
        """Kill one process at once; False where it did not run."""
        killed = self._world.send(target, signal.SIGKILL)
        if killed:
            self._note(Met(time.time(), "kill", target, instant, 0.0, None))
            if target == "supervisor":
                self._revive()
        return killed

    async def over(self) -> None:
        """Wait until what a kill set off is over."""
        await asyncio.gather(*self._revived)

    def _target(self, fault: Fault) -> str | None:
        """Choose among the target and others of its kind: one that works, or one that starts if so planned.

        Where all only start, hitting them again and again would prove little and take all the time.
        """
        kind = next((kind for kind in (WORKERS, PRODUCERS) if fault.target in kind), (fault.target,))
        at = kind.index(fault.target)
        found = [each for each in (*kind[at:], *kind[:at]) if each not in self._asleep]
        if fault.moment == "starting":
            starting = (each for each in found if self._world.is_starting(each))
            if (target := next(starting, None)) is not None:
                return target
        if fault.target in SERVERS and not self._world.is_steady(self._steady_s):
            return None
        return next((each for each in found if self._world.is_working(each)), None)

    async def _kill(self, fault: Fault, target: str) -> None:
        async def now(instant: str) -> None:
            await self.kill(target, instant)

        await self._at_its_moment(fault, target, now)

    async def _pause(self, fault: Fault, target: str) -> None:
        async def now(instant: str) -> None:
            if self._world.send(target, signal.SIGSTOP):
                self._asleep.add(target)
                self._note(Met(time.time(), "pause", target, instant, fault.lasts_s, None))

        await self._at_its_moment(fault, target, now)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            self._world.send(target, signal.SIGCONT)
            self._asleep.discard(target)

    async def _at_its_moment(self, fault: Fault, target: str, now: Callable[[str], Awaitable[None]]) -> None:
        """Call `now` while the bytes that mark the moment are held; by the clock where it does not come."""

        async def spring(_: Stored | None) -> Then:
            await now(fault.moment)
            return "pass"

        worker = target if target in WORKERS else None
        proxy = self._world.store_proxy
        if fault.moment not in {"any", "starting"} and await proxy.at(
            fault.moment, worker, spring, AIMED_WITHIN_S
        ):
            return
        await now(self._instant(target))

    def _instant(self, target: str) -> str:
        """Say what a target is about, as far as that is seen from outside."""
        if target in PRODUCERS:
            return "any"
        if self._world.is_starting(target):
            return "starting"
        workers = (target,) if target in WORKERS else WORKERS
        phases = [phase for worker in workers if (phase := self._world.store_proxy.phase(worker))]
        return phases[0] if phases else "between"

    def _revive(self) -> None:
        if not self._world.supervisor_starting:
            reviving = asyncio.create_task(self._world.revive_supervisor())
            self._revived.add(reviving)

    async def _restart(self, fault: Fault, target: str) -> None:
        instant = self._instant(target)
        if self._world.send(target, signal.SIGTERM):
            self._note(Met(time.time(), "restart", target, instant, fault.lasts_s, None))

    async def _roll(self, fault: Fault, _: str) -> None:
        for worker in WORKERS:
            if worker not in self._asleep:
                await self._restart(fault, worker)
                await asyncio.sleep(ROLL_PAUSE_S)

    async def _join(self, _fault: Fault, _target: str) -> None:
        guest = self._world.kept[GUESTS[0]]
        if guest.wanted:
            return
        guest.wanted = True
        self._note(Met(time.time(), "join", guest.name, "any", GUEST_STAYS_S, None))
        try:
            await asyncio.sleep(GUEST_STAYS_S)
        finally:
            guest.wanted = False
            guest.send(signal.SIGTERM)

    async def _lose_answer(self, fault: Fault, target: str) -> None:
        store = Store(self._world.settings("admin"))

        async def spring(block: Stored | None) -> Then:
            stored = None if block is None else await asyncio.to_thread(_is_stored, store, block)
            self._note(Met(time.time(), fault.action, target, fault.moment, 0.0, stored))
            return "drop"

        await self._world.store_proxy.at(fault.moment, target, spring, AIMED_WITHIN_S)

    async def _cut_request(self, fault: Fault, target: str) -> None:
        async def spring(_: Stored | None) -> Then:
            self._note(Met(time.time(), fault.action, target, fault.moment, 0.0, None))
            return "half"

        await self._world.store_proxy.at(fault.moment, target, spring, AIMED_WITHIN_S)

    async def _stall_answer(self, fault: Fault, target: str) -> None:
        async def spring(_: Stored | None) -> Then:
            self._note(Met(time.time(), fault.action, target, fault.moment, fault.lasts_s, None))
            await asyncio.sleep(fault.lasts_s)
            return "pass"

        await self._world.store_proxy.at(fault.moment, target, spring, AIMED_WITHIN_S)

    async def _part_from_store(self, fault: Fault, target: str) -> None:
        self._note(Met(time.time(), fault.action, target, self._instant(target), fault.lasts_s, None))
        await self._world.store_proxy.part(target, fault.lasts_s)

    async def _part_from_broker(self, fault: Fault, target: str) -> None:
        self._note(Met(time.time(), fault.action, target, self._instant(target), fault.lasts_s, None))
        await self._world.broker_proxy.part(target, fault.lasts_s)

    async def _fill_store(self, fault: Fault, _: str) -> None:
        store = Store(self._world.settings("admin"))
        await asyncio.to_thread(_refuse_inserts_below, store, FULL, ANSWERED_WITHIN_S)
        self._note(Met(time.time(), fault.action, "clickhouse", "any", fault.lasts_s, None))
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            await asyncio.to_thread(_refuse_inserts_below, store, 0, EMPTIED_WITHIN_S)

    _DO: Final = {
        "kill": _kill,
        "pause": _pause,
        "restart": _restart,
        "roll": _roll,
        "join": _join,
        "lose_answer": _lose_answer,
        "cut_request": _cut_request,
        "stall_answer": _stall_answer,
        "part_from_store": _part_from_store,
        "part_from_broker": _part_from_broker,
        "fill_store": _fill_store,
    }


def _is_stored(store: Store, block: Stored) -> bool | None:
    """Say whether rows of a block stand in the table; None where that cannot be told now."""
    try:
        return store.counted(block.partition, block.first, block.last)[0] > 0
    except (Error, EOFError, OSError):
        return None


def _refuse_inserts_below(store: Store, free_bytes: int, within_s: float) -> None:
    """Have ClickHouse behave as on a disk with less than that free; 0 ends it."""
    setting = f"min_free_disk_bytes_to_perform_insert = {free_bytes}"
    persistently(lambda: store.execute(f"ALTER TABLE access_log MODIFY SETTING {setting}"), within_s)
