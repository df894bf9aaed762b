"""Producers are upgraded before the workers, or after: two versions of the contract share the topic."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from earwitness.cli import wiring
from models.publisher import Message
from models.topics import ACCESS_EVENTS
from streams.publisher import KafkaPublisher
from streams.wire import SCHEMA_HEADER
from tests.conftest import Stack
from tests.e2e.test_main_job import command
from tests.streams.records import an_event, event_id

pytestmark = pytest.mark.stack

JUDGED_WITHIN_S = 30.0
NOW = datetime.now(UTC)
SOURCE = "/tests/two-contracts"
NEWER = {SCHEMA_HEADER: "urn:earwitness:schema:access-event:9", "ce_specversion": "1.0"}


def an_event_of_tomorrow(number: int, **changes: Any) -> dict[str, Any]:
    id_ = event_id(number, int(NOW.timestamp() * 1000))
    return an_event(number, id=id_, source=SOURCE, time=NOW.isoformat(), room="b12", **changes)


def publish(stack: Stack, *events: dict[str, Any]) -> None:
    publisher = KafkaPublisher(wiring.kafka(stack.settings("producer").kafka))
    publisher.publish(
        [Message(ACCESS_EVENTS, event["id"].encode(), json.dumps(event).encode(), NEWER) for event in events]
    )
    publisher.close()


def asked(stack: Stack, query: str, count: int) -> list[tuple[Any, ...]]:
    """Ask until there are that many rows."""
    client = stack.clickhouse("admin")
    deadline = time.monotonic() + JUDGED_WITHIN_S
    try:
        while True:
            rows: list[tuple[Any, ...]] = client.execute(query, {"source": f"%{SOURCE}%"})
            if len(rows) >= count or time.monotonic() > deadline:
                return rows
            time.sleep(0.2)
    finally:
        client.disconnect()


def test_events_of_a_newer_contract_are_stored_or_kept_whole(stack: Stack) -> None:
    """What we know is judged and the rest kept; what we cannot judge waits, whole, for newer workers."""
    publish(stack, an_event_of_tomorrow(1), an_event_of_tomorrow(2, action="dream"))
    stored = "SELECT toString(id), unknown_fields FROM access_log WHERE source LIKE %(source)s"
    assert asked(stack, stored, 1) == [(an_event_of_tomorrow(1)["id"], '{"room":"b12"}')]
    refused = (
        "SELECT concat(topic, '/', toString(partition), '/', toString(offset)), fields, headers"
        " FROM dead_letters WHERE value LIKE %(source)s ORDER BY offset LIMIT 1 BY offset"
    )
    ((position, fields, headers),) = asked(stack, refused, 1)
    assert (fields, dict(headers)) == (["action", "room"], NEWER)

    shown = command(stack, "dead-letters", "show", position, "--output", "json")
    assert {each["name"]: each["value"] for each in json.loads(shown.stdout)["headers"]} == NEWER
    assert command(stack, "dead-letters", "replay", position).exit_code == 0
    again = asked(stack, refused, 2)
    assert [dict(headers) for _, _, headers in again] == [NEWER, NEWER]
