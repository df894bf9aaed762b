"""A month of the company, day by day: honest work, noise, and misuse among it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

from benchmarks.alert_quality.company import CONTENT_OF, Company, Known, Vendor, found
from benchmarks.alert_quality.deeds import Deed, Event, Incident, Letter, Reading
from models.evidence import EvidenceRecord

DAYS: Final = 30
WHOLE: Final = 1_000_000
HOURS: Final = (1, 1, 1, 1, 1, 1, 2, 5, 12, 15, 15, 14, 11, 14, 15, 14, 12, 9, 5, 3, 2, 2, 1, 1)
WEEKEND: Final = 0.25
SHARES: Final = {"service": 0.46, "customer": 0.30, "vendor": 0.06, "engineer": 0.02, "application": 0.01}
COMPLAINTS_A_DAY: Final = 6.2
OUTAGE_DAY: Final = 16
LATE_SHARE: Final = 0.03
DERIVED_SHARE: Final = 0.08
SOURCES: Final = {
    "employee": ("/services/recording-api", "/services/sms-api"),
    "vendor": ("/services/vendor-gateway",),
    "service": ("/services/pipeline-a", "/services/pipeline-b"),
    "customer": ("/services/portal",),
    "application": ("/services/app-gateway",),
}


class Day(NamedTuple):
    """What one day adds: deeds in the order of their time, and what registers told."""

    deeds: list[Deed]
    told: list[Known]
    readings: list[Reading]
    letters: list[Letter]


class Complaint(NamedTuple):
    """A ticket: who complained, who works on it, while it is open."""

    ref: str
    customer: str
    agent: str
    opened_at: datetime
    closed_at: datetime


class Month:
    """Makes the month of one seed. The same seed and size make the same month."""

    def __init__(self, seed: int, begin: datetime, accesses: int) -> None:
        self.rng = Random(f"earwitness {seed}")  # noqa: S311 - a repeatable month
        self.begin = begin
        self.scale = accesses / WHOLE
        self.company: Company = found(self.rng, begin, self.scale)
        self.incidents: list[Incident] = []
        self.planned: dict[int, list[Deed]] = defaultdict(list)
        self.told: list[Known] = list(self.company.registers)
        self.readings: list[Reading] = []
        self.letters: list[Letter] = []
        self.suppressed: dict[tuple[int, str], int] = {}
        self.busy: dict[str, float] = {}
        """Agents whose job has so many times the complaints of others, from the tenth day on."""

        self.vendor_times: dict[tuple[int, str], float] = {}
        self._tickets = 0
        self._sequences: dict[str, int] = defaultdict(int)

    def id(self) -> str:
        """Make an id."""
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    def moment(self, day: int, *, night: bool = False) -> datetime:
        """Pick an instant of a day, by its rhythm."""
        (hour,) = self.rng.choices(range(24), weights=HOURS)
        shifted = (hour + 12) % 24 if night else hour
        seconds = self.rng.uniform(0, 3_600)
        return self.begin + timedelta(days=day, hours=shifted, seconds=seconds)

    def working_day(self, first: int = 1, last: int = DAYS - 2) -> int:
        """Pick a day on which people work."""
        while True:
            day = self.rng.randint(first, last)
            if not self.is_weekend(day):
                return day

    def is_weekend(self, day: int) -> bool:
        """Say whether hardly anybody works."""
        return (self.begin + timedelta(days=day)).weekday() >= 5

    def customer(self) -> str:
        """Pick any customer."""
        return self.rng.choice(self.company.customers)

    def resource(self, customer: str) -> tuple[str, str]:
        """Pick something of a customer: its type and id."""
        kind = self.rng.choice(("call_recording", "sms_content", "call_detail"))
        return kind, f"{kind[:3]}-{customer}-{self.rng.randrange(40)}"

    def deed(self, at: datetime, actor: str, customer: str, *, incident: str = "", **changes: str) -> Deed:
        """Make an access by an employee, unless `changes` say otherwise."""
        kind, resource = self.resource(customer)
        actor_type = changes.get("actor_type", "employee")
        fields: dict[str, Any] = {
            "action": self.rng.choice(("listen", "read", "read", "list")),
            "resource_type": kind,
            "resource_id": resource,
            "source": self.rng.choice(SOURCES[actor_type]),
            "actor_type": actor_type,
            **changes,
        }
        return Deed(Event(id=self.id(), time=at, actor_id=actor, customer_id=customer, **fields), incident)

    def plan(self, deed: Deed) -> None:
        """Have it happen on its day; what would lie beyond the month does not."""
        day = (deed.event.time - self.begin).days
        if 0 <= day < DAYS:
            self.planned[day].append(deed)

    def complaint(
        self,
        customer: str,
        opened_at: datetime,
        *,
        agent: str | None = None,
        known_after: timedelta = timedelta(seconds=20),
        open_for: timedelta | None = None,
        **changes: str | datetime,
    ) -> Complaint:
        """Open a complaint, and have its register tell of it."""
        self._tickets += 1
        ref = f"ticket:T-{self._tickets:06d}"
        closed_at = opened_at + (open_for or timedelta(days=self.rng.uniform(0.5, 3.5)))
        record = EvidenceRecord(
            ref=ref,
            kind="complaint",
            customer_ids=[customer],
            assignees=[agent] if agent else [],
            valid_from=opened_at,
            valid_to=closed_at,
            **changes,
        )
        self.told.append(Known(record, opened_at + known_after))
        return Complaint(ref, customer, agent or "", opened_at, closed_at)

    def days(self) -> Iterator[Day]:
        """Give the days, after misuse and noise were planned."""
        for number in range(DAYS):
            deeds = [*self._everyday(number), *self.planned.pop(number, [])]
            deeds.sort(key=lambda deed: deed.event.time)
            yield Day(self._numbered(number, deeds), *self._taken(number))

    def _taken(self, number: int) -> tuple[list[Known], list[Reading], list[Letter]]:
        end = self.begin + timedelta(days=number + 1)
        known = sorted((each for each in self.told if each.at < end), key=lambda each: each.at)
        self.told = [each for each in self.told if each.at >= end]
        readings = [each for each in self.readings if each.time < end]
        self.readings = [each for each in self.readings if each.time >= end]
        letters = [each for each in self.letters if each.received_at < end]
        self.letters = [each for each in self.letters if each.received_at >= end]
        return known, readings, letters

    def _numbered(self, day: int, deeds: list[Deed]) -> list[Deed]:
        """Let each source count its events; one that suppresses leaves some numbers out, at noon."""
        noon = self.begin + timedelta(days=day, hours=12)
        numbered = []
        for deed in deeds:
            source = deed.event.source
            producer = f"{source.rsplit('/', 1)[1]}-{day // 7}"
            if deed.event.time >= noon:
                self._sequences[producer] += self.suppressed.pop((day, source), 0)
            self._sequences[producer] += 1
            event = deed.event._replace(producer=producer, sequence=self._sequences[producer])
            numbered.append(Deed(event, deed.incident))
        return numbered

    def _everyday(self, day: int) -> Iterator[Deed]:
        weight = WEEKEND if self.is_weekend(day) else 1.0
        total = self.scale * WHOLE / DAYS
        yield from self._services(day, round(total * SHARES["service"]))
        yield from self._customers(day, round(total * SHARES["customer"]))
        yield from self._applications(day, round(total * SHARES["application"]))
        working = DAYS / (22 + 8 * WEEKEND)
        yield from self._vendors(day, total * SHARES["vendor"] * working * weight)
        yield from self._engineers(day, round(total * SHARES["engineer"] * working * weight))
        for number, agent in enumerate(self.company.agents):
            yield from self._agent(day, agent, weight, night=number % 10 == 9)

    def _services(self, day: int, count: int) -> Iterator[Deed]:
        for _ in range(count):
            name, actions = self.rng.choice(self.company.services)
            at = self.begin + timedelta(days=day, seconds=self.rng.uniform(0, 86_400))
            yield self.deed(
                at, name, self.customer(), actor_type="service", action=self.rng.choice(actions),
                purpose="provide_service",
            )  # fmt: skip

    def _customers(self, day: int, count: int) -> Iterator[Deed]:
        for _ in range(count):
            customer = self.customer()
            yield self.deed(self.moment(day), customer, customer, actor_type="customer", purpose="own_use")

    def _applications(self, day: int, count: int) -> Iterator[Deed]:
        for _ in range(count):
            name = self.rng.choice(self.company.applications)
            yield self.deed(
                self.moment(day), name, self.rng.choice(self.company.customers[:2_000]),
                actor_type="application", organization=f"org-{name}", purpose="elected_application",
                evidence_ref=f"election:{name}",
            )  # fmt: skip

    def _vendors(self, day: int, total: float) -> Iterator[Deed]:
        for vendor in self.company.vendors:
            times = self.vendor_times.get((day, vendor.name), 1.0)
            if vendor.function == "process_payments" and day % 30 >= 28:
                times *= 3
            spread = self.rng.uniform(0.8, 1.2)
            for _ in range(round(total / len(self.company.vendors) * times * spread)):
                yield self.by_vendor(self.moment(day), vendor)

    def by_vendor(self, at: datetime, vendor: Vendor, *, incident: str = "", **changes: str) -> Deed:
        """Make an access by one of a vendor's people, within its function unless `changes` say otherwise."""
        fields = {
            "actor_type": "vendor",
            "organization": vendor.name,
            "action": vendor.usual_action,
            "purpose": vendor.function,
            "evidence_ref": vendor.ref,
            "resource_type": self.rng.choice(CONTENT_OF[vendor.function]),
            **changes,
        }
        return self.deed(at, self.rng.choice(vendor.people), self.customer(), incident=incident, **fields)

    def _engineers(self, day: int, count: int) -> Iterator[Deed]:
        done = 0
        while done < count:
            engineer = self.rng.choice(self.company.engineers)
            customers = self.rng.sample(self.company.customers, self.rng.randint(1, 4))
            at = self.moment(day)
            self._tickets += 1
            ref = f"change:C-{self._tickets:06d}"
            purpose = self.rng.choice(("maintain_service", "enhance_service"))
            record = EvidenceRecord(
                ref=ref, kind="work_order", customer_ids=customers, assignees=[engineer], purposes=[purpose],
                valid_from=at - timedelta(hours=2), valid_to=at + timedelta(days=3),
            )  # fmt: skip
            self.told.append(Known(record, at - timedelta(hours=1)))
            for customer in customers:
                yield self.deed(at, engineer, customer, purpose=purpose, evidence_ref=ref)
                done += 1

    def _agent(self, day: int, agent: str, weight: float, *, night: bool) -> Iterator[Deed]:
        times = weight * (self.busy.get(agent, 1.0) if day >= 10 else 1.0)
        times *= 2.0 if day == OUTAGE_DAY else 1.0
        count = _poisson(self.rng, COMPLAINTS_A_DAY * times)
        for _ in range(count):
            yield from self.worked(self.moment(day, night=night), agent, self._complainant())

    def _complainant(self) -> str:
        """Anybody complains; as often as in the literature somebody known, or a colleague's relative."""
        chance = self.rng.random()
        if chance < 0.00014:
            return self.rng.choice(self.company.known_persons)
        if chance < 0.00114:
            return self.rng.choice(self.company.relatives)
        return self.customer()

    def worked(self, at: datetime, agent: str, customer: str) -> Iterator[Deed]:
        """Have an agent work on a complaint that was assigned to them."""
        late = self.rng.random() < LATE_SHARE
        opened_at = at - timedelta(hours=self.rng.uniform(0.1, 12))
        known_after = (
            (at - opened_at) + timedelta(hours=self.rng.uniform(0.5, 8)) if late else timedelta(seconds=20)
        )
        ticket = self.complaint(customer, opened_at, agent=agent, known_after=known_after)
        derived = not late and self.rng.random() < DERIVED_SHARE
        said = {} if derived else {"purpose": "resolve_complaint", "evidence_ref": ticket.ref}
        moment = at
        for _ in range(self.rng.randint(1, 4)):
            yield self.deed(moment, agent, customer, **said)
            moment += timedelta(minutes=self.rng.uniform(0.5, 12))


def _poisson(rng: Random, mean: float) -> int:
    """Pick a count; a normal approximation serves where the mean is large."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit, product, count = 2.718281828459045**-mean, rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


Planner = Callable[[Month, int], None]
