"""What a change of evidence can reach. Missing one access means a verdict that stays wrong for ever."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.policy import EvidenceIndex, PolicySet, judge
from earwitness.policy.reach import Change, Selector, reach, reach_of_each
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from models import AccessEvent, EvidenceRecord
from models.verdict import Verdict
from tests.builders import (
    A_DAY,
    A_TICK,
    NOON,
    a_complaint,
    a_service_account,
    a_work_order,
    an_access,
    an_affiliation,
    an_employment,
    an_engagement,
    an_undeclared_access,
    by_a_service,
    by_a_vendor,
    by_an_affiliate,
)
from tests.policy.worlds import World, random_world

POLICIES = read_policies(Path(ROOT) / "policies")
FIRST = 100
"""The version of the first change in these tests; what was known before has lower ones."""


def reached(access: AccessEvent, *changes: Change, others: Sequence[EvidenceRecord] = ()) -> bool:
    """Say whether the changes, made after `others` were known, can affect the access."""
    index = EvidenceIndex()
    for version, record in enumerate(others):
        index.put(record, version)
    for change in changes:
        index.put(change.after, change.version)
    return any(selector.selects(access) for selector in reach(changes, index, POLICIES))


def new(record: EvidenceRecord) -> Change:
    return Change(FIRST, None, record)


def changed(record: EvidenceRecord, **fields: Any) -> Change:
    return Change(FIRST, record, EvidenceRecord.model_validate(record.model_dump() | fields))


def test_what_cites_the_ticket_is_reached_whatever_it_is() -> None:
    """Even a wrong ticket changes the reason: it is no longer unknown."""
    assert reached(an_access(customer_id="globex"), new(a_complaint()))
    assert not reached(an_access(evidence_ref="ticket:T-2"), new(a_complaint()))


def test_an_uncited_ticket_reaches_those_it_names_and_their_team() -> None:
    """Evidence that names nobody explains nothing that does not cite it."""
    ticket = a_complaint(assignees=["e-1", "support"])
    assert reached(an_undeclared_access(), new(ticket))
    assert reached(an_undeclared_access(actor_id="e-2", actor_team="support"), new(ticket))
    assert not reached(an_undeclared_access(actor_id="e-2"), new(ticket))
    assert not reached(an_undeclared_access(customer_id="globex"), new(ticket))
    assert not reached(an_undeclared_access(), new(a_complaint()))


def test_a_ticket_reaches_who_acts_under_another_id() -> None:
    """The ticket names e-1; the access was logged under the mail address that is e-1 as well."""
    ticket = a_complaint(assignees=["e-1"])
    staff = an_employment(aliases=["e-1@corp"])
    assert reached(an_undeclared_access(actor_id="e-1@corp"), new(ticket), others=[staff])
    assert not reached(an_undeclared_access(actor_id="e-1@corp"), new(ticket))


def test_an_uncited_ticket_reaches_its_own_time_only() -> None:
    """Derivation asks for evidence in force; the instant it ends is outside."""
    ticket = a_complaint(assignees=["e-1"], valid_from=NOON, valid_to=NOON + A_DAY)
    assert reached(an_undeclared_access(), new(ticket))
    assert not reached(an_undeclared_access(time=NOON - A_TICK), new(ticket))
    assert not reached(an_undeclared_access(time=NOON + A_DAY), new(ticket))


def test_a_leaver_is_reached_from_the_day_of_leaving_on() -> None:
    """A person's earlier accesses, millions perhaps, are none of the change's business."""
    staff = an_employment(valid_to=None)
    left = changed(staff, valid_to=NOON + A_DAY)
    other = an_employment("staff:e-2", assignees=["e-2"])
    assert reached(an_access(time=NOON + A_DAY), left, others=[other, staff])
    assert not reached(an_access(time=NOON), left, others=[other, staff])
    assert not reached(an_access(actor_id="e-2", time=NOON + A_DAY), left, others=[other, staff])


def test_the_first_employment_reaches_every_employee() -> None:
    """Once any is known, everybody needs one."""
    other = an_employment("staff:e-2", assignees=["e-2"])
    assert reached(an_access(), new(other))
    assert not reached(an_access(), new(other), others=[an_employment("staff:e-3", assignees=["e-3"])])


def test_two_first_employments_reach_every_employee_whichever_is_asked_about() -> None:
    """By the time the first is worked off the second is known already; both were unknown before."""
    first = an_employment("staff:e-2", assignees=["e-2"])
    index = EvidenceIndex()
    index.put(first, FIRST)
    index.put(an_employment("staff:e-3", assignees=["e-3"]), FIRST + 1)
    assert any(selector.selects(an_access()) for selector in reach([new(first)], index, POLICIES))


def test_an_employment_that_comes_and_goes_reaches_every_employee() -> None:
    """An access judged in between was held to a staff register that is none any more."""
    staff = an_employment("staff:e-2", assignees=["e-2"])
    gone = a_complaint("staff:e-2")
    assert reached(an_access(), new(staff), Change(FIRST + 1, staff, gone))


def test_the_last_employment_that_becomes_something_else_reaches_every_employee() -> None:
    """Then none is known any more, and nobody needs one."""
    other = an_employment("staff:e-2", assignees=["e-2"])
    assert reached(an_access(), Change(FIRST, other, a_complaint("staff:e-2")), others=[other])


def test_an_affiliation_reaches_its_organization() -> None:
    """Without it none of its people may do anything."""
    assert reached(an_access(**by_an_affiliate()), new(an_affiliation()))
    assert not reached(an_access(**by_an_affiliate(organization="stranger")), new(an_affiliation()))


def test_a_contract_reaches_what_its_vendor_did_without_citing_it() -> None:
    """A vendor's people need not be named."""
    uncited = by_a_vendor(evidence_ref=None)
    assert reached(an_access(**uncited), new(an_engagement()))
    assert not reached(an_access(**uncited | {"organization": "other"}), new(an_engagement()))
    assert not reached(an_access(**by_a_vendor(evidence_ref="contract:C-2")), new(an_engagement()))


def test_an_account_reaches_its_service_at_any_time() -> None:
    """An account that is not in force yet still changes the reason from not registered."""
    account = a_service_account(valid_from=NOON + A_DAY)
    assert reached(an_access(**by_a_service(evidence_ref="ticket:any")), new(account))
    assert not reached(an_access(**by_a_service(actor_id="svc-other")), new(account))


def test_many_changes_of_one_shape_are_one_question() -> None:
    """A register that is loaded whole must not ask the store once for each of its records."""
    records = [a_complaint(f"ticket:{number}", assignees=[f"e-{number}"]) for number in range(500)]
    records += [a_work_order(f"change:{number}") for number in range(500)]
    changes = _changes(records, 0, len(records))
    index = _index(records)
    assert len(reach(changes, index, POLICIES)) < 10


@pytest.mark.parametrize(("people", "customers"), [(300, 20), (20, 300)])
def test_a_record_of_many_names_and_customers_is_no_question_of_millions(people: int, customers: int) -> None:
    """Which pairs it names is not asked; a record of 40 KB would make millions of them."""
    order = a_work_order(
        assignees=[f"e-{number}" for number in range(people)],
        customer_ids=[f"c-{number}" for number in range(customers)],
    )
    index = _index([order])
    selectors = reach([new(order)], index, POLICIES)
    assert sum(len(selector.values) for selector in selectors) < 50
    uncited = {"purpose": None, "evidence_ref": None}
    last = {"actor_id": f"e-{people - 1}", "customer_id": f"c-{customers - 1}"}
    assert reached(an_access(**uncited, **last), new(order))
    neither = {"actor_id": "e-none", "customer_id": "c-none"}
    assert not reached(an_access(**uncited, **neither), new(order))


def history_of(world: World, rng: Random) -> list[EvidenceRecord]:
    """Make a history: the records of the world, some bent into other versions of the same refs."""
    records = [EvidenceRecord.model_validate(record) for _, record in world.evidence]
    story = list(records)
    for record in rng.sample(records, k=min(len(records), 3)):
        story.append(_bent(record, rng, records))
        if rng.random() < 0.3:
            story.append(record)
    rng.shuffle(story)
    return story


def _bent(record: EvidenceRecord, rng: Random, others: Sequence[EvidenceRecord]) -> EvidenceRecord:
    other = rng.choice(others)
    bends: list[dict[str, Any]] = [
        {"valid_to": NOON_OF_WORLDS, "status": "active", "withdrawn_at": None},
        {"valid_to": None, "valid_from": NOON_OF_WORLDS - timedelta(days=9)},
        {"status": "withdrawn"},
        {"status": "withdrawn", "withdrawn_at": NOON_OF_WORLDS},
        {"assignees": other.assignees[:1], "aliases": other.aliases if other.assignees else ()},
        {"customer_ids": other.customer_ids},
        {"organization": other.organization},
        {"teams": other.teams},
        {"recorded_by": rng.choice((*other.assignees, *other.aliases, "somebody"))},
        {"origin": rng.choice(("register", "actor_statement"))},
        {"kind": other.kind},
        {"purposes": other.purposes, "functions": other.functions},
        {},
    ]
    fields = record.model_dump() | rng.choice(bends)
    try:
        return EvidenceRecord.model_validate(fields)
    except ValueError:
        return record


NOON_OF_WORLDS = datetime.fromisoformat("2025-03-10T12:00:00.123456Z")


def verdict_of(world: World, index: EvidenceIndex) -> Verdict:
    event = AccessEvent.model_validate(world.event)
    return judge(event, POLICIES, index, received_at=world.received_at, as_of=world.as_of)


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**63))
def test_a_verdict_that_changes_was_reached(seed: int) -> None:
    """Whatever is registered, changed or withdrawn, alone or together with others, in any order."""
    assert_reached(seed)


@pytest.mark.parametrize("seed", range(150))
def test_a_verdict_that_changes_was_reached_by_one_column_too(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above, where each record names more pairs than are asked for."""
    monkeypatch.setattr("earwitness.policy.reach.MOST_PAIRS", 0)
    assert_reached(seed)


def assert_reached(seed: int) -> int:
    """Play one history and hold every change of the verdict against the reach of what changed."""
    rng = Random(seed)  # noqa: S311 - a seed repeats the story
    world = random_world(rng)
    event = AccessEvent.model_validate(world.event)
    story = history_of(world, rng)
    versions = [_index(story[:count]) for count in range(len(story) + 1)]
    verdicts = [verdict_of(world, index) for index in versions]
    differing = 0
    for before in range(len(story)):
        for after in range(before + 1, len(story) + 1):
            if verdicts[before] == verdicts[after]:
                continue
            differing += 1
            changes = _changes(story, before, after)
            together = reach(changes, versions[after], POLICIES)
            assert any(selector.selects(event) for selector in together), (seed, before, after)
            alone = [reach([change], versions[after], POLICIES) for change in changes]
            assert any(selector.selects(event) for part in alone for selector in part), (seed, before, after)
            each = reach_of_each(changes, versions[after], POLICIES)
            assert any(selector.selects(event) for part in each for selector in part), (seed, before, after)
    return differing


def _index(story: Sequence[EvidenceRecord]) -> EvidenceIndex:
    index = EvidenceIndex()
    for version, record in enumerate(story):
        index.put(record, version)
    return index


def _changes(story: Sequence[EvidenceRecord], before: int, after: int) -> list[Change]:
    known: dict[str, EvidenceRecord] = {record.ref: record for record in story[:before]}
    made: list[Change] = []
    for version, record in enumerate(story[before:after], start=before):
        made.append(Change(version, known.get(record.ref), record))
        known[record.ref] = record
    return made


def test_the_stories_do_change_verdicts() -> None:
    """The property above would hold of stories in which nothing ever changed."""
    assert sum(assert_reached(seed) for seed in range(200)) > 300


@pytest.mark.parametrize("field", ["since", "until"])
def test_a_selector_begins_with_since_and_ends_before_until(field: str) -> None:
    """Windows of evidence are half open, and so is what they reach."""
    selector = Selector((), (), frozenset())._replace(**{field: NOON})
    assert selector.selects(an_access(time=NOON)) == (field == "since")
    assert selector.selects(an_access(time=NOON - A_TICK)) == (field == "until")


def test_policies_are_read_for_who_may(tmp_path: Path) -> None:
    """Without any policy nothing is explained, but what cites the record is still judged anew."""
    index = EvidenceIndex()
    index.put(a_complaint(assignees=["e-1"]), 0)
    (selector,) = reach([new(a_complaint(assignees=["e-1"]))], index, PolicySet([]))
    assert selector.by == ("evidence_ref",)
