"""Judging again: what late evidence, changed evidence and an ended grace do to what is stored."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, product
from random import Random

import pytest

from earwitness.policy import PolicySet
from earwitness.policy.compiled import Policy
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import EvidenceRecord
from models.dead_letter import DeadLetter
from models.errors import RangeLost
from models.ranges import Range
from models.registers import RegisterState
from models.topics import ACCESS_EVENTS
from sinks.base import StoredAccess
from streams.partition import PartitionOwner
from streams.recorder import EvidenceRecorder
from streams.rejudging import SWEEP_EVERY_S
from tests.builders import a_complaint, a_work_order, an_employment
from tests.streams.late_world import LateWorld, owned, work, work_whatever_happens
from tests.streams.records import DAY_MS, NOON_MS, Record, a_record
from tests.streams.world import Died, Fate, FatefulTrail, Member

MOST_STEPS = 90
CITING = {"purpose": "resolve_complaint", "evidence_ref": "ticket:T-1"}
ACCESSES = [
    a_record(0, **CITING),
    a_record(1, **CITING),
    a_record(2),
    a_record(3, **CITING, actor_id="e-2"),
    a_record(4, timestamp=NOON_MS + DAY_MS, **CITING),
    a_record(5, timestamp=NOON_MS + DAY_MS, customer_id="globex"),
    a_record(6, timestamp=NOON_MS + DAY_MS, **CITING),
    a_record(7, timestamp=NOON_MS + DAY_MS),
]
"""Accesses of two days: most cite a ticket that nobody knows yet, some cite nothing."""

TICKET = a_complaint(assignees=["e-1"])


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return read_policies(ROOT / "policies")


@pytest.fixture
def world(policies: PolicySet) -> LateWorld:
    return judged_without_evidence(policies)


def judged_without_evidence(policies: PolicySet) -> LateWorld:
    """Make a world in which every access is stored, and no register has told of anything."""
    world = LateWorld(policies, ACCESSES)
    asyncio.run(work(world, [Fate(), Fate()]))
    return world


def judge_again(world: LateWorld, fate: Fate | None = None) -> None:
    asyncio.run(work(world, [Fate(), fate or Fate()]))


def reasons(world: LateWorld) -> list[str]:
    return [access.verdict.reason for access in sorted(world.stored(), key=lambda access: access.id)]


def assert_judged_by_all_that_is_known(world: LateWorld) -> None:
    """The verdict that holds is the one that the registers give now, and no verdict was given twice."""
    stored = list(world.stored())
    assert len(stored) == len(world.accesses.records)
    for access in stored:
        assert access.verdict == world.should_be(access), access.id
    for access in stored:
        assert_no_verdict_twice(world, access)


def assert_no_verdict_twice(world: LateWorld, access: StoredAccess) -> None:
    """A page that a successor had to use up restates a verdict, alone in its block; nothing else does."""
    given = world.history(access.id)
    versions = Counter((block.evidence_version, item.verdict) for block, item in given)
    assert max(versions.values(), default=1) == 1
    for (_, earlier), (block, later) in pairwise(given):
        assert earlier.verdict != later.verdict or len(block.verdicts) == 1


def test_evidence_that_comes_late_counts(world: LateWorld) -> None:
    """The ticket was filed in time and typed in later; those who cited it are not left accused."""
    assert reasons(world)[0] == "evidence_not_found"
    world.register(TICKET)
    judge_again(world)
    assert reasons(world) == [
        "clause_met",
        "clause_met",
        "derived",
        "actor_not_assigned",
        "clause_met",
        "purpose_not_declared",
        "clause_met",
        "derived",
    ]
    assert_judged_by_all_that_is_known(world)
    assert all(access.late for access in world.stored() if access.verdict.reason != "purpose_not_declared")


def test_a_verdict_that_only_the_policy_changed_is_not_late(policies: PolicySet) -> None:
    """A version that took effect before it was put there; `late` is for evidence, which was there in time."""
    world = LateWorld(policies, ACCESSES[:1])
    world.register(TICKET)
    judge_again(world)
    world.policies = with_a_backdated_version(policies)
    world.register(TICKET)
    judge_again(world)
    (access,) = world.stored()
    assert (access.verdict.policy_version, access.verdict.reason) == (BACKDATED, "clause_met")
    assert not access.late


def test_the_first_version_of_all_is_no_late_evidence_either(policies: PolicySet) -> None:
    """What happened when no version applied is judged by one that says from then on when it holds."""
    world = LateWorld(PolicySet([]), ACCESSES[:1])
    world.register(TICKET)
    judge_again(world)
    world.policies = policies
    world.register(TICKET)
    judge_again(world)
    (access,) = world.stored()
    assert (access.verdict.reason, access.late) == ("clause_met", False)


def test_evidence_that_comes_late_is_late_under_another_policy_too(world: LateWorld) -> None:
    """Both changed, and the evidence alone would have changed the verdict as well."""
    world.policies = with_a_backdated_version(world.policies)
    world.register(TICKET)
    judge_again(world)
    first = min(world.stored(), key=lambda access: access.id)
    assert (first.verdict.policy_version, first.verdict.reason) == (BACKDATED, "clause_met")
    assert first.late


BACKDATED = "backdated"


def with_a_backdated_version(policies: PolicySet) -> PolicySet:
    """Give the same policy with one more version, alike but for its name, in effect a little later."""
    newest = policies.policies[-1]
    begins = newest.effective_from + timedelta(seconds=1)
    again = newest.document.model_copy(update={"version": BACKDATED, "effective_from": begins})
    return PolicySet([*policies.policies, Policy(again, "another digest")])


def test_what_a_change_does_not_reach_gets_no_verdict(world: LateWorld) -> None:
    """History is what changed; a verdict that stays is not said again."""
    world.register(TICKET)
    judge_again(world)
    (untouched,) = [access for access in world.stored() if access.customer_id == "globex"]
    assert world.history(untouched.id) == []
    assert untouched.evidence_version == -1


def test_evidence_that_is_withdrawn_no_longer_counts(world: LateWorld) -> None:
    """And both verdicts stay in the history."""
    world.register(TICKET)
    judge_again(world)
    world.register(TICKET.model_copy(update={"status": "withdrawn"}))
    judge_again(world)
    assert reasons(world)[:3] == ["evidence_withdrawn", "evidence_withdrawn", "purpose_not_declared"]
    first = min(world.stored(), key=lambda access: access.id)
    assert [given.verdict.reason for _, given in world.history(first.id)] == [
        "clause_met",
        "evidence_withdrawn",
    ]


def test_the_first_employment_is_everybodys_business(world: LateWorld) -> None:
    """It reaches more accesses than are done at once, and a small change after it is not held up."""
    world.register(TICKET, an_employment("staff:e-2", assignees=["e-2"]), a_work_order())
    judge_again(world)
    assert reasons(world)[0] == "actor_not_employed"
    assert_judged_by_all_that_is_known(world)


def test_new_verdicts_that_do_not_justify_are_told(world: LateWorld) -> None:
    """Alerts stand on findings; a finding of a later verdict says at which evidence version it was given."""
    before = len(world.registers.published)
    world.register(TICKET)
    judge_again(world)
    (told,) = [json.loads(message.value) for message in world.registers.published[before:]]
    assert (told["reason"], told["actor_id"], told["evidence_version"]) == ("actor_not_assigned", "e-2", 0)


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_an_owner_may_die_at_any_step(policies: PolicySet, effect: bool) -> None:  # noqa: FBT001
    """Whatever call a kill falls on, the next owner leaves no verdict out and gives none twice."""
    deaths = 0
    for step in range(1, MOST_STEPS):
        world = judged_without_evidence(policies)
        world.register(TICKET, an_employment(), a_complaint("ticket:T-2", assignees=["e-2"]))
        try:
            judge_again(world, Fate(step, effect=effect))
        except Died:
            deaths += 1
            judge_again(world)
        assert_judged_by_all_that_is_known(world)
    assert deaths > 20


def test_the_next_owner_may_die_too(policies: PolicySet) -> None:
    """Kills come in rows: the settling of a page is itself interrupted."""
    for first, second, effect in product(range(2, 60, 5), range(1, 16, 2), [False, True]):
        world = judged_without_evidence(policies)
        world.register(TICKET, an_employment())
        for fate in (Fate(first, effect=effect), Fate(second, effect=not effect), Fate()):
            try:
                judge_again(world, fate)
            except Died:
                continue
        assert_judged_by_all_that_is_known(world)


def test_an_owner_that_slept_changes_nothing(policies: PolicySet) -> None:
    """It judged before a change that its successor knows; awake, it must not have the last word.

    Nor may it accuse anybody by verdicts that the store refused.
    """
    slept = 0
    for step, effect in product(range(1, MOST_STEPS), [False, True]):
        slept += asyncio.run(_sleep_at(step, policies, effect=effect))
    assert slept > 10


async def _sleep_at(step: int, policies: PolicySet, *, effect: bool) -> bool:
    world = LateWorld(policies, ACCESSES)
    await work(world, [Fate(), Fate()])
    world.register(TICKET)
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep() -> None:
        asleep.set()
        await awake.wait()

    owner, member = world.evidence_owner(Fate(step, effect=effect, event=sleep))
    sleeper = asyncio.create_task(owned(owner, member, 2))
    sleeping = asyncio.create_task(asleep.wait())
    for _ in range(3_000):
        if asleep.is_set() or sleeper.done() or world.is_done():
            break
        await asyncio.sleep(0)
    sleeping.cancel()
    slept = asleep.is_set()
    # The ticket is taken back: what the sleeper is about to store is true no longer.
    world.register(TICKET.model_copy(update={"status": "withdrawn"}))
    if not slept:
        sleeper.cancel()
        await asyncio.gather(sleeper, return_exceptions=True)
    await work(world, [Fate(), Fate()])
    awake.set()
    for _ in range(200):
        await asyncio.sleep(0)
    sleeper.cancel()
    await asyncio.gather(sleeper, return_exceptions=True)
    assert_judged_by_all_that_is_known(world)
    assert_told_of_what_is_stored(world)
    return slept


def assert_told_of_what_is_stored(world: LateWorld) -> None:
    """Each finding of a later verdict has that verdict in the history of its access."""
    given = {
        (item.access.id, item.verdict.reason, block.evidence_version)
        for block in world.verdicts.blocks.values()
        for item in block.verdicts
    }
    findings = (json.loads(message.value) for message in world.registers.published)
    told = {(finding["id"], finding["reason"], finding["evidence_version"]) for finding in findings}
    assert told <= given


def test_an_owner_that_slept_accuses_nobody_whom_its_successor_cleared(policies: PolicySet) -> None:
    """Asleep between judging and storing: its rows are refused, and no finding of them may go out."""
    world = LateWorld(policies, [a_record(0, **CITING)])
    asleep, awake = asyncio.Event(), asyncio.Event()
    member = Member(world.accesses, Fate())

    class Sleeping:
        async def current(self) -> Sequence[RegisterState]:
            asleep.set()
            await awake.wait()
            return ()

    ports = replace(world.ports(member, Fate()), registers=Sleeping())
    sleeper = PartitionOwner(ports, ACCESS_EVENTS, 0, member.membership_then)

    async def play() -> None:
        sleeping = asyncio.create_task(owned(sleeper, member, 1))
        await asleep.wait()
        world.register(TICKET)
        await work(world, [Fate(), Fate()])
        awake.set()
        with pytest.raises(RangeLost):
            await sleeping

    asyncio.run(play())
    assert reasons(world) == ["clause_met"]
    assert world.accesses.published == []


def test_a_row_names_the_version_that_it_was_judged_at(policies: PolicySet) -> None:
    """The registers go on while a range is stored; a row that named theirs would never be judged again."""
    world = LateWorld(policies, [a_record(0, **CITING), Record(1, b"no JSON", NOON_MS)])
    member = Member(world.accesses, Fate())
    ports = world.ports(member, Fate())

    class Meanwhile(FatefulTrail):
        def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
            ports.evidence.index.put(TICKET, 7)
            super().write_dead_letters(origin, letters)

    meanwhile = replace(ports, trail=Meanwhile(world.trail, Fate()))
    owner = PartitionOwner(meanwhile, ACCESS_EVENTS, 0, member.membership_then)
    asyncio.run(_own_for_a_while(owner, member))
    assert ports.evidence.index.version == 7
    assert [block.evidence_version for block in world.trail.blocks.values()] == [-1]


@pytest.mark.parametrize("seed", range(150))
def test_registers_may_change_while_accesses_are_judged(policies: PolicySet, seed: int) -> None:
    """Two owners, both killed at will, in any interleaving: none of the verdicts rests on what was."""
    assert_a_random_story(policies, seed)


def assert_a_random_story(policies: PolicySet, seed: int) -> int:
    rng = Random(seed)  # noqa: S311 - a seed repeats the story
    world = LateWorld(policies, ACCESSES[:1])

    async def tell(done: asyncio.Event) -> None:
        """Accesses and evidence come while both are worked off."""
        accesses, evidence = ACCESSES[1:], _some_evidence(rng)
        while accesses or evidence:
            for _ in range(rng.randrange(30)):
                await asyncio.sleep(0)
            if accesses and (rng.random() < 0.5 or not evidence):
                world.accesses.records.append(accesses.pop(0))
            else:
                world.register(evidence.pop(0))
        done.set()

    async def play() -> int:
        done = asyncio.Event()
        telling = asyncio.create_task(tell(done))
        died = await work_whatever_happens(world, rng, rng.randrange(4))
        await done.wait()
        await telling
        await work(world, [Fate(), Fate()])
        return died

    died = asyncio.run(play())
    assert_judged_by_all_that_is_known(world)
    return died


def _some_evidence(rng: Random) -> list[EvidenceRecord]:
    possible = [
        TICKET,
        TICKET.model_copy(update={"status": "withdrawn"}),
        TICKET.model_copy(update={"assignees": ("e-2",)}),
        an_employment(),
        an_employment(aliases=["e-2"]),
        an_employment("staff:e-2", assignees=["e-2"]),
        a_work_order(),
        a_complaint("ticket:T-2", assignees=["e-2"]),
    ]
    return rng.choices(possible, k=rng.randrange(1, 7))


def test_a_grace_ends_by_itself(world: LateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event and no evidence comes; an access that cites what nobody ever told of is unjustified then."""
    monkeypatch.setattr("streams.rejudging.SWEEP_EVERY_S", 0.0)
    monkeypatch.setattr("streams.recorder.SWEEP_EVERY_S", 0.0)
    assert SWEEP_EVERY_S > 0
    world.now += timedelta(hours=23)
    asyncio.run(_sweep_for_a_while(world))
    assert "pending" in {access.verdict.outcome for access in world.stored()}
    world.now += timedelta(hours=30)
    asyncio.run(_sweep_for_a_while(world))
    assert_judged_by_all_that_is_known(world)
    assert {access.verdict.outcome for access in world.stored()} == {"unjustified"}
    assert not any(access.late for access in world.stored())
    asyncio.run(_sweep_for_a_while(world))
    assert len(world.verdicts.blocks) == len({block.page.token for block in world.verdicts.blocks.values()})
    assert_judged_by_all_that_is_known(world)


def test_a_grace_that_ends_while_the_register_is_silent_says_so(
    world: LateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage longer than the grace turns into accusations; row and finding say what they stand on."""
    monkeypatch.setattr("streams.rejudging.SWEEP_EVERY_S", 0.0)
    monkeypatch.setattr("streams.recorder.SWEEP_EVERY_S", 0.0)
    world.trail.beats = {
        name: RegisterState(name, (kind,), 900, world.now)
        for name, kind in (("zendesk", "complaint"), ("contracts", "engagement"))
    }
    told_before = len(world.registers.published)
    world.now += timedelta(hours=50)
    asyncio.run(_sweep_for_a_while(world))
    given = [item for block in world.verdicts.blocks.values() for item in block.verdicts]
    assert {item.stale_registers for item in given} == {("zendesk",)}
    findings = [json.loads(message.value) for message in world.registers.published[told_before:]]
    assert {tuple(finding["stale_registers"]) for finding in findings} == {("zendesk",)}


async def _sweep_for_a_while(world: LateWorld) -> None:
    await _own_for_a_while(*world.evidence_owner(Fate()))


async def _own_for_a_while(owner: PartitionOwner | EvidenceRecorder, member: Member) -> None:
    working = asyncio.create_task(owned(owner, member, 2))
    for _ in range(600):
        await asyncio.sleep(0)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
