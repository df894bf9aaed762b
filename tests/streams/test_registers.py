"""Overdue registers and the judge beside them: in a simulated partition, and where the store is silent."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from earwitness.policy import PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models.errors import SinkRejected, SinkUnavailable
from models.registers import RegisterState
from sinks.memory import MemoryTrail
from streams.registers import RegisterWatch
from tests.streams.records import Record, a_record
from tests.streams.world import NOW, Broker, Fate, Inline, an_owner, work_off

CITING = {"purpose": "resolve_complaint", "evidence_ref": "ticket:T-404"}
BY_A_VENDOR = {
    "actor_type": "vendor",
    "organization": "voiceco",
    "purpose": "process_calls",
    "evidence_ref": "contract:C-404",
}
A_QUARTER = 900


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return read_policies(ROOT / "policies")


def a_register(name: str, kind: str, silent_s: float) -> RegisterState:
    """A register that promised a beat every 15 minutes, and last beat so long before the judge's now."""
    return RegisterState(name, (kind,), A_QUARTER, NOW - timedelta(seconds=silent_s))


def judged(policies: PolicySet, registers: Sequence[RegisterState], *records: Record) -> tuple[Any, Any]:
    """Judge records while the registers are so; give what each row, and each finding, says of them."""
    broker, trail = Broker(records), MemoryTrail()
    trail.beats = {state.name: state for state in registers}

    async def work() -> None:
        owner, member = an_owner(broker, trail, policies, Fate())
        async with asyncio.timeout(10):
            await work_off(owner, member, broker, batch=4)

    asyncio.run(work())
    rows = [row for block in trail.blocks.values() for row in block.rows]
    findings = [json.loads(message.value) for message in broker.published]
    return (
        [row.stale_registers for row in sorted(rows, key=lambda row: row.offset)],
        [finding["stale_registers"] for finding in findings],
    )


def test_an_access_judged_while_the_ticket_system_is_silent_says_so(policies: PolicySet) -> None:
    """Three hours without tickets are not three hours of accusations; the finding says it too."""
    silent = a_register("zendesk", "complaint", 3 * 3_600)
    rows, findings = judged(policies, [silent], a_record(0, **CITING))
    assert (rows, findings) == ([("zendesk",)], [["zendesk"]])


def test_registers_that_an_access_could_not_have_used_are_not_named(policies: PolicySet) -> None:
    """A vendor without a contract gets no doubt from a ticket system that is down."""
    silent = [a_register("zendesk", "complaint", 3 * 3_600), a_register("hr", "employment", 3 * 3_600)]
    rows, _ = judged(policies, silent, a_record(0, **BY_A_VENDOR), a_record(1, **CITING))
    assert rows == [(), ("hr", "zendesk")]


def test_a_register_that_beat_in_time_marks_nothing(policies: PolicySet) -> None:
    """To the second of its promise; otherwise the mark would mean nothing."""
    rows, findings = judged(
        policies, [a_register("zendesk", "complaint", A_QUARTER)], a_record(0, **CITING), a_record(1)
    )
    assert (rows, findings) == ([(), ()], [[], []])


class Flaky(MemoryTrail):
    """A store that fails while it has a `failure`, and counts how often it was asked for registers."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.asked = 0
        self.failure = failure

    def registers(self) -> Sequence[RegisterState]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return super().registers()


DOWN = SinkUnavailable("ClickHouse did not answer")
ZENDESK = a_register("zendesk", "complaint", 0)


async def asked_again(trail: Flaky) -> None:
    """Wait until the store was asked twice more, so that the first of these answers is in use."""
    count = trail.asked + 2
    async with asyncio.timeout(10):
        while trail.asked < count:
            await asyncio.sleep(0)


async def until_it_breaks(watch: RegisterWatch) -> None:
    async with asyncio.timeout(10):
        while True:
            await watch.current()
            await asyncio.sleep(0)


async def names(watch: RegisterWatch) -> list[str]:
    return [state.name for state in await watch.current()]


def test_nothing_is_judged_before_the_registers_were_read_once() -> None:
    """Not to know the registers is not to know that all are well; the partition waits and asks again."""

    async def work() -> None:
        trail = Flaky(DOWN)
        watch = RegisterWatch(trail, Inline())
        with pytest.raises(SinkUnavailable):
            await watch.current()
        trail.failure = None
        assert await names(watch) == []

    asyncio.run(work())


@pytest.mark.parametrize("failure", [DOWN, SinkRejected("a migration is missing")])
def test_an_outage_of_the_store_keeps_what_was_known(failure: Exception) -> None:
    """What was known grows old and so becomes overdue by itself; the next answer puts it right."""

    async def work() -> None:
        trail = Flaky()
        trail.beats = {"zendesk": ZENDESK}
        watch = RegisterWatch(trail, Inline(), every_s=0)
        watch.start()
        await asked_again(trail)
        trail.failure, trail.beats = failure, {"hr": a_register("hr", "employment", 0)}
        await asked_again(trail)
        assert await names(watch) == ["zendesk"]
        trail.failure = None
        await asked_again(trail)
        assert await names(watch) == ["hr"]
        watch.stop()

    asyncio.run(work())


def test_a_watch_that_broke_ends_the_worker() -> None:
    """A watch that died unseen would let every register become overdue for ever."""

    async def work() -> None:
        trail = Flaky()
        watch = RegisterWatch(trail, Inline(), every_s=0)
        watch.start()
        await asked_again(trail)
        trail.failure = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await until_it_breaks(watch)

    asyncio.run(work())
