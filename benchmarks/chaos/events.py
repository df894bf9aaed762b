"""Accesses that are made from their id and round alone, so that a copy of any of them can be made again."""

import json
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from earwitness_sdk.fields import AccessFields
from earwitness_sdk.outbox import Outgoing

from models.fields import format_time
from models.topics import ACCESS_EVENT_TYPE, ACCESS_EVENTS, ACCESS_SCHEMA, CONTENT_TYPE

SDK_SOURCE: Final = "/chaos/sdk"
BULK_SOURCE: Final = "/chaos/bulk"
CUSTOMERS: Final = 5_000
UNJUSTIFIED_ONE_IN: Final = 50
"""An employee without a purpose, which is a finding; all others are customers who listen to their own."""


def customer_prefix(number: int) -> str:
    """Give what the ids of a round's customers begin with: the trail is sorted by customer."""
    return f"r{number:05d}-"


def fields_of(identity: UUID, number: int) -> AccessFields:
    """Make the access of that id in the round of that number."""
    drawn = identity.int & 0xFFFF_FFFF
    customer = f"{customer_prefix(number)}{drawn % CUSTOMERS:04d}"
    made_at = datetime.fromtimestamp((identity.int >> 80) / 1000, tz=UTC)
    fields = AccessFields(
        id=str(identity),
        time=format_time(made_at),
        actor_type="customer",
        actor_id=customer,
        action="listen",
        resource_type="call_recording",
        resource_id=f"rec-{drawn:08x}",
        customer_id=customer,
        purpose="own_use",
        session_id=f"session-{drawn % 977:03d}",
        trace_id=f"{identity.int & (1 << 62) - 1:032x}",
        ip=f"192.0.2.{drawn % 256}",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) chaos",
        content_bytes=drawn % 4_000_000,
    )
    if drawn % UNJUSTIFIED_ONE_IN == 0:
        fields["actor_type"], fields["actor_id"], fields["purpose"] = "employee", f"e-{drawn % 331:03d}", None
    return fields


def bulk_record(identity: UUID, number: int) -> Outgoing:
    """Write an access as the record that travels, without validating it: what the SDK's outbox takes."""
    fields = {name: value for name, value in fields_of(identity, number).items() if value is not None}
    return _outgoing(str(identity), {**fields, "source": BULK_SOURCE})


def conflicting_record(identity: UUID, number: int) -> Outgoing:
    """Write another access under an id that is taken."""
    fields = {name: value for name, value in fields_of(identity, number).items() if value is not None}
    return _outgoing(str(identity), {**fields, "source": BULK_SOURCE, "resource_id": "rec-of-another"})


def malformed_record(identity: UUID) -> Outgoing:
    """Write a record that no worker can read as an access."""
    return Outgoing(ACCESS_EVENTS, str(identity).encode(), b'{"id": "%s", ' % str(identity).encode(), {})


def _outgoing(identity: str, event: dict[str, object]) -> Outgoing:
    return Outgoing(
        topic=ACCESS_EVENTS,
        key=identity.encode(),
        value=json.dumps(event, separators=(",", ":")).encode(),
        headers={
            "content-type": CONTENT_TYPE,
            "ce_specversion": "1.0",
            "ce_type": ACCESS_EVENT_TYPE,
            "ce_id": identity,
            "ce_source": BULK_SOURCE,
            "ce_time": str(event["time"]),
            "ce_dataschema": ACCESS_SCHEMA,
        },
    )
