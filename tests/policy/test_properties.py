"""What holds of the judge in every world, however its accesses and registers look."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from types import SimpleNamespace
from typing import Any, Final

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from earwitness.policy import EvidenceIndex, judge
from models import AccessEvent, EvidenceRecord, Verdict
from models.verdict import INDETERMINATE, JUSTIFIED, NO_SALE_OR_TRANSFER
from streams.copies import Accepted
from streams.judge import judge_accepted
from tests.builders import A_TICK, NOON, a_complaint, an_access, an_employment
from tests.policy.judged import POLICIES, reason_of
from tests.policy.oracle import Versioned
from tests.policy.oracle_table import ALIAS_KIND, KINDS_THAT_COVER_A_RECIPIENT, KINDS_THAT_NEED_CUSTOMERS
from tests.policy.worlds import INSTANTS, World, random_world

often = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])

choices: Final = st.integers(0, 2**64 - 1).map(Random)
worlds: Final = choices.map(random_world)
"""Whole worlds by one number: five times as many in the same time as worlds that can be made smaller."""

RESTRICTIONS: Final = ("customer_ids", "resource_types", "resource_ids", "assignees")
A_FIRST: Final = {"customer_ids": "c-1", "resource_types": "call_recording", "resource_ids": "r-1"}
LISTINGS: Final = ("purposes", "functions", "teams")
FIELDS_OF_NOTHING_SAID: Final = (
    "actor_type",
    "actor_id",
    "organization",
    "actor_team",
    "action",
    "resource_type",
    "resource_id",
    "customer_id",
    "purpose",
    "evidence_ref",
    "recipient",
)


NOTHING_SAID: Final = dict.fromkeys(FIELDS_OF_NOTHING_SAID)


def newest(world: World) -> dict[str, Versioned]:
    """The newest record of each ref with its version, as a compacted topic keeps them."""
    return {
        fields["ref"]: (version, fields)
        for version, fields in sorted(world.evidence, key=lambda versioned: versioned[0])
    }


def an_index(known: Sequence[Versioned]) -> EvidenceIndex:
    """Take in records in the order given."""
    index = EvidenceIndex()
    for version, fields in known:
        index.put(EvidenceRecord.model_validate(fields), version)
    return index


def decided(world: World, known: Sequence[Versioned] | None = None, event: Any = None) -> Verdict:
    """Judge the access of a world, or `event` in its place, against its records or the ones given."""
    event = AccessEvent.model_validate(world.event) if event is None else event
    index = an_index(world.evidence if known is None else known)
    return judge(event, POLICIES, index, received_at=world.received_at, as_of=world.as_of)


class TestForbid:
    """Content leaves for nobody whom the evidence that justifies the access does not name."""

    @given(world=worlds, recipient=st.sampled_from(["o-1", "o-2", "c-1", "p-1"]))
    @often
    def test_a_forbid_beats_every_permit(self, world: World, recipient: str) -> None:
        """Whatever clause permits the access, sending the content away needs evidence about the recipient."""
        event = {**world.event, "recipient": recipient}
        verdict = decided(world, event=AccessEvent.model_validate(event))
        if verdict.outcome != JUSTIFIED or verdict.clause == "customer.own-use":
            return
        (ref,) = verdict.evidence_used
        _, used = newest(world)[ref]
        assert used["kind"] in KINDS_THAT_COVER_A_RECIPIENT
        assert used["organization"] == recipient

    @given(world=worlds)
    @often
    def test_what_is_allowed_to_stay_is_not_allowed_to_leave_for_a_stranger(self, world: World) -> None:
        """The same access with a recipient whom nothing names: own use apart, never justified."""
        staying = {**world.event, "recipient": None}
        before = decided(world, event=AccessEvent.model_validate(staying))
        leaving = {**world.event, "recipient": "a-stranger"}
        after = decided(world, event=AccessEvent.model_validate(leaving))
        if before.clause == "customer.own-use":
            assert after == before
            return
        assert after.outcome != JUSTIFIED
        if before.reason == "clause_met":
            assert (after.reason, after.clause) == ("outside_transfer", NO_SALE_OR_TRANSFER)


class TestLessEvidence:
    """Less evidence, or narrower evidence, justifies nothing that more would not."""

    @given(world=worlds, choice=st.integers(0, 20))
    @often
    def test_removing_evidence_never_justifies(self, world: World, choice: int) -> None:
        """Missing evidence does not look innocent.

        Taken out is the whole ref, not only its newest record: an older record of the ref is other
        evidence. Two removals are left out, because by the contract they take away what speaks
        against the actor. The last employment known: without any, employees are believed. And a
        record whose aliases make ids one actor of the access's kind: it can be what shows that the
        actor entered the evidence. Every other record may go, also one of several employments.
        """
        known = newest(world)
        may_go = [ref for ref in sorted(known) if not speaks_against(ref, known, world)]
        assume(may_go)
        gone = may_go[choice % len(may_go)]
        fewer = [versioned for ref, versioned in known.items() if ref != gone]
        assert decided(world, fewer).outcome != JUSTIFIED or decided(world).outcome == JUSTIFIED

    def test_the_last_employment_is_evidence_against_whom_it_does_not_name(self) -> None:
        """The first removal that can justify: then there is no staff register to be missing from."""
        others = an_employment("staff:e-2", assignees=["e-2"])
        assert reason_of(an_access(), a_complaint(), others) == "actor_not_employed"
        assert reason_of(an_access(), a_complaint()) == "clause_met"

    def test_an_alias_is_evidence_against_who_entered_a_record_under_it(self) -> None:
        """The second: without the record, nobody knows that the agent opened the complaint."""
        complaint = a_complaint(recorded_by="e1@example.com")
        employed = an_employment("staff:plain")
        joined = an_employment("staff:joined", aliases=["e1@example.com"])
        assert reason_of(an_access(), complaint, employed, joined) == "evidence_self_recorded"
        assert reason_of(an_access(), complaint, employed) == "clause_met"

    @given(world=worlds)
    @often
    def test_narrowing_a_scope_never_justifies(self, world: World) -> None:
        """Whoever writes less into a record opens less.

        Narrowed is the newest record of one ref, in each of the ways of `narrowings`. A list that comes
        to hold its first names is left out where an empty one covers less: the customers of kinds that
        need them, the scope of a work order that is a blank cheque, and assignees, by which evidence that
        nobody cited must name the actor.
        """
        if decided(world).outcome == JUSTIFIED:
            return
        known = newest(world)
        for ref, (version, fields) in known.items():
            for narrowed in narrowings(fields):
                verdict = decided(world, list({**known, ref: (version, narrowed)}.values()))
                assert verdict.outcome != JUSTIFIED, narrowed

    @given(world=worlds, choice=choices)
    @often
    def test_evidence_entered_by_the_actor_never_justifies_more(self, world: World, choice: Random) -> None:
        """Nobody excuses himself: said to stem from the actor, a record can only prove less.

        Records with aliases of the actor's kind are left out: they then also cease to speak against it.
        """
        known = newest(world)
        may_be_own = [ref for ref in sorted(known) if not joins_ids(known[ref][1], world)]
        assume(may_be_own)
        ref = choice.choice(may_be_own)
        version, fields = known[ref]
        own = choice.choice(({"recorded_by": world.event["actor_id"]}, {"origin": "actor_statement"}))
        after = {**known, ref: (version, {**fields, **own})}
        verdict = decided(world, list(after.values()))
        assert verdict.outcome != JUSTIFIED or decided(world).outcome == JUSTIFIED
        assert ref not in verdict.evidence_used


def speaks_against(ref: str, known: dict[str, Versioned], world: World) -> bool:
    """Say whether taking `ref` out can justify by the contract."""
    _, fields = known[ref]
    employments = [other for _, other in known.values() if other["kind"] == "employment"]
    return joins_ids(fields, world) or employments == [fields]


def joins_ids(fields: Any, world: World) -> bool:
    return bool(fields.get("aliases")) and fields["kind"] == ALIAS_KIND.get(world.event["actor_type"])


def narrowings(fields: Any) -> Iterator[dict[str, Any]]:
    """Give every way of this test to narrow one record."""
    for name in RESTRICTIONS:
        listed = fields.get(name) or []
        if len(set(listed)) > 1:
            yield {**fields, name: listed[1:]}
            yield {**fields, name: listed[:-1]}
        elif not listed and not _an_empty_list_covers_less(fields, name):
            yield {**fields, name: [A_FIRST[name]]}
    for name in LISTINGS:
        if fields.get(name):
            yield {**fields, name: fields[name][1:]}
    begin, end = (an_instant(fields.get(name)) for name in ("valid_from", "valid_to"))
    assert begin is not None
    if end is None or begin < end:
        yield {**fields, "valid_from": (begin + A_TICK).isoformat()}
        yield {**fields, "valid_to": begin.isoformat() if end is None else (end - A_TICK).isoformat()}
    yield {**fields, "status": "withdrawn", "withdrawn_at": None}


def _an_empty_list_covers_less(fields: Any, name: str) -> bool:
    if name == "assignees":
        return True
    if fields["kind"] == "work_order":
        return not any(fields.get(scope) for scope in ("customer_ids", "resource_ids", "assignees"))
    return name == "customer_ids" and fields["kind"] in KINDS_THAT_NEED_CUSTOMERS


def an_instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = {"ref": "x", "kind": "complaint", "valid_from": text}
    return EvidenceRecord.model_validate(found).valid_from


class TestSameInputs:
    """The judge is a function: the same access, registers and instant give the same verdict."""

    @given(world=worlds, choice=choices)
    @often
    def test_instants_are_the_same_in_every_offset(self, world: World, choice: Random) -> None:
        """Clocks of producers and registers stand in many zones; each field here in one of its own."""
        event = elsewhere(world.event, choice)
        known = [(version, elsewhere(fields, choice)) for version, fields in world.evidence]
        assert decided(world, known, AccessEvent.model_validate(event)) == decided(world)

    @given(world=worlds, choice=choices)
    @often
    def test_the_order_of_arrival_does_not_matter(self, world: World, choice: Random) -> None:
        """A version is where a record stands on its topic, whenever a worker comes to read it."""
        shuffled = list(world.evidence)
        choice.shuffle(shuffled)
        assert decided(world, shuffled) == decided(world)

    @given(world=worlds, choice=choices)
    @often
    def test_the_order_of_registration_decides_between_equals_only(
        self, world: World, choice: Random
    ) -> None:
        """Given other versions, the same newest records say the same, the tie rule apart.

        By it, which of several records that explain an access is named, and which of several accounts
        of a service gives the reason.
        """
        known = newest(world)
        versions = [version for version, _ in known.values()]
        choice.shuffle(versions)
        after = decided(
            world, [(version, fields) for version, (_, fields) in zip(versions, known.values(), strict=True)]
        )
        before = decided(world)
        assert (after.outcome, after.clause, after.derived) == (before.outcome, before.clause, before.derived)
        if world.event["actor_type"] != "service":
            assert after.reason == before.reason
        if after.reason == "clause_met" and world.event["actor_type"] != "service":
            assert after.evidence_used == before.evidence_used

    @given(world=worlds, other=worlds)
    @often
    def test_what_was_judged_before_does_not_matter(self, world: World, other: World) -> None:
        """An index remembers who actors are; one access must not be mistaken for another.

        Judged before are accesses that differ from this one in one field each.
        """
        index = an_index(world.evidence)
        for name in FIELDS_OF_NOTHING_SAID:
            alike = {"organization": "o-3", **world.event, name: other.event.get(name, "o-2")}
            before = AccessEvent.model_construct(**{**NOTHING_SAID, **alike, "time": NOON})
            judge(before, POLICIES, index, received_at=world.received_at, as_of=world.as_of)
        event = AccessEvent.model_validate(world.event)
        again = judge(event, POLICIES, index, received_at=world.received_at, as_of=world.as_of)
        assert again == decided(world)

    @given(world=worlds, waited=st.timedeltas(timedelta(0), timedelta(days=3)))
    @often
    def test_the_instant_of_judging_matters_for_what_is_not_found_only(
        self, world: World, waited: timedelta
    ) -> None:
        """A replay years later says what the worker said, but that nothing is pending for ever."""
        later = decided(world._replace(as_of=world.as_of + waited))
        now = decided(world)
        assert later._replace(outcome=now.outcome) == now
        if later.outcome != now.outcome:
            assert now.reason == "evidence_not_found"
            assert (now.outcome, later.outcome) == ("pending", "unjustified")


def elsewhere(fields: Any, choice: Random) -> dict[str, Any]:
    """Write every instant as a clock in another zone shows it."""
    moved = dict(fields)
    for name in INSTANTS:
        instant = an_instant(moved.get(name))
        if instant is not None:
            zone = timezone(timedelta(minutes=choice.randrange(-14 * 60, 14 * 60 + 1, 15)))
            moved[name] = instant.astimezone(zone).isoformat()
    return moved


class Failing:
    """Something whose attribute `name` raises when it is read."""

    def __init__(self, of: object, name: str) -> None:
        self._of = of
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise RuntimeError(f"{name} cannot be read")
        return getattr(self._of, name)


class TestFailing:
    """A judge that fails justifies nothing, and costs no other access its verdict."""

    @given(world=worlds, name=st.sampled_from(FIELDS_OF_NOTHING_SAID))
    @often
    def test_a_check_that_raises_never_justifies(self, world: World, name: str) -> None:
        """Either the judge did not come to that check, and says what it says anyway; or it cannot say."""
        failing = Failing(AccessEvent.model_validate(world.event), name)
        verdict = decided(world, event=failing)
        if (verdict.outcome, verdict.reason) != (INDETERMINATE, "judge_error"):
            assert verdict == decided(world)
            return
        assert (verdict.clause, verdict.evidence_used, verdict.derived) == (None, (), False)
        assert verdict.policy_version == "2013-02-07"

    @given(world=worlds, name=st.sampled_from(["get", "actor", "register"]))
    @often
    def test_registers_that_cannot_be_read_never_justify(self, world: World, name: str) -> None:
        """What cannot be looked up is not taken for missing, which would accuse, nor for there."""
        failing: Any = Failing(an_index(world.evidence), name)
        event = AccessEvent.model_validate(world.event)
        verdict = judge(event, POLICIES, failing, received_at=world.received_at, as_of=world.as_of)
        assert verdict.reason == "judge_error" or verdict == decided(world)

    @given(made=st.lists(worlds, min_size=1, max_size=4), name=st.sampled_from(FIELDS_OF_NOTHING_SAID))
    @often
    def test_the_other_accesses_of_a_batch_are_judged_as_if_it_were_not_there(
        self, made: list[World], name: str
    ) -> None:
        """A batch goes on, before the failing access and after it."""
        index = an_index(made[0].evidence)
        events: list[Any] = [AccessEvent.model_validate(world.event) for world in made]
        alone = [row.verdict for row in judge_accepted(a_batch(events), POLICIES, index, NOON)]
        for place in range(len(events) + 1):
            failing = Failing(events[0], name)
            mixed = [*events[:place], failing, *events[place:]]
            told = [row.verdict for row in judge_accepted(a_batch(mixed), POLICIES, index, NOON)]
            assert told[:place] + told[place + 1 :] == alone


def a_batch(events: Sequence[Any]) -> list[Accepted]:
    """Events as a worker has read them, all received at noon."""
    received_ms = int(NOON.astimezone(UTC).timestamp() * 1000)
    return [
        Accepted(event, (), SimpleNamespace(timestamp=received_ms, offset=offset), None)
        for offset, event in enumerate(events)
    ]
