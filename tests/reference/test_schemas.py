import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from earwitness.reference.schemas import access_event_schema, evidence_record_schema
from models import AccessEvent, EvidenceRecord, topics
from models.evidence import contradiction_in

EVENTS = Draft202012Validator(access_event_schema())
RECORDS = Draft202012Validator(evidence_record_schema())

AN_EVENT: dict[str, Any] = {
    "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
    "time": "2026-11-24T10:15:30Z",
    "source": "/services/recording-api",
    "actor_type": "employee",
    "actor_id": "e-1",
    "action": "listen",
    "resource_type": "call_recording",
    "resource_id": "r-1",
    "customer_id": "c-1",
}
A_RECORD: dict[str, Any] = {"ref": "ticket:T-1", "kind": "complaint", "valid_from": "2026-01-01T00:00:00Z"}

EVENT_CHANGES: list[dict[str, Any]] = [
    {},
    {"customer_id": "*"},
    {"actor_id": "*"},
    {"resource_id": "*"},
    {"customer_id": "+15005550006"},
    {"customer_id": "+1500555"},
    {"actor_id": "+15005550006"},
    {"resource_id": "call +15005550006"},
    {"recipient": "+15005550006"},
    {"organization": "*"},
    {"organization": "acme"},
    {"actor_type": "vendor"},
    {"actor_type": "vendor", "organization": None},
    {"actor_type": "vendor", "organization": "acme"},
    {"actor_type": "robot"},
    {"outcome": None},
    {"outcome": "denied"},
    {"outcome": "unknown"},
    {"id": "0190B5A2-7C1D-7E5F-8A3B-2F1E0D9C8B7A"},
    {"id": "0190b5a27c1d7e5f8a3b2f1e0d9c8b7a"},
    {"id": None},
    {"time": "2026-11-24T10:15:30"},
    {"time": "2026-11-24 10:15:30Z"},
    {"time": "2026-11-24t10:15:30.123456789+02:00"},
    {"time": "2026-11-24T10:15:60Z"},
    {"time": 1_764_000_000},
    {"source": "/a b"},
    {"source": "%zz"},
    {"source": "urn:x?y=%20"},
    {"source": "x" * 201},
    {"producer": ""},
    {"purpose": "x" * 65},
    {"purpose": ""},
    {"sequence": 0},
    {"sequence": 1},
    {"sequence": "1"},
    {"item_count": 2**63 - 1},
    {"item_count": 2**63},
    {"content_bytes": -1},
    {"content_bytes": 1.5},
    {"content_bytes": True},
    {"user_agent": "x" * 257},
    {"session_id": 7},
    {"colour": "red"},
    {"action": "borrow"},
]
RECORD_CHANGES: list[dict[str, Any]] = [
    {},
    {"kind": "rumour"},
    {"customer_ids": ["c-1", "c-2"]},
    {"customer_ids": None},
    {"customer_ids": "c-1"},
    {"customer_ids": ["*"]},
    {"customer_ids": ["+15005550006"]},
    {"assignees": [""]},
    {"resource_types": ["tape"]},
    {"purposes": ["x" * 65]},
    {"valid_from": None},
    {"valid_to": None},
    {"valid_to": "2026-02-01"},
    {"status": "withdrawn"},
    {"status": "withdrawn", "withdrawn_at": "2026-02-01T00:00:00Z"},
    {"withdrawn_at": "2026-02-01T00:00:00Z"},
    {"withdrawn_at": None},
    {"kind": "employment", "aliases": ["a"], "assignees": ["e-1"]},
    {"kind": "employment", "aliases": ["a"]},
    {"kind": "employment", "aliases": ["a"], "assignees": []},
    {"kind": "employment", "aliases": []},
    {"kind": "complaint", "aliases": ["a"]},
    {"recorded_by": "+15005550006"},
    {"origin": "gossip"},
    {"kind": "election"},
    {"kind": "election", "customer_ids": []},
    {"kind": "election", "customer_ids": None},
    {"kind": "election", "customer_ids": ["acme"]},
    {"kind": "election", "customer_ids": ["acme"], "status": "withdrawn"},
    {"teams": ["t"] * 10_001},
]


def accepts(model: type[BaseModel], value: object) -> bool:
    try:
        model.model_validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def takes_in(value: object) -> bool:
    """Whether a worker would take this record from the topic."""
    if not accepts(EvidenceRecord, value):
        return False
    return contradiction_in(EvidenceRecord.model_validate_json(json.dumps(value))) is None


@pytest.mark.parametrize("changes", EVENT_CHANGES, ids=lambda changes: json.dumps(changes)[:60])
def test_the_event_schema_says_what_the_model_says(changes: dict[str, Any]) -> None:
    """A producer in another language has only the schema to go by."""
    value = AN_EVENT | changes
    assert EVENTS.is_valid(value) == accepts(AccessEvent, value)


@pytest.mark.parametrize("changes", RECORD_CHANGES, ids=lambda changes: json.dumps(changes)[:60])
def test_the_evidence_schema_says_what_is_taken_in(changes: dict[str, Any]) -> None:
    """So does a register."""
    value = A_RECORD | changes
    assert RECORDS.is_valid(value) == takes_in(value)


@pytest.mark.parametrize("field", sorted(AN_EVENT))
def test_a_required_field_is_required_by_both(field: str) -> None:
    """Each of them, for an access without one could not be judged or found."""
    value = {name: text for name, text in AN_EVENT.items() if name != field}
    assert not EVENTS.is_valid(value)
    assert not accepts(AccessEvent, value)


@given(
    field=st.sampled_from(sorted(AccessEvent.model_fields)),
    value=st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(), max_size=2),
)
def test_any_value_of_any_field_is_taken_by_both_or_by_neither(field: str, value: object) -> None:
    """The two descriptions of one contract must not drift apart anywhere."""
    event = AN_EVENT | {field: value}
    assert EVENTS.is_valid(event) == accepts(AccessEvent, event)


def test_a_schema_is_named_as_the_header_names_it() -> None:
    """`dataschema` in a record's headers is the `$id` of the schema that its value follows."""
    assert EVENTS.schema["$id"] == topics.ACCESS_SCHEMA
    assert RECORDS.schema["$id"] == topics.EVIDENCE_SCHEMA
    Draft202012Validator.check_schema(EVENTS.schema)
    Draft202012Validator.check_schema(RECORDS.schema)
