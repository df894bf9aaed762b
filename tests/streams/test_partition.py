import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from structlog.testing import capture_logs

from earwitness.policy import Policy, PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models.errors import IntegrityBroken, RangeLost
from models.publisher import Message
from models.ranges import Range, day_of
from models.topics import ACCESS_EVENTS
from models.verdict import Verdict
from sinks.base import Block, LedgerEntry
from sinks.memory import MemoryTrail
from streams.offsets import Committed
from tests.streams.records import DAY_MS, NOON_MS, Record, a_record, event_id
from tests.streams.world import Broker, Died, Fate, ForgetfulTrail, an_owner, work_off

MOST_STEPS = 60
TWO_DAYS = [
    a_record(0),
    a_record(1, evidence_ref="ticket:unknown", purpose="resolve_complaint"),
    Record(2, b"no JSON", NOON_MS),
    a_record(3),
    a_record(4)._replace(value=a_record(3).value),
    a_record(5, timestamp=NOON_MS + DAY_MS),
    a_record(6, timestamp=NOON_MS + DAY_MS),
    a_record(7, timestamp=NOON_MS + DAY_MS)._replace(value=a_record(3, actor_id="e-9").value),
    a_record(8, timestamp=NOON_MS + DAY_MS),
]
"""Eight records of two days: a pending one, an unreadable one, a copy, and a conflict."""

STORED = [event_id(number) for number in (0, 1, 3, 5, 6, 8)]


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return read_policies(ROOT / "policies")


def run(
    broker: Broker,
    trail: Any,
    policies: PolicySet,
    fate: Fate,
    *,
    batch: int = 4,
    topic: str = ACCESS_EVENTS,
) -> None:
    """Give the partition to a new owner and let it work until it is done or its fate is met."""

    async def work() -> None:
        owner, member = an_owner(broker, trail, policies, fate, topic)
        async with asyncio.timeout(10):
            await work_off(owner, member, broker, batch=batch)

    asyncio.run(work())


def stored_ids(trail: MemoryTrail) -> list[str]:
    return sorted(row.event.id for block in trail.blocks.values() for row in block.rows)


def assert_complete(broker: Broker, trail: MemoryTrail) -> None:
    """Every access is one row, everything refused is kept, and the ledger covers each offset once."""
    assert stored_ids(trail) == sorted(STORED)
    letters = {letter.position.offset for kept in trail.dead_letters.values() for letter in kept}
    assert letters == {2, 7}
    covered = Counter(
        offset for entry in trail.ledger.values() for offset in range(entry.range.first, entry.range.last + 1)
    )
    assert covered == Counter(range(9))
    rows = {row.offset for block in trail.blocks.values() for row in block.rows}
    aside = {offset for _, _, offset in trail.set_aside}
    assert (sorted(rows | aside), rows & aside) == (list(range(9)), set())
    assert sum(entry.set_aside_count for entry in trail.ledger.values()) == len(aside)
    assert all(
        block.range.day == day_of(row.received_at_ms) for block in trail.blocks.values() for row in block.rows
    )
    published = [
        json.loads(message.value)["position"]
        for message in broker.published
        if message.topic.startswith("access.findings")
    ]
    refused = [
        dict(message.headers)["position"]
        for message in broker.published
        if message.topic.startswith("access.dead")
    ]
    assert {position.rsplit("/")[-1] for position in refused} == {"2", "7"}
    assert {position.rsplit("/")[-1] for position in published} == {"0", "1", "3", "5", "6", "7", "8"}


def test_a_partition_is_stored_once(policies: PolicySet) -> None:
    """Nothing goes wrong: every access is one row, and everything else is accounted for."""
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    run(broker, trail, policies, Fate())
    assert_complete(broker, trail)
    assert sum(entry.duplicate_count for entry in trail.ledger.values()) == 1


def test_the_next_intent_commits_the_range_before_it(
    policies: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is committed or told while more records are waited for: that wait would cut it short."""
    broker, trail = Broker([a_record(0), a_record(1)]), MemoryTrail()

    async def work() -> None:
        owner, member = an_owner(broker, trail, policies, Fate(), interval_s=0.1)
        publish = member.publish

        async def publish_slowly(messages: Sequence[Message]) -> None:
            await asyncio.sleep(0.15)
            await publish(messages)

        monkeypatch.setattr(member, "publish", publish_slowly)
        monkeypatch.setattr(member, "has_more", lambda *_: False)
        for record in member.deliver(2):
            owner.feed([record])
        running = asyncio.create_task(owner.run())
        async with asyncio.timeout(10):
            while len(broker.published) < 2:
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(work())
    first, second, behind = broker.commits
    assert [commit.offset for commit in (first, second, behind)] == [0, 1, 2]
    assert (bool(first.metadata), bool(second.metadata), behind.metadata) == (True, True, "")


def test_what_the_broker_has_is_waited_for(policies: PolicySet) -> None:
    """Ranges are as large as they may be under load, and no small one is made of what was too much."""
    broker, trail = Broker([a_record(offset) for offset in range(7)]), MemoryTrail()

    async def work() -> None:
        owner, member = an_owner(broker, trail, policies, Fate())
        await work_off(owner, member, broker, batch=2)

    asyncio.run(work())
    assert [(entry.range.first, entry.range.last) for entry in trail.ledger.values()] == [
        (0, 2),
        (3, 5),
        (6, 6),
    ]


def test_an_owner_awaits_its_turn(policies: PolicySet) -> None:
    """Memory holds few ranges at once, however many partitions a worker has; nothing is announced before."""
    broker, trail = Broker([a_record(0)]), MemoryTrail()

    async def work() -> None:
        turns = asyncio.Semaphore()
        owner, member = an_owner(broker, trail, policies, Fate(), turns=turns)
        async with turns:
            owner.feed(member.deliver(1))
            running = asyncio.create_task(owner.run())
            await asyncio.sleep(0.1)
            assert (trail.ledger, broker.commits) == ({}, [])
        async with asyncio.timeout(10):
            while not trail.ledger:
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(work())


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("batch", [1, 4, 9])
def test_an_owner_may_die_at_any_step(policies: PolicySet, effect: bool, batch: int) -> None:  # noqa: FBT001
    """Whatever call a kill falls on, the next owner neither loses nor doubles a row."""
    deaths = 0
    for step in range(1, MOST_STEPS):
        broker, trail = Broker(TWO_DAYS), MemoryTrail()
        try:
            run(broker, trail, policies, Fate(step, effect=effect), batch=batch)
        except Died:
            deaths += 1
            run(broker, trail, policies, Fate(), batch=5)
        assert_complete(broker, trail)
    assert deaths > 10


def test_the_next_owner_may_die_too(policies: PolicySet) -> None:
    """Kills come in rows: the settling of a range is itself interrupted."""
    for first, second, effect in product(range(1, 24, 2), range(1, 12), [False, True]):
        broker, trail = Broker(TWO_DAYS), MemoryTrail()
        for fate in (Fate(first, effect=effect), Fate(second, effect=not effect), Fate()):
            try:
                run(broker, trail, policies, fate)
            except Died:
                continue
        assert_complete(broker, trail)


def test_an_owner_that_slept_changes_nothing(policies: PolicySet) -> None:
    """A paused process wakes up long after its partition was given away and worked off."""
    slept = 0
    for step, effect in product(range(1, MOST_STEPS), [False, True]):
        slept += asyncio.run(_sleep_at(step, policies, effect=effect))
    assert slept > 10


async def _sleep_at(step: int, policies: PolicySet, *, effect: bool) -> bool:
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep() -> None:
        asleep.set()
        await awake.wait()

    sleeper, member = an_owner(broker, trail, policies, Fate(step, effect=effect, event=sleep))
    working = asyncio.create_task(work_off(sleeper, member, broker, batch=4))
    sleeping = asyncio.create_task(asleep.wait())
    await asyncio.wait({working, sleeping}, return_when=asyncio.FIRST_COMPLETED)
    sleeping.cancel()
    if working.done():
        assert_complete(broker, trail)
        return False
    successor, its_member = an_owner(broker, trail, policies, Fate())
    await work_off(successor, its_member, broker, batch=4)
    awake.set()
    await asyncio.gather(working, return_exceptions=True)
    assert_complete(broker, trail)
    return True


def test_a_name_without_rows_gets_another_attempt(policies: PolicySet) -> None:
    """The store notes a block's name before its rows; a kill between the two leaves the name alone."""
    broker, trail = Broker(TWO_DAYS), ForgetfulTrail()
    run(broker, trail, policies, Fate())
    assert_complete(broker, trail)
    assert {block.range.attempt for block in trail.blocks.values()} == {1, 2}


def test_a_group_that_expired_goes_on_behind_what_is_stored(policies: PolicySet) -> None:
    """Kafka forgets the offsets of a group that was away for a week; nothing may be stored again."""
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    run(broker, trail, policies, Fate())
    broker.committed = Committed(None, "")
    broker.records.append(a_record(9, timestamp=NOON_MS + DAY_MS))
    run(broker, trail, policies, Fate())
    assert stored_ids(trail) == sorted([*STORED, event_id(9)])


def test_a_topic_made_anew_under_a_full_store_stops_the_worker(policies: PolicySet) -> None:
    """Skipping to the stored offset would drop every new event in silence."""
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    run(broker, trail, policies, Fate())
    anew = Broker(TWO_DAYS[:3])
    with pytest.raises(IntegrityBroken, match="made anew"):
        run(anew, trail, policies, Fate())


def test_a_topic_made_anew_that_has_grown_past_a_full_store_stops_the_worker(policies: PolicySet) -> None:
    """Producers that were waiting fill it in moments; its offsets say nothing, its records do."""
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    run(broker, trail, policies, Fate())
    later = [
        a_record(record.offset, timestamp=record.timestamp + 2 * DAY_MS)
        for record in [*TWO_DAYS, a_record(TWO_DAYS[-1].offset + 1)]
    ]
    with pytest.raises(IntegrityBroken, match=r"another record at offset .* made anew"):
        run(Broker(later), trail, policies, Fate())


def test_a_topic_that_retention_has_emptied_up_to_the_last_row_is_gone_on_with(policies: PolicySet) -> None:
    """Nothing is left to compare: a worker that was away for a week is no reason to stop."""
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    run(broker, trail, policies, Fate())
    behind = TWO_DAYS[-1].offset + 1
    broker.records[:] = [a_record(behind, timestamp=NOON_MS + 9 * DAY_MS)]
    run(broker, trail, policies, Fate())
    assert stored_ids(trail) == sorted([*STORED, event_id(behind)])


def test_records_that_come_out_of_turn_are_asked_for_again(policies: PolicySet) -> None:
    """A rebalance can leave the consumer ahead of what is committed; a gap is never stepped over."""

    async def work() -> tuple[Broker, MemoryTrail]:
        broker, trail = Broker(TWO_DAYS), MemoryTrail()
        broker.committed = Committed(0, "")
        owner, member = an_owner(broker, trail, policies, Fate())
        member.position = 5
        await work_off(owner, member, broker, batch=2)
        return broker, trail

    assert_complete(*asyncio.run(work()))


def test_a_commit_beyond_the_end_of_the_topic_stops_the_worker(policies: PolicySet) -> None:
    """Kafka lost its tail in a restore: events that take those offsets anew would be dropped in silence."""
    broker, trail = Broker(TWO_DAYS[:3]), MemoryTrail()
    broker.committed = Committed(5, "")
    with pytest.raises(IntegrityBroken, match="lost its end"):
        run(broker, trail, policies, Fate())


def test_offsets_that_were_moved_back_double_nothing(policies: PolicySet) -> None:
    """An operator resets the group to the earliest record; ids of long ago look fresh beside it."""
    records = [
        a_record(
            number, timestamp=NOON_MS + number * 120_000, id=event_id(number, NOON_MS + number * 120_000)
        )
        for number in range(8)
    ]
    broker, trail = Broker(records), MemoryTrail()
    run(broker, trail, policies, Fate())
    broker.committed = Committed(0, "")
    run(broker, trail, policies, Fate(), batch=2)
    assert len(stored_ids(trail)) == len(set(stored_ids(trail))) == 8


def test_offsets_that_were_moved_back_cut_no_range_anew(policies: PolicySet) -> None:
    """A range over stored and new records would be refused for the stored ones, and lose the new."""
    broker, trail = Broker(TWO_DAYS[:5]), MemoryTrail()
    run(broker, trail, policies, Fate(), batch=3)
    broker.committed = Committed(0, "")
    broker.records += TWO_DAYS[5:]
    run(broker, trail, policies, Fate(), batch=4)
    assert_complete(broker, trail)


@pytest.mark.parametrize("missing", [0, 1, 2, 4, 6])
@pytest.mark.parametrize("batch", [1, 2, 9])
def test_offsets_that_hold_no_record_are_stepped_over(policies: PolicySet, missing: int, batch: int) -> None:
    """Transactions leave marks in a topic: they have offsets and are never delivered."""
    records = [record for record in (a_record(offset) for offset in range(8)) if record.offset != missing]
    for step in range(1, 30):
        broker, trail = Broker(records), MemoryTrail()
        broker.committed = Committed(0, "")
        try:
            run(broker, trail, policies, Fate(step, effect=True), batch=batch)
        except Died:
            run(broker, trail, policies, Fate(), batch=batch)
        assert stored_ids(trail) == [event_id(record.offset) for record in records]


def test_the_first_records_ever_may_come_out_of_turn(policies: PolicySet) -> None:
    """Nothing is committed and nothing stored: the beginning is where the topic begins."""

    async def work() -> tuple[Broker, MemoryTrail]:
        broker, trail = Broker(TWO_DAYS), MemoryTrail()
        owner, member = an_owner(broker, trail, policies, Fate())
        member.position = 5
        await work_off(owner, member, broker, batch=2)
        return broker, trail

    assert_complete(*asyncio.run(work()))


class LateTrail(MemoryTrail):
    """The first owner dies with its insert on the way; it arrives just after the heir has counted."""

    def __init__(self) -> None:
        super().__init__()
        self._late: Block | None = None

    def write(self, block: Block) -> bool:
        if self._late is None:
            self._late = block
            raise Died
        return super().write(block)

    def tally(self, stored: Range) -> LedgerEntry:
        counted = super().tally(stored)
        if self._late is not None:
            super().write(self._late)
        return counted


def test_an_insert_that_comes_late_is_no_copy_of_itself(policies: PolicySet) -> None:
    """The heir would take the range's own rows for copies, and its findings would never be told."""
    broker, trail = Broker(TWO_DAYS), LateTrail()
    with pytest.raises(Died):
        run(broker, trail, policies, Fate())
    run(broker, trail, policies, Fate())
    assert_complete(broker, trail)


def test_a_commit_that_is_not_ours_stops_the_worker(policies: PolicySet) -> None:
    """Another program that commits for the group would make us skip or repeat."""
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    broker.committed = Committed(3, "somebody else was here")
    with pytest.raises(Exception, match="somebody else"):
        run(broker, trail, policies, Fate())


def test_a_range_that_moved_is_dropped(policies: PolicySet) -> None:
    """An owner whose commit is refused ends by RangeLost, and leaves the rest to its successor."""

    async def work() -> None:
        broker, trail = Broker(TWO_DAYS), MemoryTrail()
        owner, member = an_owner(broker, trail, policies, Fate())
        broker.join()
        await work_off(owner, member, broker, batch=4)

    with pytest.raises(RangeLost):
        asyncio.run(work())


def test_intents_survive_the_trip_through_the_commit() -> None:
    """The metadata of a commit is all that the next owner has."""
    announced = Range(ACCESS_EVENTS, 3, 10, 20, day_of(NOON_MS), 2)
    assert Range.from_intent(ACCESS_EVENTS, 3, announced.intent) == announced
    assert Range.from_intent(ACCESS_EVENTS, 3, "") is None


def test_an_access_that_the_judge_fails_for_is_never_justified(policies: PolicySet) -> None:
    """The batch goes on, and an operator is told what failed and where."""
    broker, trail = Broker(TWO_DAYS), MemoryTrail()
    with capture_logs() as logs:
        run(broker, trail, FailingFor("rec-3", policies), Fate())
    assert_complete(broker, trail)
    rows = [row for block in trail.blocks.values() for row in block.rows]
    failed = [row for row in rows if row.verdict.reason == "judge_error"]
    assert [(row.offset, row.verdict.outcome) for row in failed] == [(3, "indeterminate")]
    (told,) = [each for each in logs if each["event"] == "judge_failed"]
    assert told["position"] == "access.events.v1/0/3"
    assert told["error"] == "ZeroDivisionError: broken check"


class FailingFor(PolicySet):
    """Policies whose one version fails for the access whose resource was named."""

    def __init__(self, resource_id: str, policies: PolicySet) -> None:
        super().__init__([_FailingPolicy(resource_id, policies.policies[0])])


class _FailingPolicy(Policy):
    def __init__(self, resource_id: str, policy: Policy) -> None:
        super().__init__(policy.document, policy.digest)
        self._resource_id = resource_id

    def decide(self, access: Any, *rest: Any) -> Verdict:
        if access.resource_id == self._resource_id:
            raise ZeroDivisionError("broken check")
        return super().decide(access, *rest)
