"""Accesses and records as a service gives them to the SDK."""

from typing import Any

from earwitness_sdk import Recorder
from earwitness_sdk.fields import AccessFields
from earwitness_sdk.outbox import Outgoing
from earwitness_sdk.testing import MemoryOutbox

SOURCE = "/services/recording-api"


def fields(**changes: Any) -> AccessFields:
    """Give what a service must say of an access, and what a test changes."""
    whole: Any = {
        "actor_type": "employee",
        "actor_id": "e-1",
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": "rec-9",
        "customer_id": "acme",
        **changes,
    }
    known: AccessFields = whole
    return known


def a_record(**changes: Any) -> dict[str, Any]:
    return {
        "ref": "ticket:TCK-1",
        "kind": "complaint",
        "customer_ids": ["acme"],
        "valid_from": "2026-01-31T09:00:00Z",
        **changes,
    }


def outgoing(topic: str = "access.events.v1", key: str = "k", value: bytes = b"{}") -> Outgoing:
    return Outgoing(topic, key.encode(), value, {"content-type": "application/json"})


def a_recorder() -> tuple[Recorder, MemoryOutbox]:
    outbox = MemoryOutbox()
    return Recorder(source=SOURCE, outbox=outbox), outbox
