"""A small past, written into the store as it would have come about: what was known when is exact.

A vendor processed an SMS under a contract that was for calls only. An hour later the contract was
changed to cover SMS, and the access was judged again; half an hour ago the contract was withdrawn. The
evidence versions lie beyond those of the stack's own records, so that nothing else is judged by these.
"""

import json
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any, NamedTuple
from uuid import uuid4

from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from tests.conftest import Stack

(POLICY,) = read_policies(ROOT / "policies").policies
SOURCE = "/services/sms-api"
_BEYOND = 10**12


class Past(NamedTuple):
    """The access, its contract, and instants at which different things were known."""

    id: str
    contract: str
    version: int
    happened_at: datetime
    before_the_access: datetime
    when_unjustified: datetime
    when_justified: datetime
    when_withdrawn: datetime


def write_past(stack: Stack) -> Past:
    """Write the past of an access that nobody else knows of."""
    name, now = uuid4().hex[:8], datetime.now(UTC).replace(microsecond=0)
    past = Past(
        id=str(uuid4()),
        contract=f"contract:past-{name}",
        version=_BEYOND + SystemRandom().randrange(10**6) * 100,
        happened_at=now - timedelta(hours=2),
        before_the_access=now - timedelta(hours=3),
        when_unjustified=now - timedelta(minutes=90),
        when_justified=now - timedelta(minutes=45),
        when_withdrawn=now - timedelta(minutes=15),
    )
    writer = stack.clickhouse("writer")
    try:
        _write(writer, "evidence_log", _contracts(past, name, now))
        _write(writer, "access_log", [_access(past, name)])
        _write(writer, "verdict_log", [_later_verdict(past, now)])
    finally:
        writer.disconnect()
    return past


def _contracts(past: Past, name: str, now: datetime) -> list[dict[str, Any]]:
    calls = {
        "ref": past.contract,
        "kind": "engagement",
        "organization": f"smsco-{name}",
        "functions": ["process_calls"],
        "valid_from": "2026-01-01T00:00:00Z",
    }
    both = {**calls, "functions": ["process_calls", "process_sms"], "recorded_by": "legal-1"}
    withdrawn_at = now - timedelta(minutes=30)
    withdrawn = {**both, "status": "withdrawn", "withdrawn_at": withdrawn_at.isoformat()}
    registered = (past.happened_at - timedelta(days=1), past.happened_at + timedelta(hours=1), withdrawn_at)
    return [
        {
            "ref": past.contract,
            "version": past.version + place,
            "kind": "engagement",
            "organization": record["organization"],
            "status": record.get("status", "active"),
            "record": json.dumps(record),
            "registered_at": registered_at,
        }
        for place, (record, registered_at) in enumerate(
            zip((calls, both, withdrawn), registered, strict=True)
        )
    ]


def _access(past: Past, name: str) -> dict[str, Any]:
    return {
        "received_day": past.happened_at.date(),
        "id": past.id,
        "time": past.happened_at,
        "source": SOURCE,
        "actor_type": "vendor",
        "actor_id": f"v-{name}",
        "organization": f"smsco-{name}",
        "action": "process",
        "resource_type": "sms_content",
        "resource_id": f"sms-{name}",
        "customer_id": f"acme-{name}",
        "outcome": "succeeded",
        "purpose": "process_sms",
        "evidence_ref": past.contract,
        "verdict": "unjustified",
        "reason": "evidence_wrong_function",
        "policy_version": POLICY.version,
        "policy_digest": POLICY.digest,
        "evidence_version": past.version,
        "received_at": past.happened_at,
        "judged_at": past.happened_at + timedelta(seconds=1),
        "recorded_at": past.happened_at + timedelta(seconds=2),
        "topic": "access.events.past",
    }


def _later_verdict(past: Past, now: datetime) -> dict[str, Any]:
    return {
        "received_day": past.happened_at.date(),
        "id": past.id,
        "source": SOURCE,
        "verdict": "justified",
        "reason": "clause_met",
        "clause": "third-party.process-sms",
        "policy_version": POLICY.version,
        "policy_digest": POLICY.digest,
        "evidence_used": [past.contract],
        "evidence_version": past.version + 1,
        "late": True,
        "judged_at": now - timedelta(minutes=59),
        "recorded_at": now - timedelta(minutes=58),
    }


def _write(client: Any, table: str, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(rows[0])
    client.execute(f"INSERT INTO {table} ({columns}) VALUES", rows)
