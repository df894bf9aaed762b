"""What the store holds decides where a partition goes on; the group's commit can be lost, or ahead of it."""

import asyncio
from collections import Counter

import pytest
from structlog.testing import capture_logs

from earwitness.policy import PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models.errors import SinkRejected
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from sinks.base import JudgedAccess
from sinks.memory import MemoryTrail
from streams import cutting
from streams.offsets import Committed
from tests.builders import a_complaint
from tests.streams.late_world import LateWorld, work
from tests.streams.records import DAY_MS, NOON_MS, Record, a_record, event_id
from tests.streams.world import Broker, Died, Fate, an_owner, work_off

TEN = [
    Record(number, b"no JSON", NOON_MS) if number == 4 else a_record(number, timestamp=NOON_MS)
    for number in range(10)
]
"""One that cannot be read among ten, in ranges of three."""

MOST_STEPS = 40


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return read_policies(ROOT / "policies")


def run(broker: Broker, trail: MemoryTrail, policies: PolicySet, fate: Fate | None = None) -> None:
    """Give the partition to a new owner and let it work until it is done or its fate is met."""

    async def work() -> None:
        owner, member = an_owner(broker, trail, policies, fate or Fate())
        async with asyncio.timeout(10):
            await work_off(owner, member, broker, batch=3)

    asyncio.run(work())


def run_on(broker: Broker, trail: MemoryTrail, policies: PolicySet, fate: Fate | None = None) -> None:
    """As `run`, when one more record has come."""
    broker.records.append(a_record(len(broker.records)))
    run(broker, trail, policies, fate)


def stored(trail: MemoryTrail) -> list[int]:
    return sorted(row.offset for block in trail.blocks.values() for row in block.rows)


def covered(trail: MemoryTrail) -> Counter[int]:
    return Counter(
        offset for entry in trail.ledger.values() for offset in range(entry.range.first, entry.range.last + 1)
    )


def assert_whole(broker: Broker, trail: MemoryTrail) -> None:
    """Every record is a row or a dead letter, once, and the ledger says so."""
    letters = {letter.position.offset for kept in trail.dead_letters.values() for letter in kept}
    assert letters == {4}
    assert stored(trail) == [record.offset for record in broker.records if record.offset != 4]
    assert covered(trail) == Counter(range(len(broker.records)))
    for entry in trail.ledger.values():
        assert entry == trail.tally(entry.range)


def forget_since(trail: MemoryTrail, offset: int) -> None:
    """Restore a backup that was made when the ranges before `offset` were stored."""
    for kept in (trail.blocks, trail.ledger):
        for name in [name for name, item in kept.items() if item.range.first >= offset]:
            del kept[name]  # type: ignore[attr-defined] # both are dicts
    for name, letters in list(trail.dead_letters.items()):
        if letters[0].position.offset >= offset:
            del trail.dead_letters[name]


@pytest.mark.parametrize("offset", [0, 3, 6, 9])
def test_what_a_restored_store_lacks_is_taken_from_the_topic_again(policies: PolicySet, offset: int) -> None:
    """The group committed ten records and the backup holds fewer; going on would lose the rest."""
    broker, trail = Broker(TEN), MemoryTrail()
    run(broker, trail, policies)
    forget_since(trail, offset)
    with capture_logs() as logs:
        run_on(broker, trail, policies)
    assert_whole(broker, trail)
    (told,) = [each for each in logs if each["event"] == "store_lacks_records"]
    assert (told["first"], told["next"]) == (offset, 10)


def test_a_backup_made_while_rows_were_stored_is_completed(policies: PolicySet) -> None:
    """Its ledger was copied before its rows: what is stored is accounted for, and not stored again."""
    broker, trail = Broker(TEN), MemoryTrail()
    run(broker, trail, policies)
    forget_since(trail, 9)
    for name in [name for name, entry in trail.ledger.items() if entry.range.first >= 3]:
        del trail.ledger[name]
    run_on(broker, trail, policies)
    assert_whole(broker, trail)


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_an_intent_may_expire_with_the_group(policies: PolicySet, effect: bool) -> None:  # noqa: FBT001
    """The workers died in the middle of a range and stayed away until Kafka had forgotten the group."""
    deaths = 0
    for step in range(1, MOST_STEPS):
        broker, trail = Broker(TEN), MemoryTrail()
        try:
            run(broker, trail, policies, Fate(step, effect=effect))
        except Died:
            deaths += 1
            broker.committed = Committed(None, "")
            run_on(broker, trail, policies)
        assert_whole(broker, trail)
    assert deaths > 10


def test_a_restore_may_be_interrupted_too(policies: PolicySet) -> None:
    """Whoever completes a restored store can die at any step of it."""
    deaths = 0
    for step in range(1, MOST_STEPS):
        broker, trail = Broker(TEN), MemoryTrail()
        run(broker, trail, policies)
        forget_since(trail, 3)
        try:
            run_on(broker, trail, policies, Fate(step, effect=step % 2 == 0))
        except Died:
            deaths += 1
            run(broker, trail, policies)
        assert_whole(broker, trail)
    assert deaths > 10


def with_markers() -> list[Record]:
    """A topic on which transactions took the offsets 2, 6 and 7."""
    return [record for record in TEN if record.offset not in {2, 6, 7}]


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_an_offset_that_is_no_record_holds_nothing_up(policies: PolicySet, effect: bool) -> None:  # noqa: FBT001
    """The end of a transaction takes an offset; asking for it again without end would stop the partition."""
    for step in range(1, MOST_STEPS):
        broker, trail = Broker(with_markers()), MemoryTrail()
        try:
            run(broker, trail, policies, Fate(step, effect=effect))
        except Died:
            run(broker, trail, policies)
        assert stored(trail) == [0, 1, 3, 5, 8, 9]
        assert max(covered(trail).values()) == 1


def test_a_range_taken_again_ends_where_it_was_announced_to(policies: PolicySet) -> None:
    """Counted by records instead of offsets, it would reach past its own end where an offset is missing."""
    broker, trail = Broker(with_markers()), MemoryTrail()
    broker.committed = Committed(0, "v1 0-3 2026-09-21 1")
    run(broker, trail, policies)
    (first, *_) = sorted(trail.blocks.values(), key=lambda block: block.range.first)
    assert (first.range.name, [row.offset for row in first.rows]) == (f"{ACCESS_EVENTS}:0:0-3", [0, 1, 3])


def test_records_that_unfold_to_much_are_stored_in_parts(
    policies: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was compressed on its way here must fit in this process, and in one query of the store."""
    broker, trail = Broker(TEN), MemoryTrail()
    monkeypatch.setattr(cutting, "LARGEST_RANGE_BYTES", 2 * len(TEN[0].value or b"") + 10)
    run(broker, trail, policies)
    assert_whole(broker, trail)
    assert max(len(block.rows) for block in trail.blocks.values()) == 2


def refuses(*offsets: int) -> MemoryTrail:
    """Make a store that will never take the rows at these offsets."""

    def is_refused(row: JudgedAccess) -> bool:
        return row.offset in offsets

    return MemoryTrail(is_refused)


@pytest.mark.parametrize("offsets", [(3,), (5,), (3, 5), (0, 1, 2)])
def test_a_row_that_the_store_refuses_costs_no_other(policies: PolicySet, offsets: tuple[int, ...]) -> None:
    """Its bytes are kept as a dead letter, its neighbours are rows, and the partition goes on."""
    broker, trail = Broker(TEN), refuses(*offsets)
    run(broker, trail, policies)
    assert stored(trail) == [number for number in range(10) if number not in {4, *offsets}]
    letters = {letter.position.offset: letter for kept in trail.dead_letters.values() for letter in kept}
    assert set(letters) == {4, *offsets}
    assert letters[offsets[0]].reason == "rejected_by_store"
    assert letters[offsets[0]].value == TEN[offsets[0]].value
    assert covered(trail) == Counter(range(10))
    for entry in trail.ledger.values():
        assert entry == trail.tally(entry.range)
    published = [
        dict(message.headers)["position"] for message in broker.published if "position" in message.headers
    ]
    assert {position.rsplit("/")[-1] for position in published} == {str(number) for number in (4, *offsets)}


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_an_owner_may_die_while_it_finds_out_what_is_refused(policies: PolicySet, effect: bool) -> None:  # noqa: FBT001
    """The range keeps its name and its bounds, so the next owner neither loses nor doubles a row."""
    deaths = 0
    for step in range(1, MOST_STEPS):
        broker, trail = Broker(TEN), refuses(5)
        try:
            run(broker, trail, policies, Fate(step, effect=effect))
        except Died:
            deaths += 1
            run(broker, trail, policies)
        assert stored(trail) == [0, 1, 2, 3, 6, 7, 8, 9]
        letters = {letter.position.offset for kept in trail.dead_letters.values() for letter in kept}
        assert letters == {4, 5}
        assert covered(trail) == Counter(range(10))
    assert deaths > 10


def test_a_refusal_that_no_row_explains_stops_the_worker(policies: PolicySet) -> None:
    """The table is at fault then: taking its rows for poison would empty the trail."""

    class Stubborn(MemoryTrail):
        def misfits(self, block: object) -> dict[int, str]:
            return {}

    with pytest.raises(SinkRejected):
        run(Broker(TEN), Stubborn(lambda _: True), policies)


def test_days_may_alternate_where_the_broker_s_clock_jumped(policies: PolicySet) -> None:
    """An hour back across midnight: each range has one day all the same, and is accounted for as stored."""
    tomorrow = NOON_MS + DAY_MS
    records = [
        a_record(number, timestamp=tomorrow if number in {2, 3, 6} else NOON_MS, id=event_id(number))
        for number in range(8)
    ]
    broker, trail = Broker(records), MemoryTrail()
    run(broker, trail, policies)
    trail.ledger.clear()
    broker.committed = Committed(None, "")
    run_on(broker, trail, policies)
    assert stored(trail) == list(range(9))
    assert covered(trail) == Counter(range(9))


def registers_told(policies: PolicySet) -> LateWorld:
    """Make a world in which accesses are stored, and then three pieces of evidence came."""
    cited = {"purpose": "resolve_complaint", "evidence_ref": "ticket:T-1"}
    world = LateWorld(policies, [a_record(number, **cited) for number in range(4)])
    asyncio.run(work(world, [Fate(), Fate()]))
    for ref in ("ticket:T-1", "ticket:T-2", "ticket:T-3"):
        world.register(a_complaint(ref, assignees=["e-1"]))
        asyncio.run(work(world, [Fate(), Fate()]))
    return world


def test_evidence_that_a_restored_store_lacks_is_recorded_and_judged_by_again(policies: PolicySet) -> None:
    """The group committed it, and the backup holds neither versions nor the verdicts that came of them."""
    world = registers_told(policies)
    before = {access.id: access.verdict for access in world.stored()}
    assert {verdict.outcome for verdict in before.values()} == {"justified"}
    world.trail.evidence.clear()
    world.verdicts.blocks.clear()
    for name in [name for name, entry in world.trail.ledger.items() if entry.range.topic == EVIDENCE_RECORDS]:
        del world.trail.ledger[name]
    world.register(a_complaint("ticket:T-4"))
    asyncio.run(work(world, [Fate(), Fate()]))
    assert {version for _, version in world.trail.evidence} == {0, 1, 2, 3}
    assert {access.id: access.verdict for access in world.stored()} == before


def test_evidence_is_accounted_for_once_it_is_worked_off(policies: PolicySet) -> None:
    """Before that a backup would claim verdicts that it does not hold."""
    world = registers_told(policies)
    entries = [entry for entry in world.trail.ledger.values() if entry.range.topic == EVIDENCE_RECORDS]
    assert [(entry.range.first, entry.range.last, entry.row_count) for entry in entries] == [
        (0, 0, 1),
        (1, 1, 1),
        (2, 2, 1),
    ]


def test_compacted_evidence_leaves_no_gap_to_wait_for(policies: PolicySet) -> None:
    """Older versions of a ref are gone from the topic; what is left is all that there is to record."""
    world = LateWorld(policies, [a_record(0)])
    for number in range(6):
        world.register(a_complaint(f"ticket:T-{number}"))
    del world.registers.records[1:5]
    asyncio.run(work(world, [Fate(), Fate()], batch=1, until=lambda: world.registers.committed.offset == 6))
    assert {version for _, version in world.trail.evidence} == {0, 5}
