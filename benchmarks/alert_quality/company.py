"""The cast: who works at the company, for it, and is its customer; and what its registers say of them."""

from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from models.evidence import EvidenceRecord

KNOWN_SHARE: Final = 1 / 200
RELATIVE_SHARE: Final = 1 / 150
FUNCTIONS: Final = ("process_calls", "process_sms", "maintain_databases_servers", "process_payments")
CONTENT_OF: Final = {
    "process_calls": ("call_recording", "call_detail"),
    "process_sms": ("sms_content", "sms_detail"),
    "maintain_databases_servers": ("call_detail", "sms_detail"),
    "process_payments": ("account_detail",),
}
SERVICE_ACTIONS: Final = (
    ("process", "update"),
    ("process", "transcribe"),
    ("read", "list"),
    ("list", "delete"),
)


class Known(NamedTuple):
    """A record, and when its register told of it."""

    record: EvidenceRecord
    at: datetime


class Vendor(NamedTuple):
    """An organisation outside, what it is engaged for, and who works there."""

    name: str
    function: str
    ref: str
    people: tuple[str, ...]
    usual_action: str


class Company(NamedTuple):
    """Everybody."""

    customers: tuple[str, ...]
    """Those that are neither known to the public nor of a colleague's family."""

    known_persons: tuple[str, ...]
    relatives: tuple[str, ...]
    agents: tuple[str, ...]
    engineers: tuple[str, ...]
    leavers: tuple[str, ...]
    vendors: tuple[Vendor, ...]
    services: tuple[tuple[str, tuple[str, ...]], ...]
    applications: tuple[str, ...]
    registers: tuple[Known, ...]


def found(rng: Random, begin: datetime, scale: float) -> Company:
    """Make up the company as it is at `begin`; `scale` 1 is the whole one."""
    everybody = tuple(f"cus-{number:05d}" for number in range(max(4_000, round(60_000 * scale))))
    agents = tuple(f"e-agent-{number:03d}" for number in range(max(40, round(400 * scale))))
    engineers = tuple(f"e-eng-{number:03d}" for number in range(max(10, round(80 * scale))))
    leavers = tuple(f"e-left-{number:02d}" for number in range(12))
    vendors = tuple(_vendor(number) for number in range(12))
    services = tuple(
        (f"svc-{number:02d}", SERVICE_ACTIONS[number % len(SERVICE_ACTIONS)]) for number in range(20)
    )
    applications = tuple(f"app-{number}" for number in range(5))
    known_count = round(len(everybody) * KNOWN_SHARE)
    relative_count = round(len(everybody) * RELATIVE_SHARE)
    apart = rng.sample(everybody, known_count + relative_count)
    customers = tuple(sorted(set(everybody) - set(apart)))
    company = Company(
        customers, tuple(apart[:known_count]), tuple(apart[known_count:]), agents, engineers, leavers,
        vendors, services, applications, (),
    )  # fmt: skip
    return company._replace(registers=tuple(_registers(company, begin)))


def _vendor(number: int) -> Vendor:
    name, function = f"org-{number:02d}", FUNCTIONS[number % len(FUNCTIONS)]
    people = tuple(f"v-{number:02d}-{person}" for person in range(6))
    return Vendor(name, function, f"contract:{name}", people, "process")


def _registers(company: Company, begin: datetime) -> list[Known]:
    long_ago = begin - timedelta(days=400)
    told = begin - timedelta(days=1)
    records = [
        EvidenceRecord(
            ref=f"employment:{person}",
            kind="employment",
            assignees=[person],
            aliases=[f"{person}@example.com"],
            valid_from=long_ago,
            valid_to=begin - timedelta(days=2) if person in company.leavers else None,
        )
        for person in (*company.agents, *company.engineers, *company.leavers)
    ]
    records += [
        EvidenceRecord(
            ref=vendor.ref,
            kind="engagement",
            organization=vendor.name,
            functions=[vendor.function],
            valid_from=long_ago,
        )
        for vendor in company.vendors
    ]
    records += [
        EvidenceRecord(
            ref=f"account:{name}",
            kind="service_account",
            assignees=[name],
            functions=list(actions),
            valid_from=long_ago,
        )
        for name, actions in company.services
    ]
    records += [
        EvidenceRecord(
            ref=f"election:{name}",
            kind="election",
            organization=f"org-{name}",
            customer_ids=list(company.customers[:2_000]),
            valid_from=long_ago,
        )
        for name in company.applications
    ]
    return [Known(record, told) for record in records]
