"""The events and evidence that every contender is given: the demo's day, as bytes on the topics."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from earwitness_sdk.ids import IdMaker
from kafka import KafkaProducer

from earwitness.demo.day import Day, simulate
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS

SEED: Final = 20130207
LINGER_MS: Final = 20
LARGEST_BATCH_BYTES: Final = 262_144


def publish(kafka: dict[str, Any], *, events: int, evidence: int) -> int:
    """Publish a simulated day; give the number of accesses it has."""
    day = simulate(datetime.now(UTC), SEED, events, evidence)
    publish_evidence(kafka, day)
    producer = _producer(kafka)
    ids = IdMaker()
    for access in day.accesses:
        # The day is over, but the load is live: its ids are made now, as the SDK makes them.
        made = ids.new()
        event = {**access.event, "id": made}
        producer.send(ACCESS_EVENTS, key=made.encode(), value=json.dumps(event).encode())
    producer.flush()
    producer.close()
    return len(day.accesses)


def publish_evidence(kafka: dict[str, Any], day: Day) -> None:
    """Publish what the registers hold on that day."""
    producer = _producer(kafka)
    for record in day.evidence:
        value = record.model_dump_json(exclude_defaults=True).encode()
        producer.send(EVIDENCE_RECORDS, key=record.ref.encode(), value=value)
    producer.flush()
    producer.close()


def _producer(kafka: dict[str, Any]) -> KafkaProducer:
    return KafkaProducer(**kafka, linger_ms=LINGER_MS, batch_size=LARGEST_BATCH_BYTES)
