import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from earwitness.reconciliation.accounts import Window
from earwitness.reconciliation.faults import Fault
from earwitness.reconciliation.report import ProducersReport, Report
from models.errors import BrokerUnavailable, SinkUnavailable
from models.publisher import Message
from models.topics import FINDINGS
from streams.reconciler import Reconciler

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
GAP = Fault("records_expired", "access.events.v1/3", 100, 149, 50, None, None, "no range covers them")


class World:
    """A topic, a table of what was told, and what is wrong; either can be away."""

    def __init__(self) -> None:
        self.faults: list[Fault] = [GAP]
        self.topic: list[Message] = []
        self.table: set[UUID] = set()
        self.open = 0
        self.broker_is_away = self.store_is_away = False

    def reconciler(self) -> Reconciler:
        def connect() -> World:
            self.open += 1
            return self

        return Reconciler(self.report, connect, self, lambda: NOW)

    def report(self) -> Report:
        return Report(NOW, Window(), [], ProducersReport(0, 0, 0, 0), list(self.faults), [])

    def publish(self, messages: Sequence[Message]) -> None:
        if self.broker_is_away:
            raise BrokerUnavailable("away")
        self.topic += messages

    def close(self) -> None:
        self.open -= 1

    def known(self, ids: Collection[UUID]) -> Collection[UUID]:
        return self.table & set(ids)

    def write(self, faults: Sequence[Fault]) -> None:
        if self.store_is_away:
            raise SinkUnavailable("away")
        self.table |= {fault.id for fault in faults}


@pytest.fixture
def world() -> World:
    return World()


def test_a_fault_is_published_once(world: World) -> None:
    """Not once in every run, and not once again after a restart."""
    world.reconciler().run()
    world.reconciler().run()
    assert len(world.topic) == 1
    assert world.open == 0


def test_a_fault_that_grows_is_the_same(world: World) -> None:
    """Retention takes more each hour for as long as no worker runs."""
    world.reconciler().run()
    world.faults = [GAP._replace(last=499, size=400)]
    world.reconciler().run()
    assert len(world.topic) == 1


def test_another_fault_is_another_finding(world: World) -> None:
    """What was told must not hide what comes after it."""
    world.reconciler().run()
    world.faults = [GAP, GAP._replace(first=300, last=310, size=11), GAP._replace(reason="rows_missing")]
    world.reconciler().run()
    assert len({message.headers["ce_id"] for message in world.topic}) == 3


def test_nothing_is_forgotten_while_kafka_is_away(world: World) -> None:
    """What could not be published is not known, and so it is published the next time."""
    world.broker_is_away = True
    with pytest.raises(BrokerUnavailable):
        world.reconciler().run()
    world.broker_is_away = False
    world.reconciler().run()
    assert (len(world.topic), world.open) == (1, 0)


def test_a_finding_that_comes_twice_has_one_identity(world: World) -> None:
    """Published, and then the table could not be written: whoever alerts on it can tell."""
    world.store_is_away = True
    with pytest.raises(SinkUnavailable):
        world.reconciler().run()
    world.store_is_away = False
    world.reconciler().run()
    assert len(world.topic) == 2
    assert len({(message.key, message.headers["ce_id"]) for message in world.topic}) == 1


def test_the_finding_says_what_is_lost_and_accuses_nobody(world: World) -> None:
    """It has every field of a finding, so that nobody who reads findings stumbles over it."""
    world.reconciler().run()
    (message,) = world.topic
    finding = json.loads(message.value)
    assert message.topic == FINDINGS
    assert message.key == finding["id"].encode()
    assert (finding["kind"], finding["reason"]) == ("inconsistent", "records_expired")
    assert (finding["position"], finding["first"], finding["last"], finding["size"]) == (
        "access.events.v1/3/100",
        100,
        149,
        50,
    )
    assert (finding["actor_id"], finding["actor_type"], finding["customer_id"]) == ("", "", "*")
    assert message.headers["ce_source"] == "/earwitness/reconcile"
