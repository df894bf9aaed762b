from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.registers.config import Register, Registers
from earwitness.registers.directory import Directory, Leavers, SyncPlan, objection_to, sync_plan
from earwitness.registers.plan import Held, counts, plan_of, published
from models.evidence import EvidenceRecord
from tests.builders import A_DAY, A_TICK, NOON, a_complaint, an_employment
from tests.registers.builders import a_register

LAST_YEAR = NOON - 365 * A_DAY


def held(*records: EvidenceRecord) -> dict[str, Held]:
    return {record.ref: Held(record, version) for version, record in enumerate(records)}


def after(before: dict[str, Held], plan: SyncPlan) -> dict[str, Held]:
    """What the registers hold once a plan is carried out."""
    version = len(before)
    found = dict(before)
    for record in [*published(plan.present), *published(plan.left)]:
        version += 1
        found[record.ref] = Held(record, version)
    return found


def at(instant: Any = NOON, *, dated: bool = True) -> Directory:
    return Directory("employment", "staff:", instant, dated)


def staff(name: str, **changes: Any) -> EvidenceRecord:
    return an_employment(f"staff:{name}", **({"assignees": [name], "valid_from": LAST_YEAR} | changes))


def test_only_what_differs_is_published() -> None:
    """A nightly load of a hundred thousand tickets tells of the dozen that changed."""
    told = [
        a_complaint("ticket:1"),
        a_complaint("ticket:2", customer_ids=["globex"]),
        a_complaint("ticket:3", status="withdrawn"),
        a_complaint("ticket:4"),
        a_complaint("ticket:5"),
    ]
    known = [
        a_complaint("ticket:1"),
        a_complaint("ticket:2"),
        a_complaint("ticket:3"),
        a_complaint("ticket:4", status="withdrawn"),
    ]
    plan = plan_of(told, held(*known))
    assert counts(plan) == {"new": 1, "changed": 1, "returned": 1, "withdrawn": 1, "unchanged": 1}
    assert [record.ref for record in published(plan)] == ["ticket:2", "ticket:3", "ticket:4", "ticket:5"]


def test_the_order_of_a_list_is_no_difference() -> None:
    """A directory gives the groups of a person as it finds them."""
    known = held(staff("e-1", teams=["b", "a", "a"]))
    assert counts(plan_of([staff("e-1", teams=["a", "b"])], known))["unchanged"] == 1


def test_who_is_missing_has_left() -> None:
    """Withdrawn from the instant of the file on: what they did before stays as it was."""
    plan = sync_plan([staff("e-1")], held(staff("e-1"), staff("e-2")), at())
    (leaver,) = plan.left
    assert (leaver.record.ref, leaver.record.status, leaver.record.withdrawn_at) == (
        "staff:e-2",
        "withdrawn",
        NOON,
    )
    assert leaver.record.valid_to is None
    assert plan.leavers == Leavers(1, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "service_account"},
        {"origin": "manual"},
        {"status": "withdrawn"},
        {"valid_to": NOON},
        {"ref": "vendor:e-2"},
    ],
)
def test_only_the_directory_s_own_records_in_force_are_withdrawn(other: dict[str, Any]) -> None:
    """What another register or a person entered is not this file's to end, nor what has ended already."""
    record = EvidenceRecord.model_validate({**staff("e-2").model_dump(), **other})
    plan = sync_plan([staff("e-1")], held(staff("e-1"), record), at())
    assert (plan.left, plan.leavers) == ([], Leavers(0, 1))


def test_a_stay_that_the_file_says_never_ended_goes_on() -> None:
    """A file that left somebody out by mistake is put right by the next one, under the same ref."""
    gone = staff("e-1", status="withdrawn", withdrawn_at=NOON - A_DAY)
    plan = sync_plan([staff("e-1")], held(gone), at())
    assert [(step.change, step.record.ref, step.record.status) for step in plan.present] == [
        ("returned", "staff:e-1", "active")
    ]


def test_who_comes_back_later_has_a_second_stay() -> None:
    """The first stay stays known, and the time between the two covers nothing."""
    gone = staff("e-1", status="withdrawn", withdrawn_at=NOON - 30 * A_DAY)
    again = staff("e-1", valid_from=NOON - A_DAY)
    plan = sync_plan([again], held(gone), at())
    assert [(step.change, step.record.ref) for step in plan.present] == [
        ("returned", "staff:e-1@20260301T120000Z")
    ]
    once_more = sync_plan([again], after(held(gone), plan), at(NOON + A_DAY))
    assert [step.change for step in once_more.present] == ["unchanged"]
    left = sync_plan([], after(held(gone), plan), at(NOON + A_DAY))
    assert [step.record.ref for step in left.left] == ["staff:e-1@20260301T120000Z"]


@pytest.mark.parametrize("dated", [True, False])
def test_a_stay_that_ended_by_itself_is_not_written_over(dated: bool) -> None:  # noqa: FBT001
    """A fixed term whose last day the directory told: its accesses stay explained, the gap is not."""
    term = staff("e-1", valid_to=NOON - 30 * A_DAY)
    back = NOON - A_DAY if dated else NOON
    plan = sync_plan([staff("e-1", valid_from=back)], held(term), at(dated=dated))
    (step,) = plan.present
    assert (step.change, step.record.ref) == ("returned", f"staff:e-1@{back:%Y%m%dT%H%M%SZ}")
    assert (step.record.valid_from, step.record.valid_to) == (back, None)
    assert plan.left == []


@pytest.mark.parametrize(
    ("ended", "returned"),
    [
        ({"valid_to": NOON - 30 * A_DAY, "status": "withdrawn", "withdrawn_at": NOON - 9 * A_DAY}, True),
        ({"valid_to": NOON - 9 * A_DAY, "status": "withdrawn", "withdrawn_at": NOON - 30 * A_DAY}, True),
        ({"valid_to": NOON - 9 * A_DAY, "status": "withdrawn", "withdrawn_at": NOON - 9 * A_DAY}, False),
        ({"valid_to": NOON - 9 * A_DAY}, False),
    ],
)
def test_the_earlier_end_of_a_stay_counts(ended: dict[str, Any], returned: bool) -> None:  # noqa: FBT001
    """Between that and the new begin nobody was employed."""
    row = staff("e-1", valid_from=NOON - 20 * A_DAY)
    plan = sync_plan([row], held(staff("e-1", **ended)), at())
    assert [step.record.ref.endswith("@20260210T120000Z") for step in plan.present] == [returned]


def test_a_stay_that_is_over_may_stand_in_the_file_for_years() -> None:
    """Some directories list who has been here too, even who never came; that is no news each night."""
    known = held(staff("e-1", valid_to=NOON - A_DAY), staff("e-2", valid_to=LAST_YEAR))
    plan = sync_plan([held.record for held in known.values()], known, at())
    assert counts(plan.present)["unchanged"] == len(known)
    assert plan.left == []


def test_without_dates_a_stay_begins_when_it_is_first_seen() -> None:
    """And keeps that begin: a new one each night would be a new version each night."""
    seen = staff("e-1", valid_from=NOON)
    first = sync_plan([seen], {}, at(dated=False))
    known = after({}, first)
    later = NOON + A_DAY
    second = sync_plan([staff("e-1", valid_from=later)], known, at(later, dated=False))
    assert [(step.change, step.record.valid_from) for step in second.present] == [("unchanged", NOON)]
    gone = after(known, sync_plan([staff("e-2")], known, at(later, dated=False)))
    back = later + A_DAY
    third = sync_plan([staff("e-1", valid_from=back)], gone, at(back, dated=False))
    assert [step.record.ref for step in third.present] == ["staff:e-1@20260304T120000Z"]


def test_an_address_with_an_at_is_nobody_s_second_stay() -> None:
    """`staff:ann@example.test` is another person than `staff:ann`."""
    known = held(staff("ann@example.test"), staff("ann", status="withdrawn", withdrawn_at=NOON - A_DAY))
    plan = sync_plan([staff("ann", valid_from=NOON), staff("ann@example.test")], known, at())
    assert [(step.change, step.record.ref) for step in plan.present] == [
        ("returned", "staff:ann@20260302T120000Z"),
        ("unchanged", "staff:ann@example.test"),
    ]


def a_directory(name: str = "hr", **changes: Any) -> Register:
    return a_register(name=name, **({"kinds": ["employment"], "ref_prefixes": ["staff:"]} | changes))


@pytest.mark.parametrize(
    ("register", "why"),
    [
        (a_directory(), None),
        (a_directory(ref_prefixes=["staff"]), None),
        (a_directory(ref_prefixes=["staff:eu:"]), "register hr may tell of staff:eu:… only"),
        (a_directory(kinds=["engagement"]), "register hr may tell engagement only, not employment"),
        (None, None),
    ],
)
def test_a_register_withdraws_nobody_of_whom_it_may_not_tell(
    register: Register | None, why: str | None
) -> None:
    """The allow-list bounds whom a file can take out, not only whom it can bring in."""
    objection = objection_to(at(), register, Registers())
    assert (objection or "").startswith(why or "")
    assert (objection is None) == (why is None)


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        (a_directory("other", ref_prefixes=["staff:us:"]), True),
        (a_directory("other", ref_prefixes=["staff:"]), False),
        (a_directory("other", ref_prefixes=["sta", "partner:"]), False),
        (a_directory("other", ref_prefixes=["staff:us:"], kinds=["engagement"]), False),
        (
            a_directory(
                "other",
                ref_prefixes=["staff:us:"],
                webhook={"flavour": "jira", "mapping": "m", "secret_file": "s"},
            ),
            False,
        ),
    ],
)
@pytest.mark.parametrize("register", [a_directory(), None])
def test_a_directory_in_another_is_not_withdrawn_with_it(
    other: Register,
    refused: bool,  # noqa: FBT001
    register: Register | None,
) -> None:
    """Its people are missing from the other's file every night; what webhooks told is no file's to end."""
    known = Registers(registers=tuple(one for one in (register, other) if one is not None))
    objection = objection_to(at(), register, known)
    assert (objection is not None) == refused
    if objection is not None:
        assert "register other tells of staff:us:…" in objection


@pytest.mark.parametrize(
    ("leavers", "allowed", "refused"),
    [
        (Leavers(0, 10), None, False),
        (Leavers(2, 10), None, False),
        (Leavers(3, 10), None, True),
        (Leavers(3, 10), 3, False),
        (Leavers(3, 10), 2, True),
        (Leavers(10, 10), None, True),
        (Leavers(1, 1), None, True),
        (Leavers(1, 1), 1, False),
        (Leavers(201, 1_000), None, True),
        (Leavers(200, 1_000), None, False),
    ],
)
def test_many_leavers_at_once_must_be_confirmed(leavers: Leavers, allowed: int | None, refused: bool) -> None:  # noqa: FBT001
    """A file that was cut short looks like a company that was closed."""
    objection = leavers.objection(allowed)
    assert (objection is not None) == refused
    if objection is not None:
        assert f"--allow-withdrawals {leavers.leaving}" in objection


_NAMES = st.sets(st.sampled_from(["e-1", "e-2", "e-3", "e-4"]))


@given(days=st.lists(_NAMES, max_size=8), dated=st.booleans())
def test_after_each_file_exactly_those_are_here_who_stand_in_it(days: list[set[str]], dated: bool) -> None:  # noqa: FBT001
    """Whoever comes, goes and comes back, in whatever order, and the same file again changes nothing."""
    known: dict[str, Held] = {}
    for number, names in enumerate(days):
        now = NOON + number * A_DAY
        told = [staff(name, valid_from=LAST_YEAR if dated else now) for name in sorted(names)]
        known = after(known, sync_plan(told, known, at(now, dated=dated)))
        here = {
            record.assignees[0]
            for record, _ in known.values()
            if record.status == "active" and record.valid_from <= now
        }
        assert here == names
        later = now + A_TICK
        again = [staff(name, valid_from=LAST_YEAR if dated else later) for name in sorted(names)]
        plan = sync_plan(again, known, at(later, dated=dated))
        assert [*published(plan.present), *published(plan.left)] == []
