"""Clocks jump by an hour: a row's day, and what counts as a copy, hang on none of them."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from earwitness.policy import PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models.ranges import day_of
from sinks.memory import MemoryTrail
from tests.streams.records import NOON_MS, Record, a_record, event_id
from tests.streams.world import NOW, Broker, Fate, an_owner, work_off

HOUR_MS = 3_600_000
EARLIER = "2026-09-21T09:00:00Z"
JUMPS_MS = (-HOUR_MS, 0, HOUR_MS)
MIDNIGHT_MS = NOON_MS + 12 * HOUR_MS


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return read_policies(ROOT / "policies")


def run(broker: Broker, trail: MemoryTrail, policies: PolicySet, ahead: timedelta = timedelta(0)) -> None:
    """Have a new owner, whose clock is `ahead`, work the partition off."""

    async def work() -> None:
        owner, member = an_owner(broker, trail, policies, Fate())
        owner._ports = replace(owner._ports, now=lambda: NOW + ahead)
        async with asyncio.timeout(10):
            await work_off(owner, member, broker, batch=3)

    asyncio.run(work())


def sent(number: int, offset: int, received_ms: int, made_ms: int) -> Record:
    """Make the record of an access whose id was made at `made_ms`."""
    record = a_record(number, timestamp=received_ms, id=event_id(number, made_ms), time=EARLIER)
    return record._replace(offset=offset)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_s_clock_moves_no_row(policies: PolicySet, hours: int) -> None:
    """The broker's timestamp places a row: the next owner, whose clock is right, finds it where it looks."""
    broker, trail = (
        Broker([a_record(number, timestamp=MIDNIGHT_MS - 1_000) for number in range(5)]),
        MemoryTrail(),
    )
    run(broker, trail, policies, timedelta(hours=hours))
    assert {block.range.day for block in trail.blocks.values()} == {day_of(MIDNIGHT_MS - 1_000)}
    assert sum(len(block.rows) for block in trail.blocks.values()) == 5


@pytest.mark.parametrize(("broker_ms", "producer_ms"), list(product(JUMPS_MS, JUMPS_MS)))
@pytest.mark.parametrize("owners", [1, 2])
def test_a_copy_is_known_across_jumps(
    policies: PolicySet, broker_ms: int, producer_ms: int, owners: int
) -> None:
    """Each access comes again after the broker's clock has jumped; its producer's was never right."""
    minute = 60_000
    first = [sent(n, n, NOON_MS + n * minute, NOON_MS + n * minute + producer_ms) for n in range(6)]
    again = [
        sent(n, 6 + n, NOON_MS + (6 + n) * minute + broker_ms, NOON_MS + n * minute + producer_ms)
        for n in range(6)
    ]
    broker, trail = Broker(first if owners == 2 else [*first, *again]), MemoryTrail()
    run(broker, trail, policies)
    if owners == 2:
        broker.records += again
        run(broker, trail, policies)
    stored = Counter(row.event.id for block in trail.blocks.values() for row in block.rows)
    copies = sum(entry.duplicate_count for entry in trail.ledger.values())
    refused = sum(entry.dead_letter_count for entry in trail.ledger.values())
    assert max(stored.values(), default=1) == 1
    assert len(stored) + copies + refused == 12
    if producer_ms <= 0:
        assert len(stored) == 6


def test_what_a_slow_broker_refuses_can_be_published_again(policies: PolicySet) -> None:
    """An hour behind, it says of every access that it lies ahead; their bytes wait for a right clock."""
    behind = [a_record(number, timestamp=NOON_MS - HOUR_MS) for number in range(3)]
    broker, trail = Broker(behind), MemoryTrail()
    run(broker, trail, policies)
    assert trail.blocks == {}
    letters = [letter for kept in trail.dead_letters.values() for letter in kept]
    assert {letter.reason for letter in letters} == {"time_in_future"}
    broker.records += [Record(3 + n, letter.value, NOON_MS) for n, letter in enumerate(letters)]
    run(broker, trail, policies)
    assert sum(len(block.rows) for block in trail.blocks.values()) == 3
