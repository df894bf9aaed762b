"""The kinds of misuse of docs/alert-population.md, and how many of each the whole month has."""

from datetime import datetime, timedelta
from typing import Final

from benchmarks.alert_quality.deeds import Deed, Incident, Reading
from benchmarks.alert_quality.month import DAYS, SOURCES, Month, Planner


class _Scene:
    """One incident in the making."""

    def __init__(self, month: Month, kind: str, number: int) -> None:
        self.month = month
        self.rng = month.rng
        self.id = f"{kind}-{number}"
        self.kind = kind
        self.agent = self.rng.choice(month.company.agents)
        self.at = month.moment(month.working_day())
        self._times: list[datetime] = []

    def access(self, at: datetime, customer: str, actor: str | None = None, **changes: str) -> None:
        self.add(self.month.deed(at, actor or self.agent, customer, incident=self.id, **changes))

    def add(self, deed: Deed) -> None:
        self.month.plan(deed)
        self._times.append(deed.event.time)

    def done(self, *names: str, begin: datetime | None = None, end: datetime | None = None) -> None:
        begin = begin or min(self._times)
        end = end or max(self._times)
        self.month.incidents.append(Incident(self.id, self.kind, begin, end, names))

    def minutes(self, least: float, most: float) -> timedelta:
        return timedelta(minutes=self.rng.uniform(least, most))


def browsing(month: Month, number: int) -> None:
    """Curiosity: nobody complained, nothing is declared."""
    scene = _Scene(month, "browsing", number)
    for count in range(scene.rng.randint(1, 6)):
        scene.access(scene.at + count * scene.minutes(1, 9), month.customer())
    scene.done()


def family(month: Month, number: int) -> None:
    """A relative's recordings, "for a complaint" that nobody made."""
    scene = _Scene(month, "family", number)
    relative = scene.rng.choice(month.company.relatives)
    for count in range(scene.rng.randint(1, 3)):
        scene.access(scene.at + count * scene.minutes(1, 9), relative, purpose="resolve_complaint")
    scene.done()


def known_person(month: Month, number: int) -> None:
    """Somebody known to the public, under somebody else's ticket."""
    scene = _Scene(month, "known_person", number)
    ticket = month.complaint(month.customer(), scene.at - timedelta(hours=3), agent=scene.agent)
    person = scene.rng.choice(month.company.known_persons)
    for count in range(scene.rng.randint(1, 4)):
        scene.access(
            scene.at + count * scene.minutes(1, 9),
            person,
            purpose="resolve_complaint",
            evidence_ref=ticket.ref,
        )
    scene.done()


def phantom_ticket(month: Month, number: int) -> None:
    """A ticket that never existed."""
    scene = _Scene(month, "phantom_ticket", number)
    scene.at = month.moment(month.working_day(last=DAYS - 4))
    customer = month.customer()
    for count in range(scene.rng.randint(1, 3)):
        at = scene.at + count * scene.minutes(1, 9)
        scene.access(at, customer, purpose="resolve_complaint", evidence_ref=f"ticket:X-{number:04d}")
    scene.done()


def self_recorded(month: Month, number: int) -> None:
    """A ticket that the actor put into the register."""
    scene = _Scene(month, "self_recorded", number)
    customer = month.customer()
    ticket = month.complaint(
        customer, scene.at - timedelta(minutes=20), agent=scene.agent, origin="manual",
        recorded_by=scene.rng.choice((scene.agent, f"{scene.agent}@example.com")),
    )  # fmt: skip
    for count in range(scene.rng.randint(1, 3)):
        at = scene.at + count * scene.minutes(1, 9)
        scene.access(at, customer, purpose="resolve_complaint", evidence_ref=ticket.ref)
    scene.done()


def outside_transfer(month: Month, number: int) -> None:
    """Content goes to an organisation without a contract."""
    scene = _Scene(month, "outside_transfer", number)
    for count in range(scene.rng.randint(1, 10)):
        scene.access(
            scene.at + count * scene.minutes(1, 9), month.customer(),
            action=scene.rng.choice(("share", "export")), recipient=f"org-stranger-{number}",
        )  # fmt: skip
    scene.done()


def vendor_beyond_function(month: Month, number: int) -> None:
    """A vendor reaches content that its function is not about."""
    scene = _Scene(month, "vendor_beyond_function", number)
    vendor = scene.rng.choice([each for each in month.company.vendors if each.function != "process_payments"])
    for count in range(scene.rng.randint(3, 20)):
        at = scene.at + count * scene.minutes(1, 9)
        scene.add(
            month.by_vendor(at, vendor, incident=scene.id, action="read", resource_type="account_detail")
        )
    scene.done()


def leaver(month: Month, number: int) -> None:
    """Somebody who left still has an account."""
    scene = _Scene(month, "leaver", number)
    person = month.company.leavers[number % len(month.company.leavers)]
    for count in range(scene.rng.randint(1, 5)):
        scene.access(scene.at + count * scene.minutes(1, 9), month.customer(), person)
    scene.done()


def service_as_person(month: Month, number: int) -> None:
    """A person behind a service account; with its registered actions nobody can tell."""
    scene = _Scene(month, "service_as_person", number)
    name, actions = scene.rng.choice(month.company.services)
    action = "listen" if number % 8 < 5 else actions[0]
    for count in range(scene.rng.randint(4, 25)):
        at = scene.at + count * scene.minutes(0.5, 3)
        scene.add(
            month.deed(
                at, name, month.customer(), incident=scene.id, actor_type="service", action=action,
                purpose="provide_service",
            )
        )  # fmt: skip
    scene.done()


def bulk_before_leaving(month: Month, number: int) -> None:
    """Hundreds of downloads in a day, each under a complaint of the actor's."""
    scene = _Scene(month, "bulk_before_leaving", number)
    day = month.working_day(first=9)
    for _ in range(scene.rng.randint(150, 400) // 10):
        at = month.moment(day)
        customer = month.customer()
        ticket = month.complaint(customer, at - timedelta(hours=3), agent=scene.agent)
        for count in range(10):
            scene.access(
                at + timedelta(seconds=20 * count), customer, action="download",
                purpose="resolve_complaint", evidence_ref=ticket.ref,
            )  # fmt: skip
    scene.done()


def ticket_handed_round(month: Month, number: int) -> None:
    """One complaint without assignees excuses what several people do."""
    scene = _Scene(month, "ticket_handed_round", number)
    scene.at = month.moment(month.working_day(last=DAYS - 5))
    customer = month.customer()
    ticket = month.complaint(customer, scene.at - timedelta(hours=1), open_for=timedelta(days=4))
    people = scene.rng.sample(month.company.agents, scene.rng.randint(3, 8))
    for _ in range(scene.rng.randint(40, 90)):
        at = scene.at + timedelta(hours=scene.rng.uniform(0, 72))
        scene.access(
            at, customer, scene.rng.choice(people), purpose="resolve_complaint", evidence_ref=ticket.ref
        )
    scene.done()


def tickets_afterwards(month: Month, number: int) -> None:
    """Each access gets its ticket some hours later."""
    scene = _Scene(month, "tickets_afterwards", number)
    first = month.working_day(last=DAYS - 7)
    for _ in range(scene.rng.randint(8, 14)):
        at = month.moment(first + scene.rng.randint(0, 4))
        customer = month.customer()
        ticket = month.complaint(
            customer, at - timedelta(minutes=30), agent=scene.agent,
            known_after=timedelta(hours=scene.rng.uniform(2, 12)), recorded_at=at + timedelta(hours=2),
        )  # fmt: skip
        scene.access(at, customer, purpose="resolve_complaint", evidence_ref=ticket.ref)
    scene.done()


def slow_collection(month: Month, number: int) -> None:
    """More customers every day than others, each under a complaint."""
    scene = _Scene(month, "slow_collection", number)
    for day in range(scene.rng.randint(1, 5), DAYS - 1):
        if month.is_weekend(day):
            continue
        for _ in range(scene.rng.randint(8, 12)):
            at, customer = month.moment(day), month.customer()
            ticket = month.complaint(customer, at - timedelta(hours=2), agent=scene.agent)
            scene.access(at, customer, purpose="resolve_complaint", evidence_ref=ticket.ref)
    scene.done()


def vendor_off_pattern(month: Month, number: int) -> None:
    """Within its function: an action it never took, or ten times its customers."""
    scene = _Scene(month, "vendor_off_pattern", number)
    vendor = month.company.vendors[number % len(month.company.vendors)]
    day = month.working_day(first=9)
    if number % 2:
        for _ in range(scene.rng.randint(8, 30)):
            at = month.moment(day)
            scene.add(month.by_vendor(at, vendor, incident=scene.id, action=_new_action(number)))
    else:
        usual = max(20, round(month.scale * 60_000 / 24 / 12))
        for _ in range(10 * usual):
            scene.add(month.by_vendor(month.moment(day), vendor, incident=scene.id))
    scene.done()


def _new_action(number: int) -> str:
    return ("update", "delete")[number // 2 % 2]


def suppressed_events(month: Month, number: int) -> None:
    """A source leaves some of its numbers out."""
    source = SOURCES["employee"][number % 2]
    day = month.working_day(first=2)
    while (day, source) in month.suppressed:
        day = month.working_day(first=2)
    month.suppressed[day, source] = month.rng.randint(5, 40)
    begin = month.begin + timedelta(days=day)
    month.incidents.append(
        Incident(
            f"suppressed_events-{number}",
            "suppressed_events",
            begin,
            begin + timedelta(days=1),
            (f"source={source}",),
        )
    )


def trail_in_bulk(month: Month, number: int) -> None:
    """A token reads far more of the trail than ever."""
    at = month.moment(month.working_day(first=9))
    principal = f"i-{number:02d}"
    for _ in range(40):
        month.readings.append(Reading(principal, at, month.rng.randint(500, 5_000)))
        at += timedelta(minutes=month.rng.uniform(0.5, 6))
    incident = f"trail_in_bulk-{number}"
    month.incidents.append(
        Incident(
            incident,
            "trail_in_bulk",
            at - timedelta(hours=6),
            at + timedelta(hours=1),
            (f"principal={principal}",),
        )
    )


KINDS: Final[dict[Planner, int]] = {
    browsing: 36,
    family: 30,
    known_person: 18,
    phantom_ticket: 18,
    self_recorded: 14,
    outside_transfer: 14,
    vendor_beyond_function: 10,
    leaver: 8,
    service_as_person: 8,
    bulk_before_leaving: 14,
    ticket_handed_round: 12,
    tickets_afterwards: 12,
    slow_collection: 6,
    vendor_off_pattern: 8,
    suppressed_events: 8,
    trail_in_bulk: 8,
}
"""How many incidents the whole month has of each kind; a smaller one has fewer, and at least one."""


def plan_misuse(month: Month) -> None:
    """Plan every incident of the month."""
    for kind, count in KINDS.items():
        for number in range(max(1, round(count * min(1.0, month.scale)))):
            kind(month, number)
