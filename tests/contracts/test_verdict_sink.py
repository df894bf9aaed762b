"""One suite for every `VerdictSink`: the one in memory and the one on a real ClickHouse."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from earwitness.cli import wiring
from earwitness.policy.reach import Selector
from models.evidence import EvidenceRecord
from models.fields import EPOCH
from models.pages import Page
from models.ranges import Range
from models.topics import ACCESS_EVENTS
from models.verdict import Verdict
from sinks.base import (
    Block,
    JudgedAccess,
    JudgedBefore,
    NewVerdict,
    PendingSince,
    RegisteredEvidence,
    Selection,
    StoredAccess,
    TrailSink,
    VerdictBlock,
    VerdictSink,
)
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail
from sinks.clickhouse.verdicts import ClickHouseVerdicts
from sinks.memory import MemoryTrail, MemoryVerdicts
from streams.wire import read_access
from tests.builders import a_complaint
from tests.conftest import Stack
from tests.streams.records import an_event

NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
"""When everything here is received: so lately that the stack's own worker finds no grace that is over."""

NOON_MS = int(NOON.timestamp() * 1000)
PARTITIONS = count(20_000)
"""Each test writes to a partition of its own, far from those of the stack's topics."""

MOST_GROUPS = 1_000

PENDING = Verdict("pending", "evidence_not_found", None, (), False, "v", "d")
GIVEN_UP = Verdict("unjustified", "evidence_not_found", None, (), False, "v", "d")
JUSTIFIED = Verdict("justified", "clause_met", "access.resolve-complaint", ("t:1",), False, "v", "d")


class Sinks(NamedTuple):
    """Both seams over one store: accesses must be stored before they are judged again."""

    trail: TrailSink
    verdicts: VerdictSink


@pytest.fixture(params=["memory", pytest.param("clickhouse", marks=pytest.mark.stack)])
def sinks(request: pytest.FixtureRequest) -> Iterator[Sinks]:
    if request.param == "memory":
        trail = MemoryTrail()
        yield Sinks(trail, MemoryVerdicts(trail))
        return
    stack: Stack = request.getfixturevalue("stack")
    clickhouse = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    yield Sinks(ClickHouseTrail(clickhouse), ClickHouseVerdicts(clickhouse))
    clickhouse.close()


def store(sinks: Sinks, events: Sequence[dict[str, Any]], **how: Any) -> None:
    """Store accesses of one day, received at noon, judged pending at evidence version 4."""
    at: datetime = how.get("at", NOON)
    stored = Range(ACCESS_EVENTS, next(PARTITIONS), 0, len(events) - 1, at.date())
    rows = []
    for offset, changes in enumerate(events):
        made = an_event(0, **{"id": str(uuid4()), "time": NOON.isoformat()} | changes)
        event, unknown = read_access(json.dumps(made).encode(), ())
        rows.append(
            JudgedAccess(event, unknown, how.get("verdict", PENDING), offset, int(at.timestamp() * 1000))
        )
    sinks.trail.write(Block(stored, rows, evidence_version=4, judged_at=NOON))


def of_customer(customer_id: str) -> JudgedBefore:
    return JudgedBefore(Selector((), ("customer_id",), frozenset({(customer_id,)})), 5)


def found(sinks: Sinks, selection: Selection) -> list[StoredAccess]:
    """Give all that are selected; other tests' accesses may be among them, and fill pages."""
    accesses: list[StoredAccess] = []
    while page := sinks.verdicts.select(selection, NOON.date(), accesses[-1] if accesses else None, 1_000):
        accesses += page
    return accesses


def _an_instant() -> datetime:
    """Give an instant for pages that nobody else has; there is room for many more behind it."""
    return NOON + timedelta(milliseconds=next(PARTITIONS))


def a_page(
    accesses: Sequence[StoredAccess], *, version: int = 5, at: datetime = NOON, **how: Any
) -> VerdictBlock:
    page = Page(NOON.date(), at, accesses[0].id, accesses[0].source)
    given = [NewVerdict(access, how.get("verdict", JUSTIFIED), how.get("late", True)) for access in accesses]
    return VerdictBlock(page, given, version)


def test_a_stored_access_comes_back_as_it_was(sinks: Sinks) -> None:
    """Judged again it must be the same access; absent fields are absent, not empty."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer, "organization": "voiceco", "actor_type": "vendor"}])
    (access,) = found(sinks, of_customer(customer))
    assert (access.organization, access.purpose, access.evidence_ref) == ("voiceco", None, None)
    assert (access.time, access.received_at) == (NOON, NOON)
    assert (access.verdict, access.evidence_version, access.late) == (PENDING, 4, False)
    assert access.position.startswith(f"{ACCESS_EVENTS}/")
    assert access.position.endswith("/0")


def test_what_was_judged_at_the_version_is_not_selected(sinks: Sinks) -> None:
    """A worker that knew the change already has judged by it."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer}])
    selection = of_customer(customer)
    assert len(found(sinks, selection)) == 1
    assert found(sinks, selection._replace(evidence_version=4)) == []
    assert sinks.verdicts.count_by_day(selection) == {NOON.date(): 1}
    assert sinks.verdicts.count_by_day(selection._replace(evidence_version=4)) == {}


def test_pages_leave_nothing_out_and_repeat_nothing(sinks: Sinks) -> None:
    """Accesses of one instant differ in their ids alone, and the page's end may fall between them."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer} for _ in range(23)])
    seen: list[str] = []
    after: StoredAccess | None = None
    while page := sinks.verdicts.select(of_customer(customer), NOON.date(), after, 5):
        seen += [access.id for access in page]
        after = page[-1]
    assert len(seen) == len(set(seen)) == 23


def test_a_page_ends_with_all_that_share_its_last_place(sinks: Sinks) -> None:
    """Several sources may use one id at one instant; the next page begins behind all of them."""
    customer, shared = f"c-{uuid4()}", str(uuid4())
    store(sinks, [{"customer_id": customer, "id": shared, "source": f"/s/{number}"} for number in range(7)])
    page = sinks.verdicts.select(of_customer(customer), NOON.date(), None, 3)
    assert sorted(access.source for access in page) == [f"/s/{number}" for number in range(7)]
    assert sinks.verdicts.select(of_customer(customer), NOON.date(), page[-1], 3) == []


def test_the_newest_verdict_holds(sinks: Sinks) -> None:
    """By evidence version, then by the instant of judging."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer}])
    accesses = found(sinks, of_customer(customer))
    sinks.verdicts.write_verdicts(a_page(accesses, version=7, at=NOON + timedelta(seconds=1)))
    sinks.verdicts.write_verdicts(
        a_page(accesses, version=6, at=NOON + timedelta(seconds=2), verdict=GIVEN_UP, late=False)
    )
    (access,) = found(sinks, of_customer(customer))
    assert (access.verdict, access.evidence_version, access.late) == (JUSTIFIED, 7, True)


def test_a_page_of_the_same_name_changes_nothing(sinks: Sinks) -> None:
    """An owner that slept through a rebalance writes under the name that its successor used up."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer}])
    accesses = found(sinks, of_customer(customer))
    sinks.verdicts.write_verdicts(a_page(accesses))
    sinks.verdicts.write_verdicts(a_page(accesses, verdict=GIVEN_UP, version=9))
    assert found(sinks, of_customer(customer))[0].verdict == JUSTIFIED


def test_a_page_is_found_by_its_name(sinks: Sinks) -> None:
    """A successor asks whether the page that was announced is stored."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer} for _ in range(3)])
    accesses = found(sinks, of_customer(customer))
    block = a_page(accesses, at=_an_instant())
    assert sinks.verdicts.block_of(block.page) is None
    sinks.verdicts.write_verdicts(block)
    stored = sinks.verdicts.block_of(block.page)
    assert stored is not None
    assert stored.evidence_version == 5
    assert {given.access.id: (given.verdict, given.late) for given in stored.verdicts} == {
        access.id: (JUSTIFIED, True) for access in accesses
    }


def test_pending_accesses_are_found_until_another_verdict_holds(sinks: Sinks) -> None:
    """The end of a grace is looked for again and again; what was settled must not come back."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer} for _ in range(3)])
    store(sinks, [{"customer_id": customer}], verdict=JUSTIFIED)
    mine = PendingSince(NOON - timedelta(minutes=1), NOON)

    def pending() -> set[str]:
        return {access.id for access in found(sinks, mine) if access.customer_id == customer}

    first = sorted(access.id for access in found(sinks, of_customer(customer)) if access.verdict == PENDING)
    assert pending() == set(first)
    settled = [access for access in found(sinks, of_customer(customer)) if access.id == first[0]]
    sinks.verdicts.write_verdicts(a_page(settled, verdict=GIVEN_UP, late=False))
    assert pending() == set(first[1:])
    justified = [access for access in found(sinks, of_customer(customer)) if access.verdict == JUSTIFIED]
    sinks.verdicts.write_verdicts(a_page(justified, verdict=PENDING, at=NOON + timedelta(seconds=9)))
    assert pending() == {*first[1:], justified[0].id}


def test_days_without_pending_accesses_need_not_be_looked_through(sinks: Sinks) -> None:
    """A look all the way back must not cost more with every year; a day too many does no harm."""
    store(sinks, [{}])
    asked = PendingSince(EPOCH, NOON)
    assert NOON.date() in sinks.verdicts.pending_days(asked)
    assert not sinks.verdicts.pending_days(PendingSince(EPOCH, NOON - timedelta(days=600)))
    assert all(day <= NOON.date() for day in sinks.verdicts.pending_days(asked))


def test_a_day_whose_verdicts_became_pending_later_is_looked_through(sinks: Sinks) -> None:
    """What justified an access is taken back within its grace: no first verdict of that day is pending."""
    received = NOON - timedelta(days=500)
    store(sinks, [{"time": received.isoformat()}], verdict=JUSTIFIED, at=received)
    asked = PendingSince(received, received)
    everything = JudgedBefore(Selector((), (), frozenset()), 5)
    accesses = sinks.verdicts.select(everything, received.date(), None, 9)
    assert not sinks.verdicts.pending_days(asked)
    page = Page(received.date(), received, accesses[0].id, accesses[0].source)
    sinks.verdicts.write_verdicts(VerdictBlock(page, [NewVerdict(accesses[0], PENDING, late=True)], 5))
    assert set(sinks.verdicts.pending_days(asked)) == {received.date()}


@pytest.mark.parametrize("seed", range(6))
def test_pending_is_what_the_newest_verdict_says(sinks: Sinks, seed: int) -> None:
    """Whatever was said before, in whatever order it was stored, and of several sources with one id."""
    rng = Random(seed)  # noqa: S311 - repeatable
    mark = str(uuid4())
    for first in (PENDING, JUSTIFIED, GIVEN_UP):
        shared = [str(uuid4()) for _ in range(3)]
        made = [
            {"customer_id": mark, "id": rng.choice(shared), "source": f"/{first.outcome}/{n}"}
            for n in range(9)
        ]
        store(sinks, made, verdict=first)
    for later in rng.sample(range(30), 9):
        told = rng.sample(found(sinks, of_customer(mark)), 7)
        at = _an_instant()
        for verdict, some in zip(
            (PENDING, JUSTIFIED, GIVEN_UP), (told[:3], told[3:5], told[5:]), strict=True
        ):
            at += timedelta(microseconds=1)
            sinks.verdicts.write_verdicts(a_page(some, version=5 + later, at=at, verdict=verdict))
        everything = found(sinks, of_customer(mark))
        asked = PendingSince(NOON - timedelta(minutes=1), NOON)
        pending = [access for access in found(sinks, asked) if access.customer_id == mark]
        assert {access[:2] for access in pending} == {
            access[:2] for access in everything if access.verdict == PENDING
        }


@pytest.mark.stack
def test_what_the_registers_changed_before_makes_a_sweep_no_dearer(stack: Stack) -> None:
    """A sweep comes every few seconds; what was never pending is not grouped for it."""
    clickhouse = Frugal(wiring.clickhouse(stack.settings("worker").clickhouse))
    sinks = Sinks(ClickHouseTrail(clickhouse), ClickHouseVerdicts(clickhouse))
    received = NOON - timedelta(days=501)
    store(sinks, [{"time": received.isoformat()}], at=received)
    others = [(received.date(), uuid4(), "/s", "justified", received) for _ in range(5 * MOST_GROUPS)]
    clickhouse.execute(
        "INSERT INTO verdict_log (received_day, id, source, verdict, judged_at) VALUES", others
    )
    asked = PendingSince(received, received)
    (day,) = sinks.verdicts.pending_days(asked)
    (pending,) = sinks.verdicts.select(asked, day, None, 10)
    assert pending.verdict == PENDING
    clickhouse.close()


class Frugal(ClickHouse):
    """ClickHouse that gives up where a query makes more than `MOST_GROUPS` groups."""

    def execute(self, query: str, parameters: Any = None, **options: Any) -> Any:
        frugal = {"max_rows_to_group_by": MOST_GROUPS, "group_by_overflow_mode": "throw"}
        settings = options.pop("settings", {}) | frugal
        return super().execute(query, parameters, settings=settings, **options)


def test_pending_accesses_are_found_by_when_they_were_received(sinks: Sinks) -> None:
    """Both bounds included: the grace of an access ends exactly so long after its receipt."""
    customer = f"c-{uuid4()}"
    store(sinks, [{"customer_id": customer}])

    def is_found(since: datetime, until: datetime) -> bool:
        return any(access.customer_id == customer for access in found(sinks, PendingSince(since, until)))

    tick = timedelta(milliseconds=1)
    assert is_found(NOON, NOON)
    assert not is_found(NOON - timedelta(hours=1), NOON - tick)
    assert not is_found(NOON + tick, NOON + timedelta(hours=1))


def test_the_record_before_a_version_is_the_one_that_counted(sinks: Sinks) -> None:
    """What a change changed is told by the version before it."""
    ref = f"ticket:{uuid4()}"
    versions = [a_complaint(ref, assignees=[f"e-{number}"]) for number in range(3)]
    sinks.trail.write_evidence(
        [RegisteredEvidence(record, 10 * (number + 1), NOON_MS) for number, record in enumerate(versions)]
    )

    def before(version: int) -> EvidenceRecord | None:
        return sinks.verdicts.evidence_before({ref, "ticket:nobody-knows"}, version).get(ref)

    assert [before(version) for version in (10, 11, 20, 21, 99)] == [
        None,
        versions[0],
        versions[0],
        versions[1],
        versions[2],
    ]
    assert sinks.verdicts.evidence_before((), 99) == {}


@pytest.mark.parametrize("seed", range(12))
def test_a_store_selects_what_a_selector_selects(sinks: Sinks, seed: int) -> None:
    """SQL and the pure rule must agree on every shape, or an access is never judged again."""
    rng = Random(seed)  # noqa: S311 - repeatable
    mark = str(uuid4())
    store(sinks, [_random_access(rng, mark) for _ in range(40)])
    mine = JudgedBefore(Selector((), ("customer_id",), frozenset((f"{mark}-{n}",) for n in range(3))), 5)
    accesses = found(sinks, mine)
    assert len(accesses) == 40
    for _ in range(8):
        selector = _random_selector(rng, mark)
        wanted = {access.id for access in accesses if selector.selects(access)}
        chosen = found(sinks, JudgedBefore(selector, 5))
        assert {access.id for access in accesses} & {access.id for access in chosen} == wanted, selector
        if not selector.by:
            continue  # everybody's accesses, and others are stored between one count and the next
        counted = sinks.verdicts.count_by_value(JudgedBefore(selector, 5))
        assert sum(counted.values()) == sum(sinks.verdicts.count_by_day(JudgedBefore(selector, 5)).values())
        assert counted == Counter(
            tuple(getattr(access, name) or "" for name in selector.by)
            for access in accesses
            if selector.selects(access)
        )


def _random_access(rng: Random, mark: str) -> dict[str, Any]:
    return {
        "actor_type": rng.choice(("employee", "vendor")),
        "actor_id": f"e-{rng.randrange(3)}-{mark}",
        "organization": rng.choice((f"voiceco-{mark}", f"other-{mark}")),
        "actor_team": rng.choice((None, f"support-{mark}", f"it's-{mark}")),
        "customer_id": f"{mark}-{rng.randrange(3)}",
        "evidence_ref": rng.choice((None, f"t:1-{mark}", f"t:'2\\{mark}")),
        "purpose": rng.choice((None, "resolve_complaint")),
    }


def _random_selector(rng: Random, mark: str) -> Selector:
    by = rng.choice(
        ((), ("evidence_ref",), ("actor_id", "customer_id"), ("actor_team", "customer_id"), ("organization",))
    )
    values = {
        "evidence_ref": (f"t:1-{mark}", f"t:'2\\{mark}"),
        "actor_id": (f"e-0-{mark}", f"e-1-{mark}", f"e-2-{mark}"),
        "actor_team": (f"support-{mark}", f"it's-{mark}"),
        "organization": (f"voiceco-{mark}", f"other-{mark}"),
        "customer_id": (f"{mark}-0", f"{mark}-1", f"{mark}-2"),
    }
    chosen = (
        frozenset(tuple(rng.choice(values[name]) for name in by) for _ in range(3)) if by else frozenset()
    )
    years = timedelta(days=365 * 400)
    since = rng.choice((NOON - years, NOON - timedelta(days=1), NOON, NOON + timedelta(microseconds=1)))
    until = rng.choice((NOON, NOON + timedelta(microseconds=1), NOON + years))
    types = rng.choice(((), ("employee",), ("employee", "vendor")))
    return Selector(types, by, chosen, rng.choice((True, False)), since, until)
