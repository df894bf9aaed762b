from typing import Any, Final, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.policy import EvidenceIndex, judge
from earwitness.policy import evidence as evidence_module
from models import EvidenceRecord
from models.evidence import KINDS_WITH_ALIASES, EvidenceKind
from tests.builders import (
    A_TICK,
    NOON,
    a_complaint,
    a_record,
    an_access,
    an_affiliation,
    an_employment,
    an_engagement,
    by_a_vendor,
    evidence,
)
from tests.policy.judged import POLICIES

NAMES: Final = ("a", "b", "c")
KINDS: Final = get_args(EvidenceKind)

names = st.lists(st.sampled_from(NAMES), max_size=3)


@st.composite
def records(draw: st.DrawFn) -> EvidenceRecord:
    """Records of few names, so that they replace and meet each other."""
    kind = draw(st.sampled_from(KINDS))
    assignees = draw(names)
    aliases = draw(names) if len(set(assignees)) == 1 or kind not in KINDS_WITH_ALIASES else []
    return a_record(
        draw(st.sampled_from(("r:1", "r:2", "r:3", "r:4"))),
        kind,
        assignees=assignees,
        aliases=aliases,
        customer_ids=draw(names),
        teams=draw(names),
        organization=draw(st.sampled_from((*NAMES, None))),
    )


def answers(index: EvidenceIndex) -> dict[str, Any]:
    """Everything that the judge can ask of an index."""
    found: dict[str, Any] = {"version": index.version, "employment_known": index.employment_known}
    for kind in KINDS:
        register = index.register(kind)
        for name in (*NAMES, "*"):
            found[f"{kind} customer {name}"] = list(refs(register.by_customer.under(name)))
            found[f"{kind} assignee {name}"] = list(refs(register.by_assignee.under(name)))
            found[f"{kind} organization {name}"] = list(refs(register.by_organization.under(name)))
            for customer_id in (*NAMES, "*"):
                key = f"{kind} {name} for {customer_id}"
                found[key] = list(refs(register.naming(customer_id, frozenset((name, "a")))))
            for organization in (*NAMES, None):
                key = f"{kind} {organization} {name}"
                found[f"one actor {key}"] = list(refs(index.naming_one_actor(kind, organization, name)))
                found[f"team {key}"] = list(refs(index.listing_team(organization, name)))
    for actor_type in ("employee", "affiliate", "vendor", "service", "customer"):
        for name in NAMES:
            actor = index.actor(actor_type, "a", name)
            found[f"ids {actor_type} {name}"] = (actor.ids, actor.perhaps_ids, actor.employment_known)
    return found


def refs(entries: Any) -> Any:
    return ((entry.ref, entry.version) for entry in entries)


@given(put=st.lists(st.tuples(records(), st.integers(0, 30)), max_size=25))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_index_grown_record_by_record_is_one_built_from_the_newest(
    put: list[tuple[EvidenceRecord, int]],
) -> None:
    """Two workers that know the same records judge alike, however each came to know them."""
    grown = EvidenceIndex()
    newest: dict[str, tuple[int, EvidenceRecord]] = {}
    for record, version in put:
        grown.put(record, version)
        answers(grown)  # what was asked before must not be remembered wrongly
        if record.ref not in newest or version > newest[record.ref][0]:
            newest[record.ref] = (version, record)
    built = EvidenceIndex()
    for version, record in sorted(newest.values(), key=lambda known: known[0]):
        built.put(record, version)
    built.version = grown.version
    assert answers(grown) == answers(built) or _ties(newest)


def _ties(newest: dict[str, tuple[int, EvidenceRecord]]) -> bool:
    """Say whether two refs share a version, which offsets never do: their order is then open."""
    versions = [version for version, _ in newest.values()]
    return len(set(versions)) < len(versions)


def test_the_version_is_the_highest_put() -> None:
    """A row of the trail names it: what was known when it was judged."""
    index = EvidenceIndex()
    assert index.version == -1
    index.put(a_complaint(), 7)
    index.put(a_complaint("ticket:T-2"), 3)
    assert index.version == 7


def test_a_put_that_is_not_newer_changes_nothing_but_the_version() -> None:
    """A topic that is read again from its start brings old records last."""
    index = EvidenceIndex()
    index.put(a_complaint(customer_ids=["acme"]), 5)
    index.put(a_complaint(customer_ids=["globex"]), 4)
    index.put(a_complaint(customer_ids=["globex"]), 5)
    entry = index.get("ticket:T-1")
    assert entry is not None
    assert (tuple(entry.customer_ids), entry.version, len(index)) == (("acme",), 5, 1)


def test_a_replaced_record_is_found_no_more_by_what_it_named() -> None:
    """A ticket that was reassigned explains nothing for the former agent."""
    index = evidence(a_complaint(assignees=["e-1"]), a_complaint(assignees=["e-2"]))
    by_assignee = index.register("complaint").by_assignee
    assert not by_assignee.under("e-1")
    assert [entry.ref for entry in by_assignee.under("e-2")] == ["ticket:T-1"]


def test_an_actor_is_known_anew_when_a_register_changes() -> None:
    """What was asked before the change is not remembered after it."""
    index = evidence(an_employment(aliases=["e1@example.com"]))
    assert index.actor("employee", None, "e-1").ids == {"e-1", "e1@example.com"}
    index.put(an_employment(aliases=["other@example.com"]), 9)
    assert index.actor("employee", None, "e-1").ids == {"e-1", "other@example.com"}


def test_the_same_id_at_two_organizations_is_two_actors() -> None:
    """Aliases of vendors and affiliates hold within their organization."""
    index = evidence(
        an_engagement("people:1", organization="voiceco", assignees=["v-1"], aliases=["vx"]),
        an_affiliation("people:2", organization="partner", assignees=["v-1"], aliases=["px"]),
    )
    assert index.actor("vendor", "voiceco", "v-1").ids == {"v-1", "vx"}
    assert index.actor("vendor", "other", "v-1").ids == {"v-1"}
    assert index.actor("affiliate", "partner", "v-1").ids == {"v-1", "px"}
    assert index.actor("acquirer", "voiceco", "v-1").ids == {"v-1"}


def test_entries_are_the_newest_of_every_ref() -> None:
    """Who looks for what a change reaches goes through all of them."""
    index = evidence(a_complaint(), an_employment(), a_complaint(customer_ids=["globex"]))
    assert [(entry.ref, entry.version) for entry in index.entries()] == [("ticket:T-1", 2), ("staff:e-1", 1)]


def test_an_actor_is_looked_up_once_and_the_memory_of_actors_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who an actor is takes long to find out; a million actors must not fill the memory."""
    monkeypatch.setattr(evidence_module, "MOST_ACTORS", 1_000)
    index = evidence(an_employment())
    first, *others = (index.actor("employee", None, f"e-{number}") for number in range(1_000))
    assert index.actor("employee", None, "e-0") is first
    assert index.actor("employee", None, "e-999") is others[-1]
    index.actor("employee", None, "e-1000")
    assert index.actor("employee", None, "e-0") is not first


@pytest.mark.parametrize(
    ("customers", "assignees", "by_pairs"), [(1, 1, True), (8, 8, True), (16, 4, True), (13, 5, False)]
)
def test_evidence_is_kept_by_its_pairs_while_these_are_few(
    customers: int, assignees: int, *, by_pairs: bool
) -> None:
    """One ticket for a thousand customers and a thousand agents would take a million places."""
    record = a_complaint(
        customer_ids=[f"c-{number}" for number in range(customers)],
        assignees=[f"e-{number}" for number in range(assignees)],
    )
    register = evidence(record).register("complaint")
    assert bool(register.by_customer_and_assignee.under(("c-0", "e-0"))) == by_pairs
    assert bool(register.broad_by_customer.under("c-0")) != by_pairs


@pytest.mark.parametrize(("length", "kept"), [(3, tuple), (8, tuple), (9, frozenset), (1_000, frozenset)])
def test_long_lists_are_kept_as_sets(length: int, kept: type) -> None:
    """Searching evidence for a thousand customers takes no longer than for ten."""
    entry = evidence(a_complaint(customer_ids=[f"c-{number}" for number in range(length)])).get("ticket:T-1")
    assert entry is not None
    assert type(entry.customer_ids) is kept


@pytest.mark.parametrize(
    ("changes", "ticks", "in_force"),
    [
        ({"valid_from": NOON}, -1, False),
        ({"valid_from": NOON}, 0, True),
        ({"valid_from": NOON}, 1, True),
        ({"valid_to": NOON}, -1, True),
        ({"valid_to": NOON}, 0, False),
        ({"valid_to": NOON}, 1, False),
        ({"status": "withdrawn", "withdrawn_at": NOON}, -1, True),
        ({"status": "withdrawn", "withdrawn_at": NOON}, 0, False),
        ({"status": "withdrawn", "withdrawn_at": NOON}, 1, False),
        ({"status": "withdrawn"}, 0, False),
    ],
)
def test_an_entry_is_in_force_within_its_window_until_it_is_withdrawn(
    changes: dict[str, Any], ticks: int, *, in_force: bool
) -> None:
    """The first instant counts, the last does not, and the withdrawal does not."""
    entry = evidence(a_complaint(**changes)).get("ticket:T-1")
    assert entry is not None
    assert entry.in_force(NOON + ticks * A_TICK) is in_force


@pytest.mark.parametrize(("own_contracts", "other_contracts"), [(1, 3), (3, 1)])
def test_what_could_explain_an_access_is_looked_up_by_the_narrower_of_two(
    own_contracts: int, other_contracts: int
) -> None:
    """A vendor may have thousands of contracts, or a customer thousands of vendors: not both are read."""
    (clause,) = (each for each in POLICIES.policies[0].clauses if each.purpose == "process_calls")
    own = [
        an_engagement(f"own:{number}", customer_ids=["acme" if number == 0 else "globex"])
        for number in range(own_contracts)
    ]
    others = [
        an_engagement(f"other:{number}", organization="other", customer_ids=["acme"])
        for number in range(other_contracts - 1)
    ]
    index = evidence(*own, *others)
    access = an_access(**by_a_vendor(evidence_ref=None))
    candidates = clause.candidates(access, index.actor("vendor", "voiceco", "v-1"), index)
    assert [entry.ref for entry in candidates] == ["own:0"]


def test_judging_leaves_the_index_as_it_was() -> None:
    """The judge is a function: asked again, it says the same."""
    index = evidence(a_complaint(assignees=["e-1"]), an_employment())
    before = answers(index)
    first = judge(an_access(purpose=None), POLICIES, index, received_at=NOON, as_of=NOON)
    assert judge(an_access(purpose=None), POLICIES, index, received_at=NOON, as_of=NOON) == first
    assert answers(index) == before
