"""Accesses and evidence for tests: each builder makes a sound thing, and a test says what differs.

`an_access()` with `a_complaint("ticket:T-1")` is justified: an agent listens to a recording of the customer
who complained, and cites the complaint.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from earwitness.policy import EvidenceIndex
from models import AccessEvent, EvidenceRecord

NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
A_DAY: Final = timedelta(days=1)
A_TICK: Final = timedelta(microseconds=1)
"""The smallest difference between two instants."""


def an_access(**changes: Any) -> AccessEvent:
    """Agent e-1 listens to a recording of acme and cites ticket:T-1."""
    fields: dict[str, Any] = {
        "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
        "time": NOON,
        "source": "/services/recording-api",
        "actor_type": "employee",
        "actor_id": "e-1",
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": "rec-1",
        "customer_id": "acme",
        "purpose": "resolve_complaint",
        "evidence_ref": "ticket:T-1",
    }
    return AccessEvent.model_validate(fields | changes)


def an_undeclared_access(**changes: Any) -> AccessEvent:
    """As `an_access`, with neither purpose nor evidence, unless they are given."""
    return an_access(**({"purpose": None, "evidence_ref": None} | changes))


def a_record(ref: str, kind: str, **fields: Any) -> EvidenceRecord:
    """Make evidence of any kind, in force since the day before."""
    return EvidenceRecord.model_validate({"ref": ref, "kind": kind, "valid_from": NOON - A_DAY} | fields)


def a_complaint(ref: str = "ticket:T-1", **changes: Any) -> EvidenceRecord:
    """Acme complains."""
    return a_record(ref, "complaint", **({"customer_ids": ["acme"]} | changes))


def a_work_order(ref: str = "change:W-1", **changes: Any) -> EvidenceRecord:
    """Employee e-1 is to maintain the service, for whatever customer."""
    return a_record(ref, "work_order", **({"purposes": ["maintain_service"], "assignees": ["e-1"]} | changes))


def an_employment(ref: str = "staff:e-1", **changes: Any) -> EvidenceRecord:
    """Employee e-1 works here."""
    return a_record(ref, "employment", **({"assignees": ["e-1"]} | changes))


def an_affiliation(ref: str = "affiliation:partner", **changes: Any) -> EvidenceRecord:
    """The company `partner` is affiliated."""
    return a_record(ref, "affiliation", **({"organization": "partner"} | changes))


def an_engagement(ref: str = "contract:C-1", **changes: Any) -> EvidenceRecord:
    """The company `voiceco` is engaged to process calls."""
    return a_record(
        ref, "engagement", **({"organization": "voiceco", "functions": ["process_calls"]} | changes)
    )


def a_service_account(ref: str = "account:transcriber", **changes: Any) -> EvidenceRecord:
    """The service svc-transcriber may transcribe."""
    return a_record(
        ref, "service_account", **({"assignees": ["svc-transcriber"], "functions": ["transcribe"]} | changes)
    )


def a_legal_order(ref: str = "order:L-1", **changes: Any) -> EvidenceRecord:
    """The high court orders something about acme."""
    return a_record(
        ref, "legal_order", **({"organization": "high-court", "customer_ids": ["acme"]} | changes)
    )


def a_transfer(ref: str = "deal:D-1", **changes: Any) -> EvidenceRecord:
    """The company `buyer` acquires the business."""
    return a_record(ref, "transfer", **({"organization": "buyer"} | changes))


def an_election(ref: str = "election:E-1", **changes: Any) -> EvidenceRecord:
    """Acme elects the application of `crm`."""
    return a_record(ref, "election", **({"organization": "crm", "customer_ids": ["acme"]} | changes))


def by_an_affiliate(**changes: Any) -> dict[str, Any]:
    """Fields of an access by p-1 of `partner`."""
    return {"actor_type": "affiliate", "actor_id": "p-1", "organization": "partner"} | changes


def by_a_vendor(**changes: Any) -> dict[str, Any]:
    """Fields of an access by v-1 of `voiceco`, which processes calls and cites contract:C-1."""
    return {
        "actor_type": "vendor",
        "actor_id": "v-1",
        "organization": "voiceco",
        "action": "process",
        "purpose": "process_calls",
        "evidence_ref": "contract:C-1",
    } | changes


def by_a_service(**changes: Any) -> dict[str, Any]:
    """Fields of an access by svc-transcriber, which transcribes and cites nothing."""
    return {
        "actor_type": "service",
        "actor_id": "svc-transcriber",
        "action": "transcribe",
        "purpose": "provide_service",
        "evidence_ref": None,
    } | changes


def evidence(*records: EvidenceRecord) -> EvidenceIndex:
    """Register records in this order, so that the first has the smallest version."""
    index = EvidenceIndex()
    for version, record in enumerate(records):
        index.put(record, version)
    return index
