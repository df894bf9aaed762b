"""A small world for reading tests: a vendor with a contract, three of its accesses, one unreadable record.

The actors are vendors on purpose: what other tests tell of employments changes nothing for them.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from earwitness.cli import wiring
from earwitness.cli.client import ApiClient
from models.publisher import Message
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from streams.publisher import KafkaPublisher
from tests.conftest import Stack

JUDGED_WITHIN_S = 60.0
NASTY = 'it\'s \\ "quoted", {p0:String} %(p0)s ; --\n\x1b[31m\u202e'
"""A value with everything that could break a statement, a table or a terminal."""


class World(NamedTuple):
    """The names in one world. The accesses are an hour old, in this order, a minute apart."""

    customer_id: str
    organization: str
    actor_id: str
    contract: str
    unknown_ref: str
    engaged: dict[str, Any]
    unengaged: dict[str, Any]
    pending: dict[str, Any]
    unreadable: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """The accesses, oldest first."""
        return [self.engaged, self.unengaged, self.pending]


def publish(stack: Stack, suffix: str) -> World:
    """Publish a world and wait until its accesses are found."""
    world = _imagine(suffix)
    send(stack, "register", EVIDENCE_RECORDS, [_contract(world)])
    with ApiClient(stack.settings("api").api) as api:
        wait_for(lambda: api.find("evidence", world.contract) is not None)
        send(stack, "producer", ACCESS_EVENTS, [*map(encode, world.events), world.unreadable])
        wait_for(
            lambda: len(api.get("search", query=f"customer:{world.customer_id}")["rows"]) == len(world.events)
        )
        wait_for(lambda: any(world.customer_id in str(letter) for letter in _letters(api)))
    return world


def _imagine(suffix: str) -> World:
    customer_id, organization, actor_id = f"acme-{suffix}", f"smsco-{suffix}", f"v-{suffix}"
    contract, unknown_ref = f"contract:{suffix}", f"contract:unknown-{suffix}"
    begin = datetime.now(UTC) - timedelta(hours=1)

    def event(minute: int, **changes: Any) -> dict[str, Any]:
        return {
            "id": str(uuid4()),
            "time": (begin + timedelta(minutes=minute)).isoformat(),
            "source": "/services/sms-api",
            "actor_type": "vendor",
            "actor_id": actor_id,
            "organization": organization,
            "action": "process",
            "resource_type": "sms_content",
            "resource_id": f"sms-{suffix}-{minute}",
            "customer_id": customer_id,
            "purpose": "process_sms",
            "evidence_ref": contract,
            **changes,
        }

    engaged = event(0, user_agent=NASTY, item_count=0, producer="sms-api-1", sequence=7)
    unengaged = event(1, resource_type="call_recording", action="listen")
    pending = event(2, evidence_ref=unknown_ref, outcome="denied")
    unreadable = encode({**event(3), customer_id: "a field that nobody knows"})
    return World(
        customer_id, organization, actor_id, contract, unknown_ref, engaged, unengaged, pending, unreadable
    )


def _contract(world: World) -> bytes:
    return encode(
        {
            "ref": world.contract,
            "kind": "engagement",
            "organization": world.organization,
            "functions": ["process_sms"],
            "customer_ids": [world.customer_id],
            "valid_from": "2026-01-01T00:00:00Z",
        }
    )


def encode(content: dict[str, Any]) -> bytes:
    """Give a record as it is published."""
    return json.dumps(content).encode()


def send(stack: Stack, role: str, topic: str, values: list[bytes]) -> None:
    """Publish events or records and wait until they are acknowledged."""
    publisher = KafkaPublisher(wiring.kafka(stack.settings(role).kafka))
    keys = [json.loads(value).get("ref" if topic == EVIDENCE_RECORDS else "id") for value in values]
    publisher.publish(
        [Message(topic, key.encode(), value, {}) for key, value in zip(keys, values, strict=True)]
    )
    publisher.close()


def _letters(api: ApiClient) -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = api.get("dead-letters", reason="unknown_field", limit=1_000)[
        "dead_letters"
    ]
    return letters


def wait_for(happened: Any) -> None:
    """Ask until it is so, or fail."""
    deadline = time.monotonic() + JUDGED_WITHIN_S
    while not happened():
        if time.monotonic() > deadline:
            msg = f"did not happen within {JUDGED_WITHIN_S:.0f} s"
            raise AssertionError(msg)
        time.sleep(0.2)
