"""Builders of Kafka records for tests of the streams."""

import json
from typing import Any, NamedTuple
from uuid import UUID

from models.topics import ACCESS_EVENTS

DAY_MS = 24 * 3600 * 1000
NOON_MS = 1_790_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2
"""A noon in 2026, as a broker's timestamp."""


class Record(NamedTuple):
    """What aiokafka's ConsumerRecord offers to the streams."""

    offset: int
    value: bytes | None
    timestamp: int = NOON_MS
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = ACCESS_EVENTS
    partition: int = 0


def event_id(number: int, made_at_ms: int = NOON_MS) -> str:
    """Make the version 7 UUID of a numbered event."""
    return str(UUID(int=made_at_ms << 80 | 7 << 76 | 2 << 62 | number))


def an_event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Make an event as its JSON object; None removes a field."""
    event: dict[str, Any] = {
        "id": event_id(number),
        "time": "2026-09-21T11:59:59.000001Z",
        "source": "/services/recording-api",
        "actor_type": "employee",
        "actor_id": "e-1",
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": f"rec-{number}",
        "customer_id": "acme",
    }
    event.update(changes)
    return {name: value for name, value in event.items() if value is not None}


def a_record(offset: int, *, timestamp: int = NOON_MS, **changes: Any) -> Record:
    """Make the record of an event whose number is its offset."""
    return Record(offset, json.dumps(an_event(offset, **changes)).encode(), timestamp)
