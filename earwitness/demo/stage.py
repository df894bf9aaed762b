"""What scenarios are played on: they take actors and customers from here, and act and register here."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from models.access import Action, ResourceType
from models.evidence import EvidenceKind, EvidenceRecord
from models.fields import EVERY_CUSTOMER, format_time

from .company import Actor, Company, Partner
from .labels import Event

LONGEST_STEP_S: Final = 40
"""Longest time between two accesses of a scene; a scene of six ends within four minutes."""

_REF_FORMATS: Final[dict[EvidenceKind, str]] = {
    "complaint": "ticket:TCK",
    "work_order": "work-order:WO",
    "legal_order": "legal-order:LO",
    "engagement": "contract:C",
    "affiliation": "affiliation:A",
    "employment": "employment:E",
    "election": "election:EL",
    "transfer": "transfer:T",
    "service_account": "account:S",
}
_SOURCES: Final[dict[ResourceType, str]] = {
    "call_recording": "recording-api",
    "ivr_content": "recording-api",
    "sms_content": "message-api",
    "call_detail": "detail-api",
    "sms_detail": "detail-api",
    "account_detail": "account-api",
}
_INSTANCES_PER_SOURCE: Final = 3
_LARGEST_CONTENT_BYTES: Final[dict[ResourceType, int]] = {
    "call_recording": 4_000_000,
    "ivr_content": 400_000,
    "sms_content": 480,
    "call_detail": 900,
    "sms_detail": 400,
    "account_detail": 1_200,
}
_ACTIONS_ON_MANY: Final = frozenset({"list", "search", "export"})


class Resource(NamedTuple):
    """One piece of content, and whose it is."""

    type: ResourceType
    id: str
    customer: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The company at the instant `at` when a scene begins, and the chance that shapes it."""

    company: Company
    at: datetime
    rng: random.Random
    numbers: Iterator[int]
    """The next free number of a register entry."""

    def one_of(self, department: str) -> Actor:
        """Take somebody from a department."""
        return self.rng.choice(self.company.staff[department])

    def two_of(self, department: str) -> tuple[Actor, Actor]:
        """Take two persons of the same team."""
        first = self.one_of(department)
        team = [person for person in self.company.staff[department] if person.team == first.team]
        second = self.rng.choice([person for person in team if person.id != first.id])
        return first, second

    def one_at(self, partner: Partner) -> Actor:
        """Take somebody of an organization outside."""
        return self.rng.choice(partner.actors)

    def customer(self) -> str:
        """Take a customer who may have tickets, orders and elections."""
        return self.rng.choice(self.company.customers)

    def two_customers(self) -> tuple[str, str]:
        """Take two customers who are not the same."""
        first, second = self.rng.sample(self.company.customers, 2)
        return first, second

    def quiet_customer(self) -> str:
        """Take a customer of whom no register tells, so that nothing explains a look at them."""
        return self.rng.choice(self.company.quiet_customers)

    def outside(self, name: str) -> str:
        """Name an organization that no register knows."""
        return f"{name}-{self.company.tag}"

    def resource(self, customer: str, resource_type: ResourceType = "call_recording") -> Resource:
        """Take one piece of a customer's content."""
        name = resource_type.partition("_")[0]
        resource_id = f"{name}-{self.company.tag}-{self.rng.getrandbits(28):07x}"
        return Resource(resource_type, resource_id, customer)

    def archive(self, resource_type: ResourceType = "call_recording") -> Resource:
        """Take a store that holds the content of every customer."""
        return Resource(resource_type, f"archive-{self.company.tag}-{resource_type}", EVERY_CUSTOMER)

    def ago(self, *, days: float = 0, minutes: float = 0) -> datetime:
        """Name an instant before the scene (after it, where negative)."""
        return self.at - timedelta(days=days, minutes=minutes)

    def unused_ref(self, kind: EvidenceKind) -> str:
        """Give a ref that no register entry has."""
        return f"{_REF_FORMATS[kind]}-{self.company.tag}-{next(self.numbers):05d}"

    def entry(self, kind: EvidenceKind, **fields: object) -> EvidenceRecord:
        """Make a register entry, in force for some days already unless `fields` says otherwise."""
        since = self.ago(days=self.rng.uniform(0.1, 6))
        entry = {
            "ref": self.unused_ref(kind),
            "kind": kind,
            "valid_from": since,
            "recorded_at": since,
            "recorded_by": "register-sync",
            **fields,
        }
        return EvidenceRecord.model_validate(entry)

    def ticket(self, customer: str, **fields: object) -> EvidenceRecord:
        """Let a customer complain."""
        return self.entry("complaint", **{"customer_ids": [customer], "origin": "webhook", **fields})

    def access(
        self, actor: Actor, action: Action, resource: Resource, step: int = 0, /, **declared: str
    ) -> Event:
        """Make the event of one access; `declared` are its further fields, as purpose and evidence_ref.

        Accesses of one scene count their `step` from 0, and follow each other in it.
        """
        rng = self.rng
        earliest_s = step * LONGEST_STEP_S
        moment = self.at + timedelta(seconds=rng.uniform(earliest_s, earliest_s + LONGEST_STEP_S - 1))
        source = _SOURCES[resource.type]
        tag = self.company.tag
        event: Event = {
            "id": _uuid7(moment, rng),
            "time": format_time(moment),
            "source": f"/services/{source}",
            "producer": f"{source}-{tag}-{rng.randint(1, _INSTANCES_PER_SOURCE)}",
            "actor_type": actor.type,
            "actor_id": actor.id,
            "action": action,
            "resource_type": resource.type,
            "resource_id": resource.id,
            "customer_id": resource.customer,
            "operation_id": f"{rng.getrandbits(48):012x}",
            "trace_id": f"{rng.getrandbits(128):032x}",
            "ip": actor.ip,
            "user_agent": actor.user_agent,
            "item_count": _item_count(action, resource, rng),
            "content_bytes": rng.randint(40, _LARGEST_CONTENT_BYTES[resource.type]),
        }
        if actor.type != "service":
            event["session_id"] = f"{int(self.at.timestamp() * 1_000_000):x}"
        if actor.organization is not None:
            event["organization"] = actor.organization
        if actor.team is not None:
            event["actor_team"] = actor.team
        event.update(declared)
        return event


def _item_count(action: Action, resource: Resource, rng: random.Random) -> int:
    if resource.customer == EVERY_CUSTOMER:
        return rng.randint(500, 50_000)
    return rng.randint(2, 60) if action in _ACTIONS_ON_MANY else 1


def _uuid7(moment: datetime, rng: random.Random) -> str:
    """Make a version 7 UUID of the moment, its chance taken from `rng` so that a seed repeats it."""
    milliseconds = int(moment.timestamp() * 1000)
    number = milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
