"""The campaign: round after round, each with a seed, a storm of faults, and a verdict of its own."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from clickhouse_driver.errors import Error

from benchmarks.chaos import receipts
from benchmarks.chaos.faults import Faults
from benchmarks.chaos.journal import Begun, Ended, Journal, Recovery, Round
from benchmarks.chaos.plan import PROFILES, WORKERS, Profile, plan_round
from benchmarks.chaos.store import PARTITIONS, Reached, Store, persistently, reached
from benchmarks.chaos.verdict import Acknowledged, Trail, Verdict, judge_round
from benchmarks.chaos.world import World

DRAINED_WITHIN_S: Final = 600.0
ANSWERED_WITHIN_S: Final = 60.0
BUSY_WITHIN_S: Final = 60.0
LOOKED_EVERY_S: Final = 5.0
COUNTED_EVERY_S: Final = 1.0
PACE_S: Final = 0.25
BACKLOG: Final = 40_000
"""So few records on the topic, of all partitions, are no backlog."""

CAUGHT_UP_WITHIN_S: Final = 60.0
QUIET_BEFORE_KILL_S: Final = 4.0
"""How long nothing goes wrong before a worker is killed alone, so that every partition is being served."""

RECOVERED_WITHIN_S: Final = 40.0
OVER_WITHIN_S: Final = 240.0
SETTLED_AFTER_S: Final = 0.2
"""A range that ends so soon after the kill of its worker was stored by that worker."""


class Shape(NamedTuple):
    """How long a round storms, how many workers are killed alone afterwards, and what servers are granted."""

    storm_s: float
    lonely_kills: int
    steady_s: float
    """How long the servers must have run before one of them is hit again."""


class Looks(NamedTuple):
    """What was seen of the plain table while a round went on."""

    times: int
    most_doubled: int
    longest_stall_s: float


class RoundFailed(Exception):
    """A round that did not come out right; its folder and the stack's are left as they are."""


async def run_round(
    world: World, journal: Journal, begun: Begun, shape: Shape, say: Callable[[str], None]
) -> Ended:
    """Run one round from its first event to its verdict."""
    at = journal.round(begun.number)
    at.begin(begun)
    profile = PROFILES[begun.profile]
    world.start_producers(at.folder, begun.number, begun.seed)
    faults = Faults(world, shape.steady_s, at.note)
    looking = asyncio.create_task(_look(world, begun.number))
    try:
        await world.busy(BUSY_WITHIN_S)
        await _storm(faults, profile, begun.seed, shape.storm_s)
        await world.settled()
        recoveries = await _kill_alone(world, faults, random.Random(begun.seed), shape.lonely_kills, say)  # noqa: S311
    finally:
        looking.cancel()
    looks = await looking
    await world.stop_producers()
    return await conclude(world, at, recoveries, looks)


async def conclude(
    world: World, at: Round, recoveries: tuple[Recovery, ...] = (), looks: Looks | None = None
) -> Ended:
    """Let a round drain, and judge it. Without `looks` it was interrupted."""
    begun = at.begun
    settings = world.settings("admin")
    began_draining = time.monotonic()
    unsent = await world.empty_spools(at.folder)
    position = await _drained(world)
    drained_in_s = time.monotonic() - began_draining
    store = Store(settings)
    told, trail = await asyncio.to_thread(_gather, store, at, position)
    verdict = judge_round(told, trail)
    verdict = verdict._replace(
        wrong=(*verdict.wrong, *(f"the spool of {name} is not empty" for name in unsent))
    )
    waited_s = await asyncio.to_thread(
        persistently, lambda: store.oldest_wait_s(begun.number), ANSWERED_WITHIN_S
    )
    failures = Counter(f"{name}: {death}" for name in WORKERS for death in world.kept[name].deaths)
    for name in WORKERS:
        world.kept[name].deaths.clear()
    ended = _ended(at, verdict, recoveries, looks or Looks(0, 0, 0.0)).model_copy(
        update={
            "drained_in_s": drained_in_s,
            "load_per_core": _load_per_core(minutes=5),
            "longest_wait_s": waited_s,
            "worker_failures": tuple(f"{what} ({times} times)" for what, times in sorted(failures.items())),
            "interrupted": looks is None,
        }
    )
    at.end(ended)
    return ended


async def where_it_stands(world: World) -> dict[int, int]:
    """Give the offset at which each partition ends now: where the next round begins."""
    settings = world.settings("admin")
    now = await asyncio.to_thread(persistently, lambda: reached(settings), ANSWERED_WITHIN_S)
    return {number: each.end for number, each in now.items()}


async def _storm(faults: Faults, profile: Profile, seed: int, lasts_s: float) -> None:
    began_at = time.monotonic()
    under_way = set()
    for fault in plan_round(profile, seed, lasts_s):
        await asyncio.sleep(max(0.0, began_at + fault.at_s - time.monotonic()))
        under_way.add(asyncio.create_task(faults.carry_out(fault)))
    await asyncio.sleep(max(0.0, began_at + lasts_s - time.monotonic()))
    async with asyncio.timeout(OVER_WITHIN_S):
        await asyncio.gather(*under_way)
        await faults.over()


async def _kill_alone(
    world: World, faults: Faults, chance: random.Random, count: int, say: Callable[[str], None]
) -> tuple[Recovery, ...]:
    """Kill workers with nothing else wrong, and measure how long their partitions are not served."""
    found = []
    store = Store(world.settings("admin"))
    for _ in range(count):
        await world.settled()
        await _caught_up(world)
        await asyncio.sleep(QUIET_BEFORE_KILL_S)
        worker = chance.choice(WORKERS)
        mine = [number for number, writer in world.store_proxy.last_writer.items() if writer == worker]
        killed_at = datetime.now(UTC)
        if not mine or not await faults.kill(worker, "alone"):
            continue
        seconds = await _until_served(store, mine, killed_at)
        say(f"{worker} killed alone; its partitions are served again after {_shown(seconds)} s")
        found.append(
            Recovery(
                worker=worker,
                partitions=len(mine),
                seconds=tuple(seconds),
                load_per_core=_load_per_core(minutes=1),
                has_priority=os.sched_getscheduler(0) != os.SCHED_OTHER,
            )
        )
    return tuple(found)


async def _caught_up(world: World) -> None:
    """Wait until there is no backlog, which would be measured otherwise; not for ever."""
    settings = world.settings("admin")
    deadline = time.monotonic() + CAUGHT_UP_WITHIN_S
    while time.monotonic() < deadline:
        now = await asyncio.to_thread(persistently, lambda: reached(settings), ANSWERED_WITHIN_S)
        if sum(each.end - each.committed for each in now.values()) < BACKLOG:
            return
        await asyncio.sleep(COUNTED_EVERY_S)


async def _until_served(store: Store, partitions: list[int], killed_at: datetime) -> list[float]:
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    served: dict[int, float] = {}
    while len(served) < len(partitions) and time.monotonic() < deadline:
        await asyncio.sleep(PACE_S)
        newest = await asyncio.to_thread(store.first_ranges_after, partitions, killed_at, SETTLED_AFTER_S)
        served = {number: (at - killed_at).total_seconds() for number, at in newest.items()}
    return [served.get(number, RECOVERED_WITHIN_S) for number in partitions]


async def _look(world: World, number: int) -> Looks:
    """Look at the plain table again and again: it has to be right at any moment."""
    seen = Looks(0, 0, 0.0)
    store = Store(world.settings("admin"))
    grew_at, known, looked_at = time.monotonic(), -1, 0.0
    try:
        while True:
            await asyncio.sleep(COUNTED_EVERY_S)
            try:
                ranges = await asyncio.to_thread(store.count_ranges)
                if ranges > known:
                    seen = seen._replace(
                        longest_stall_s=max(seen.longest_stall_s, time.monotonic() - grew_at)
                    )
                    grew_at, known = time.monotonic(), ranges
                if time.monotonic() - looked_at > LOOKED_EVERY_S:
                    looked_at = time.monotonic()
                    doubled = await asyncio.to_thread(store.doubled_in_round, number)
                    seen = seen._replace(times=seen.times + 1, most_doubled=max(seen.most_doubled, doubled))
            except (Error, EOFError, OSError):
                continue
    except asyncio.CancelledError:
        return seen


async def _drained(world: World) -> dict[int, Reached]:
    """Wait until the group has committed everything; give up after a while, for the verdict to tell."""
    settings = world.settings("admin")
    deadline = time.monotonic() + DRAINED_WITHIN_S
    while True:
        position = await asyncio.to_thread(persistently, lambda: reached(settings), ANSWERED_WITHIN_S)
        if all(each.committed == each.end and not each.intent for each in position.values()):
            return position
        if time.monotonic() > deadline:
            return position
        await asyncio.sleep(PACE_S)


def _gather(store: Store, at: Round, position: dict[int, Reached]) -> tuple[Acknowledged, Trail]:
    begun = at.begun
    told = Acknowledged(
        frozenset(receipts.read(at.folder, *receipts.ACCESSES)),
        receipts.count(at.folder, "copies"),
        receipts.count(at.folder, "conflicts"),
        receipts.count(at.folder, "malformed"),
    )

    def ask() -> Trail:
        return Trail(
            rows=store.rows_of_round(begun.number),
            ledger=store.ledger(begun.since),
            reached=position,
            since=begun.since,
            counted={
                number: store.counted(number, begun.since.get(number, 0), position[number].end - 1)
                for number in range(PARTITIONS)
            },
        )

    return told, persistently(ask, ANSWERED_WITHIN_S)


def _ended(at: Round, verdict: Verdict, recoveries: tuple[Recovery, ...], looks: Looks) -> Ended:
    return Ended(
        took_s=time.time() - at.begun.began_at,
        right=verdict.right and not looks.most_doubled,
        acknowledged_through_sdk=receipts.count(at.folder, "sdk"),
        acknowledged_in_bulk=sum(receipts.count(at.folder, kind) for kind in receipts.ENCODED),
        acknowledged_by_kafka=receipts.count(at.folder, "direct"),
        **{name: value for name, value in verdict._asdict().items() if name != "acknowledged"},
        doubled_meanwhile=looks.most_doubled,
        looks=looks.times,
        longest_stall_s=looks.longest_stall_s,
        longest_wait_s=0.0,
        drained_in_s=0.0,
        recoveries=recoveries,
        worker_failures=(),
        interrupted=False,
    )


def _load_per_core(*, minutes: Literal[1, 5]) -> float:
    return os.getloadavg()[(1, 5).index(minutes)] / (os.cpu_count() or 1)


def _shown(seconds: list[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in sorted(seconds))
