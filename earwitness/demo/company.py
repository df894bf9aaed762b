"""The telephony platform of the demo: its staff, customers, partners and their standing registers.

Every id carries the company's tag, so that two days in the same data folder never explain each
other's accesses.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from models.access import ActorType
from models.evidence import EvidenceRecord

_FIRST_NAMES: Final = (
    *("aarav", "adaeze", "alice", "amina", "bruno", "chen", "divya", "elif", "farah", "george", "hana"),
    *("ines", "jonas", "kavya", "lena", "maya", "nadia", "omar", "priya", "quentin", "rahul", "sofia"),
    *("tomas", "uma", "victor", "wanjiru", "yusuf", "zoe"),
)
_LAST_NAMES: Final = (
    *("abebe", "bauer", "costa", "dubois", "eriksen", "fernandes", "gupta", "haddad", "iyer", "jansen"),
    *("kim", "lopez", "menon", "nkosi", "okafor", "patel", "quist", "rao", "silva", "tanaka", "unger"),
    *("varga", "weber", "yilmaz", "zhang"),
)
_BROWSERS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0",
    "Mozilla/5.0 (Macintosh; Mac OS X 14_6) Safari/605.1",
    "Mozilla/5.0 (Windows NT 10.0) Chrome/139.0",
)
_STAFF: Final = {
    "support": ("support-voice", "support-sms", "support-enterprise", "support-night"),
    "engineering": ("media-platform", "storage", "messaging"),
    "research": ("speech-quality",),
    "legal": ("legal",),
}
_STAFF_PER_TEAM: Final = {"support": 16, "engineering": 10, "research": 10, "legal": 8}
_VENDORS: Final = {
    "maintain_databases_servers": "dbcare",
    "process_sms": "smsrelay",
    "process_calls": "callpath",
    "process_payments": "paywise",
}
_APPLICATIONS: Final = ("crm-connect", "call-insights", "helpdesk-bridge", "ticket-sync", "voice-archive")
_SERVICES: Final = {
    "recording-pipeline": ("process", "transcribe", "update"),
    "sms-gateway": ("process", "update"),
    "ivr-engine": ("process", "read"),
    "usage-meter": ("list", "read", "search"),
    "retention-sweeper": ("list", "delete"),
}
_QUIET_SHARE: Final = 0.15
"""Part of the customers of whom no ticket, order or election tells: nothing explains a look at them."""


class Actor(NamedTuple):
    """Somebody or something that touches content, as its accesses name it."""

    type: ActorType
    id: str
    ip: str
    user_agent: str
    organization: str | None = None
    team: str | None = None
    alias: str | None = None
    """Another id of the same actor that a register knows."""

    def under_alias(self) -> "Actor":
        """Give the same actor as systems that know only the alias report it."""
        return self._replace(id=self.alias or self.id)


class Partner(NamedTuple):
    """An organization outside, the register entry it acts under, and its people or programs."""

    name: str
    ref: str
    actors: Sequence[Actor]


class Election(NamedTuple):
    """A customer's choice of an application."""

    application: Actor
    customer: str
    ref: str


@dataclass(frozen=True, slots=True)
class Company:
    """The cast of the day, and what its registers held before the day began."""

    tag: str
    customers: Sequence[str]
    quiet_customers: Sequence[str]
    staff: dict[str, Sequence[Actor]]
    leavers: Sequence[Actor]
    vendors: dict[str, Partner]
    care_partner: Partner
    sister_company: Partner
    former_partner: Partner
    acquirer: Partner
    applications: Sequence[Actor]
    elections: Sequence[Election]
    services: dict[str, tuple[Actor, Sequence[str]]]
    registers: Sequence[EvidenceRecord]


def found_company(now: datetime, tag: str, rng: random.Random, customer_count: int) -> Company:
    """Make up the company as it is at `now`; the same arguments make the same company."""
    founder = _Founder(now, tag, rng)
    customers = [f"cus-{tag}-{number:05d}" for number in range(1, customer_count + 1)]
    quiet_count = max(10, int(customer_count * _QUIET_SHARE))
    active, quiet = customers[quiet_count:], customers[:quiet_count]
    applications = [founder.program("application", name) for name in _APPLICATIONS]
    return Company(
        tag=tag,
        customers=active,
        quiet_customers=quiet,
        staff={department: founder.hire(department) for department in _STAFF},
        leavers=founder.leavers(6),
        vendors={function: founder.vendor(function) for function in _VENDORS},
        care_partner=founder.affiliate("care-partner", teams=("partner-desk",)),
        sister_company=founder.sister_company(),
        former_partner=founder.affiliate("former-partner", teams=(), ended_days_ago=12),
        acquirer=founder.acquirer(),
        applications=applications,
        elections=founder.elections(applications, active),
        services={name: founder.service(name) for name in _SERVICES},
        registers=founder.registers,
    )


class _Founder:
    """Makes the cast and writes down, in `registers`, what the registers say about it."""

    def __init__(self, now: datetime, tag: str, rng: random.Random) -> None:
        self.now = now
        self.tag = tag
        self.rng = rng
        self.registers: list[EvidenceRecord] = []
        self._staff_count = 0

    def named(self, name: str) -> str:
        """Give a name that no other day's company uses."""
        return f"{name}-{self.tag}"

    def register(self, kind: str, ref: str, **fields: object) -> str:
        """Enter one record, years old unless `fields` says otherwise; give back its ref."""
        since = self.now - timedelta(days=self.rng.randint(60, 1500))
        entry = {"ref": ref, "kind": kind, "valid_from": since, "recorded_at": since, **fields}
        self.registers.append(EvidenceRecord.model_validate(entry))
        return ref

    def hire(self, department: str) -> Sequence[Actor]:
        """Employ a department, with a staff-directory entry for each person."""
        hired = []
        for team in _STAFF[department]:
            for _ in range(_STAFF_PER_TEAM[department]):
                person = self._employee(self.named(team))
                self._employ(person)
                hired.append(person)
        return hired

    def leavers(self, count: int) -> Sequence[Actor]:
        """Employ people who left some days ago."""
        people = [self._employee(self.named("support-voice")) for _ in range(count)]
        for person in people:
            self._employ(person, valid_to=self.now - timedelta(days=self.rng.randint(3, 40)))
        return people

    def _employee(self, team: str) -> Actor:
        self._staff_count += 1
        number = self._staff_count
        first, last = _FIRST_NAMES[number % len(_FIRST_NAMES)], self.rng.choice(_LAST_NAMES)
        return Actor(
            "employee",
            id=f"emp-{self.tag}-{number:03d}",
            ip=f"10.{self.rng.randint(1, 9)}.{self.rng.randint(0, 255)}.{self.rng.randint(1, 254)}",
            user_agent=self.rng.choice(_BROWSERS),
            team=team,
            alias=f"{first}.{last}.{number}@{self.tag}.example",
        )

    def _employ(self, person: Actor, **fields: object) -> None:
        self.register(
            "employment",
            f"employment:{person.id}",
            assignees=[person.id],
            aliases=[person.alias],
            teams=[person.team],
            recorded_by="staff-directory",
            **fields,
        )

    def vendor(self, function: str) -> Partner:
        """Engage a vendor for one function."""
        name = self.named(_VENDORS[function])
        ref = self.register(
            "engagement", f"contract:{name}", organization=name, functions=[function], recorded_by="legal"
        )
        return Partner(name, ref, [self.outsider("vendor", name, number) for number in range(1, 6)])

    def affiliate(self, name: str, teams: Sequence[str], ended_days_ago: int | None = None) -> Partner:
        """Affiliate a company as a whole: its record names no persons."""
        name = self.named(name)
        ends = None if ended_days_ago is None else self.now - timedelta(days=ended_days_ago)
        tagged = [self.named(team) for team in teams]
        ref = self.register(
            "affiliation", f"affiliation:{name}", organization=name, teams=tagged, valid_to=ends
        )
        people = [self.outsider("affiliate", name, number) for number in range(1, 7)]
        return Partner(name, ref, [person._replace(team=next(iter(tagged), None)) for person in people])

    def sister_company(self) -> Partner:
        """Affiliate a company whose people are named, each with the alias they sign in with."""
        name = self.named("sister-telecom")
        ref = self.register("affiliation", f"affiliation:{name}", organization=name)
        people = [self.outsider("affiliate", name, number) for number in range(1, 5)]
        for person in people:
            self.register(
                "affiliation",
                f"affiliation:{person.id}",
                organization=name,
                assignees=[person.id],
                aliases=[person.alias],
            )
        return Partner(name, ref, people)

    def acquirer(self) -> Partner:
        """Sell a business: the transfer covers every customer."""
        name = self.named("nordic-voice")
        ref = self.register("transfer", f"transfer:{name}", organization=name, recorded_by="legal")
        return Partner(name, ref, [self.outsider("acquirer", name, number) for number in range(1, 4)])

    def outsider(self, actor_type: ActorType, organization: str, number: int) -> Actor:
        """Make one person of an organization outside."""
        return Actor(
            actor_type,
            id=f"{organization}/p{number}",
            ip=f"198.51.100.{self.rng.randint(1, 254)}",
            user_agent=self.rng.choice(_BROWSERS),
            organization=organization,
            alias=f"p{number}@{organization}.example",
        )

    def program(self, actor_type: ActorType, name: str) -> Actor:
        """Make one application or service."""
        return Actor(
            actor_type,
            id=self.named(name),
            ip=f"10.20.{self.rng.randint(0, 255)}.{self.rng.randint(1, 254)}",
            user_agent=f"{name}/{self.rng.randint(1, 9)}.{self.rng.randint(0, 20)} httpx/0.28",
            organization=self.named(name) if actor_type == "application" else None,
        )

    def elections(self, applications: Sequence[Actor], customers: Sequence[str]) -> Sequence[Election]:
        """Let customers choose applications: each none, one or two."""
        return list(self._elect(applications, customers))

    def _elect(self, applications: Sequence[Actor], customers: Sequence[str]) -> Iterator[Election]:
        for customer in customers:
            for application in self.rng.sample(applications, self.rng.choice((0, 1, 1, 2))):
                ref = f"election:{application.id}/{customer}"
                self.register(
                    "election",
                    ref,
                    organization=application.organization,
                    customer_ids=[customer],
                    recorded_by=customer,
                )
                yield Election(application, customer, ref)

    def service(self, name: str) -> tuple[Actor, Sequence[str]]:
        """Register a service of the platform with the actions it is there for."""
        actor = self.program("service", name)
        self.register(
            "service_account", f"account:{actor.id}", assignees=[actor.id], functions=_SERVICES[name]
        )
        return actor, _SERVICES[name]
