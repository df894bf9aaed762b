"""The names of the topics and of what travels in a record's headers."""

from typing import Final

ACCESS_EVENTS: Final = "access.events.v1"
EVIDENCE_RECORDS: Final = "evidence.records.v1"
FINDINGS: Final = "access.findings.v1"
DEAD_LETTERS: Final = "access.dead-letters.v1"

ACCESS_SCHEMA: Final = "urn:earwitness:schema:access-event:1"
EVIDENCE_SCHEMA: Final = "urn:earwitness:schema:evidence-record:2"
"""What the `dataschema` header names; the number at its end grows with the contract."""

ACCESS_EVENT_TYPE: Final = "earwitness.access.recorded.v1"
EVIDENCE_EVENT_TYPE: Final = "earwitness.evidence.recorded.v1"
CONTENT_TYPE: Final = "application/json"
