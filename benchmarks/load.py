"""The events and evidence that every contender is given: the demo's day, as bytes on the topics."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from earwitness_sdk.ids import IdMaker
from kafka import KafkaProducer

from earwitness.demo.day import simulate
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS

SEED: Final = 20130207
LINGER_MS: Final = 20
LARGEST_BATCH_BYTES: Final = 262_144


def publish(kafka: dict[str, Any], *, events: int, evidence: int) -> int:
    """Publish a simulated day; give the number of accesses it has."""
    day = simulate(datetime.now(UTC), SEED, events, evidence)
    producer = KafkaProducer(**kafka, linger_ms=LINGER_MS, batch_size=LARGEST_BATCH_BYTES)
    ids = IdMaker()
    for record in day.evidence:
        value = record.model_dump_json(exclude_defaults=True).encode()
        producer.send(EVIDENCE_RECORDS, key=record.ref.encode(), value=value)
    for access in day.accesses:
        # The day is over, but the load is live: its ids are made now, as the SDK makes them.
        made = ids.new()
        event = {**access.event, "id": made}
        producer.send(ACCESS_EVENTS, key=made.encode(), value=json.dumps(event).encode())
    producer.flush()
    producer.close()
    return len(day.accesses)
