"""Honest work that looks like misuse: the noise of docs/alert-population.md."""

from datetime import datetime, timedelta
from typing import Final

from benchmarks.alert_quality.company import Known
from benchmarks.alert_quality.deeds import Letter, Reading
from benchmarks.alert_quality.month import DAYS, OUTAGE_DAY, SOURCES, Month, Planner
from models.evidence import EvidenceRecord


def _moments(month: Month, at: datetime) -> list[datetime]:
    """Give one to three moments: honest work seldom is a single access."""
    return [at + timedelta(minutes=6 * count) for count in range(month.rng.randint(1, 3))]


def not_assigned(month: Month, _: int) -> None:
    """A colleague is away; their complaint is worked on, and nothing is cited."""
    at = month.moment(month.working_day())
    colleague, agent = month.rng.sample(month.company.agents, 2)
    ticket = month.complaint(month.customer(), at - timedelta(hours=5), agent=colleague)
    for moment in _moments(month, at):
        month.plan(month.deed(moment, agent, ticket.customer, purpose="resolve_complaint"))


def mistyped(month: Month, number: int) -> None:
    """A reference with a typing error: pending, and after a day unjustified."""
    at = month.moment(month.working_day(last=DAYS - 4))
    agent = month.rng.choice(month.company.agents)
    ticket = month.complaint(month.customer(), at - timedelta(hours=2), agent=agent)
    month.plan(
        month.deed(
            at, agent, ticket.customer, purpose="resolve_complaint", evidence_ref=f"ticket:TT-{number:04d}"
        )
    )


def called_back(month: Month, _: int) -> None:
    """The complaint was closed a few hours ago, and the customer called again."""
    at = month.moment(month.working_day(first=5))
    agent = month.rng.choice(month.company.agents)
    ticket = month.complaint(
        month.customer(), at - timedelta(days=2), agent=agent,
        open_for=timedelta(days=2) - timedelta(hours=month.rng.uniform(0.5, 30)),
    )  # fmt: skip
    cites = {"purpose": "resolve_complaint", "evidence_ref": ticket.ref}
    for moment in _moments(month, at):
        month.plan(month.deed(moment, agent, ticket.customer, **cites))


def wrong_ticket(month: Month, _: int) -> None:
    """An agent with two complaints open cites the one for the other."""
    at = month.moment(month.working_day())
    agent = month.rng.choice(month.company.agents)
    worked, cited = (
        month.complaint(month.customer(), at - timedelta(hours=4), agent=agent) for _ in range(2)
    )
    for moment in _moments(month, at):
        month.plan(
            month.deed(moment, agent, worked.customer, purpose="resolve_complaint", evidence_ref=cited.ref)
        )


def joiner(month: Month, number: int) -> None:
    """Somebody new works for a day before their employment is on record."""
    day = month.working_day(first=3)
    person = f"e-new-{number:02d}"
    for _ in range(month.rng.randint(2, 6)):
        at, customer = month.moment(day), month.customer()
        ticket = month.complaint(customer, at - timedelta(hours=2), agent=person)
        month.plan(month.deed(at, person, customer, purpose="resolve_complaint", evidence_ref=ticket.ref))
    record = EvidenceRecord(
        ref=f"employment:{person}", kind="employment", assignees=[person],
        valid_from=month.begin + timedelta(days=day),
    )  # fmt: skip
    month.told.append(Known(record, month.begin + timedelta(days=day + 1, hours=9)))


def entered_by_hand(month: Month, number: int) -> None:
    """A team's lead takes a call, enters the ticket by hand, and works on it."""
    lead = month.company.agents[number % len(month.company.agents)]
    at, customer = month.moment(month.working_day()), month.customer()
    ticket = month.complaint(
        customer, at - timedelta(minutes=9), agent=lead, origin="manual", recorded_by=lead
    )
    for moment in _moments(month, at):
        month.plan(month.deed(moment, lead, customer, purpose="resolve_complaint", evidence_ref=ticket.ref))


def late_contract(month: Month, _: int) -> None:
    """A vendor's second contract starts, and reaches the register at the end of the day."""
    day = month.working_day(first=3)
    begin = month.begin + timedelta(days=day)
    vendor = month.rng.choice(month.company.vendors)
    ref = f"{vendor.ref}-second"
    for _count in range(6):
        at = begin + timedelta(hours=month.rng.uniform(8, 17))
        month.plan(month.by_vendor(at, vendor, evidence_ref=ref))
    record = EvidenceRecord(
        ref=ref, kind="engagement", organization=vendor.name, functions=[vendor.function], valid_from=begin
    )
    month.told.append(Known(record, begin + timedelta(hours=18)))


def late_order(month: Month, number: int) -> None:
    """A court's order is served at once, and recorded in the evening."""
    at = month.begin + timedelta(days=month.working_day(), hours=month.rng.uniform(9, 16))
    agent, customer = month.rng.choice(month.company.agents), month.customer()
    court, ref = f"org-court-{number}", f"order:O-{number:03d}"
    for moment in _moments(month, at):
        month.plan(
            month.deed(
                moment, agent, customer, action="export", recipient=court, purpose="legal_obligation",
                evidence_ref=ref,
            )
        )  # fmt: skip
    record = EvidenceRecord(
        ref=ref, kind="legal_order", customer_ids=[customer], organization=court,
        valid_from=at - timedelta(hours=3),
    )  # fmt: skip
    month.told.append(Known(record, at + timedelta(hours=month.rng.uniform(3, 8))))


def nothing_said_and_late(month: Month, _: int) -> None:
    """Nothing is declared, and the ticket that explains it reaches the register later."""
    at = month.moment(month.working_day())
    agent = month.rng.choice(month.company.agents)
    customer = month.customer()
    month.complaint(
        customer, at - timedelta(hours=1), agent=agent,
        known_after=timedelta(hours=1 + month.rng.uniform(0.5, 6)),
    )  # fmt: skip
    month.plan(month.deed(at, agent, customer))


def new_release(month: Month, _: int) -> None:
    """A service does something new before anybody registered it."""
    day = month.working_day()
    name, _actions = month.rng.choice(month.company.services)
    for _count in range(max(5, round(200 * month.scale))):
        month.plan(
            month.deed(
                month.moment(day), name, month.customer(), actor_type="service", action="export",
                purpose="provide_service",
            )
        )  # fmt: skip


def large_case(month: Month, _: int) -> None:
    """On the day of the outage one complaint takes an agent twelve accesses."""
    at = month.begin + timedelta(days=OUTAGE_DAY, hours=10)
    agent, customer = month.rng.choice(month.company.agents), month.customer()
    ticket = month.complaint(customer, at - timedelta(hours=2), agent=agent)
    for count in range(12):
        month.plan(
            month.deed(
                at + timedelta(minutes=9 * count), agent, customer, purpose="resolve_complaint",
                evidence_ref=ticket.ref,
            )
        )  # fmt: skip


def migration(month: Month, _: int) -> None:
    """A vendor moves data, as agreed: eight times its customers."""
    vendor = month.rng.choice(month.company.vendors)
    month.vendor_times[month.working_day(first=10), vendor.name] = 8.0


def new_task(month: Month, _: int) -> None:
    """A vendor takes over another task within its function."""
    vendor = month.company.vendors[-1]
    day = month.working_day(first=12)
    for _count in range(max(4, round(20 * month.scale))):
        month.plan(month.by_vendor(month.moment(day), vendor, action="update"))


def another_job(month: Month, _: int) -> None:
    """An agent moves to a desk with three times the customers."""
    month.busy[month.rng.choice(month.company.agents)] = 3.0


def crash(month: Month, _: int) -> None:
    """A producer crashes and loses three numbers."""
    month.suppressed[month.working_day(first=2), SOURCES["service"][0]] = 3


def usual_export(month: Month, _: int) -> None:
    """An auditor exports every week, and once more."""
    for day in (0, 7, 14, 21, 27):
        month.readings.append(Reading("auditor-1", month.moment(day), 50_000))


def first_export(month: Month, _: int) -> None:
    """Another auditor exports for the first time."""
    month.readings.append(Reading("auditor-2", month.moment(month.working_day(first=10)), 50_000))


def searching(month: Month, number: int) -> None:
    """Investigators search every day."""
    for day in range(DAYS):
        if not month.is_weekend(day):
            for _ in range(month.rng.randint(2, 12)):
                rows = month.rng.randint(1, 100)
                month.readings.append(Reading(f"i-{number:02d}", month.moment(day), rows))


def faulty_release(month: Month, _: int) -> None:
    """A release writes a field wrongly for two hours; apart from that, a few letters a day."""
    for day in range(DAYS):
        for _count in range(month.rng.randint(0, 4)):
            month.letters.append(Letter(month.moment(day), "invalid_field"))
    at = month.begin + timedelta(days=month.working_day(first=10), hours=14)
    for _count in range(400):
        month.letters.append(Letter(at + timedelta(hours=month.rng.uniform(0, 2)), "invalid_field"))


KINDS: Final[dict[Planner, int]] = {
    not_assigned: 60,
    mistyped: 30,
    called_back: 25,
    wrong_ticket: 12,
    joiner: 2,
    entered_by_hand: 4,
    late_contract: 1,
    late_order: 3,
    nothing_said_and_late: 8,
    new_release: 2,
    large_case: 1,
    migration: 1,
    new_task: 1,
    another_job: 2,
    crash: 1,
    usual_export: 1,
    first_export: 1,
    searching: 12,
    faulty_release: 1,
}
_WITH_THE_SIZE: Final = frozenset(
    {not_assigned, mistyped, called_back, nothing_said_and_late, wrong_ticket, entered_by_hand}
)


def plan_noise(month: Month) -> None:
    """Plan the noise of the month: what comes with the number of accesses, and what a month has anyway."""
    for kind, count in KINDS.items():
        times = max(1, round(count * min(1.0, month.scale))) if kind in _WITH_THE_SIZE else count
        for number in range(times):
            kind(month, number)
