"""The same access sent twice is one row, whenever and through whichever owner its copies come."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.cli import wiring
from earwitness.policy import PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from sinks.base import TrailSink
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail
from sinks.memory import MemoryTrail
from streams.copies import LATEST_AHEAD_MS
from tests.conftest import Stack
from tests.simulation.expected import Fates, fates_of
from tests.streams.records import DAY_MS, NOON_MS, Record, a_record, event_id
from tests.streams.test_partition import run
from tests.streams.world import Broker, Fate

MINUTE_MS = 60_000
POLICIES = read_policies(ROOT / "policies")
IDS = [
    event_id(1),
    event_id(2, NOON_MS - 3 * DAY_MS),
    event_id(3, NOON_MS + LATEST_AHEAD_MS),
    event_id(4, NOON_MS + LATEST_AHEAD_MS + MINUTE_MS),
    "6fa459ea-ee8a-5ca4-894e-db77e160355e",
]
"""Ids made in time, days ago, just not too early and too early; and one that does not say when."""


class Sent(NamedTuple):
    """One record as it was sent: which id, what it says, how long after the one before, to a new owner."""

    id: str
    actor: str
    after_ms: int
    to_a_new_owner: bool
    readable: bool


sent = st.builds(
    Sent,
    id=st.sampled_from(IDS),
    actor=st.sampled_from(["e-1", "e-1", "e-2"]),
    after_ms=st.sampled_from([0, MINUTE_MS, 2 * LATEST_AHEAD_MS, DAY_MS]),
    to_a_new_owner=st.booleans(),
    readable=st.sampled_from([True, True, True, False]),
)


def records_of(story: Sequence[Sent]) -> list[Record]:
    records: list[Record] = []
    timestamp = NOON_MS
    for offset, each in enumerate(story):
        timestamp += each.after_ms
        # What makes it unreadable says the same id, and claims it for nothing.
        changes: dict[str, Any] = {"actor_id": each.actor, "action": "listen" if each.readable else "stare"}
        records.append(a_record(offset, timestamp=timestamp, id=each.id, resource_id="rec-1", **changes))
    return records


def store(records: Sequence[Record], story: Sequence[Sent], trail: Any, policies: PolicySet) -> None:
    """Have the records stored as they come, by as many owners as the story has."""
    broker = Broker([])
    for record, each in zip(records, story, strict=True):
        if each.to_a_new_owner and broker.records:
            run(broker, trail, policies, Fate(), batch=2)
        broker.records.append(record)
    run(broker, trail, policies, Fate(), batch=2)


def what_became(trail: MemoryTrail) -> Fates:
    rows = {row.offset for block in trail.blocks.values() for row in block.rows}
    letters = {letter.position.offset for kept in trail.dead_letters.values() for letter in kept}
    held = {
        offset for entry in trail.ledger.values() for offset in range(entry.range.first, entry.range.last + 1)
    }
    return Fates(rows, letters, held - rows - letters)


@settings(max_examples=40, deadline=None)
@given(st.lists(sent, min_size=1, max_size=10))
def test_an_access_is_one_row_whatever_is_sent(story: list[Sent]) -> None:
    """The oracle is a dictionary over all that was ever sent; filters, look-ups and owners change nothing."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("streams.copies.MOST_REMEMBERED", 2)
        records, trail = records_of(story), MemoryTrail()
        store(records, story, trail, POLICIES)
    fates = fates_of(records)
    assert what_became(trail) == fates
    assert sum(entry.duplicate_count for entry in trail.ledger.values()) == len(fates.copies)


def test_an_id_that_a_refused_record_names_is_free() -> None:
    """Nobody can make an access disappear by publishing its id first, in something that is no access."""
    story = [Sent(IDS[0], "e-1", 0, to_a_new_owner=False, readable=readable) for readable in (False, True)]
    trail = MemoryTrail()
    store(records_of(story), story, trail, POLICIES)
    assert what_became(trail) == Fates({1}, {0}, set())


@pytest.mark.stack
@pytest.mark.parametrize("apart_ms", [0, 2 * DAY_MS], ids=["at once", "days apart"])
@pytest.mark.parametrize("to_a_new_owner", [False, True], ids=["one owner", "another owner"])
def test_a_copy_is_no_second_row_in_clickhouse(stack: Stack, apart_ms: int, to_a_new_owner: bool) -> None:  # noqa: FBT001
    """A spool that comes back, a file published again: it is counted; a contradiction is a finding."""
    identifier = str(uuid4())
    topic = f"copies-{identifier}"
    story = [
        Sent(identifier, "e-1", 0, to_a_new_owner=False, readable=True),
        Sent(identifier, "e-1", apart_ms, to_a_new_owner, readable=True),
        Sent(identifier, "e-2", apart_ms, to_a_new_owner, readable=True),
    ]
    clickhouse = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    trail: TrailSink = ClickHouseTrail(clickhouse)
    broker = Broker([])
    for record, each in zip(records_of(story), story, strict=True):
        broker.records.append(record._replace(topic=topic))
        if each.to_a_new_owner:
            run(broker, trail, POLICIES, Fate(), topic=topic)
    run(broker, trail, POLICIES, Fate(), topic=topic)
    place = {"topic": topic}
    rows = clickhouse.execute("SELECT count() FROM access_log WHERE topic = %(topic)s", place)
    counted = clickhouse.execute(
        "SELECT sum(duplicate_count), sum(dead_letter_count) FROM range_ledger WHERE topic = %(topic)s", place
    )
    clickhouse.close()
    assert (rows, counted) == ([(1,)], [(1, 1)])
    told = [json.loads(message.value) for message in broker.published if "findings" in message.topic]
    assert "id_conflict" in {finding["kind"] for finding in told}
