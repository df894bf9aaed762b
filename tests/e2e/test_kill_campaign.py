"""A short kill campaign: what was acknowledged is one row, whatever dies. `make chaos` is the long one."""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.chaos.campaign import Shape, conclude, run_round, where_it_stands
from benchmarks.chaos.faults import Met
from benchmarks.chaos.journal import Begun, Ended, Journal, Round
from benchmarks.chaos.plan import KILLS, plan_round
from benchmarks.chaos.store import Store
from benchmarks.chaos.world import World

pytestmark = pytest.mark.stack

STORM_S = 30.0
PER_SECOND = {"sdk": 150.0, "bulk": 500.0}
MUST_BE_HIT = {
    ("kill", "worker"),
    ("kill", "clickhouse"),
    ("kill", "kafka"),
    ("kill", "sdk"),
    ("kill", "bulk"),
    ("lose_answer", "worker"),
}


class Campaign(NamedTuple):
    """One round, and how it is judged again after each of three things that must not happen."""

    round: Ended
    faults: list[Met]
    without_a_row: Ended
    with_a_row_twice: Ended
    with_a_gap: Ended


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return asyncio.run(_short_campaign(tmp_path_factory.mktemp("chaos")))


def test_nothing_is_lost_or_doubled_whatever_is_killed(campaign: Campaign) -> None:
    """The plain table is right without FINAL, and the ledger accounts for every offset."""
    assert campaign.round.right, campaign.round
    assert (campaign.round.lost, campaign.round.doubled, campaign.round.wrong) == ((), (), ())
    assert campaign.round.acknowledged_through_sdk > 0
    assert campaign.round.acknowledged_in_bulk > 0
    assert campaign.round.duplicates >= campaign.round.acknowledged_copies > 0


def test_workers_servers_and_producers_were_killed(campaign: Campaign) -> None:
    """A round in which nothing happened would prove nothing."""
    killed = {_kind(met.target) for met in campaign.faults if met.action == "kill"}
    assert killed >= {"worker", "clickhouse", "kafka"}
    assert len(campaign.faults) >= 5


def test_a_row_that_is_gone_is_found(campaign: Campaign) -> None:
    """The campaign's green light counts only if it can turn red."""
    assert not campaign.without_a_row.right
    assert len(campaign.without_a_row.lost) == 1
    assert any("the tables hold" in line for line in campaign.without_a_row.wrong)


def test_a_row_that_is_there_twice_is_found(campaign: Campaign) -> None:
    """Without FINAL, in the table as it stands."""
    assert not campaign.with_a_row_twice.right
    assert len(campaign.with_a_row_twice.doubled) == 1


def test_a_range_that_the_ledger_does_not_know_is_found(campaign: Campaign) -> None:
    """What is not accounted for could be anything."""
    assert not campaign.with_a_gap.right
    assert any("the ledger" in line for line in campaign.with_a_gap.wrong)


async def _short_campaign(folder: Path) -> Campaign:
    world = World(folder, {}, PER_SECOND, print)
    try:
        await world.start(between_broker=False)
        journal = Journal(folder)
        begun = Begun(
            number=1,
            profile=KILLS.name,
            seed=_seed(),
            began_at=time.time(),
            since=await where_it_stands(world),
        )
        ended = await run_round(world, journal, begun, Shape(STORM_S, lonely_kills=0, steady_s=0), print)
        return await _meddled_with(world, journal.round(1), ended)
    finally:
        await world.stop()


async def _meddled_with(world: World, at: Round, ended: Ended) -> Campaign:
    """Take a row away, put it back twice, and take a range out of the ledger; judge after each."""
    store = Store(world.settings("admin"))
    store.execute("CREATE TABLE aside AS access_log ENGINE = Memory")
    store.execute("INSERT INTO aside SELECT * FROM access_log WHERE source = '/chaos/sdk' LIMIT 1")
    store.execute(
        "ALTER TABLE access_log DELETE WHERE id IN (SELECT id FROM aside) SETTINGS mutations_sync = 1"
    )
    without_a_row = await conclude(world, at)
    for token in ("first", "second"):
        store.execute(
            "INSERT INTO access_log SETTINGS insert_deduplication_token = %(token)s SELECT * FROM aside",
            {"token": token},
        )
    with_a_row_twice = await conclude(world, at)
    store.execute("ALTER TABLE range_ledger DELETE WHERE partition = 3 SETTINGS mutations_sync = 1")
    return Campaign(ended, at.faults, without_a_row, with_a_row_twice, await conclude(world, at))


def _seed() -> int:
    """Find a seed whose plan hits everything that must be hit."""
    return next(seed for seed in range(10_000) if _planned(seed) >= MUST_BE_HIT)


def _planned(seed: int) -> set[tuple[str, str]]:
    return {(fault.action, _kind(fault.target)) for fault in plan_round(KILLS, seed, STORM_S)}


def _kind(target: str) -> str:
    kind, _, number = target.rpartition("-")
    return kind if number.isdigit() else target
