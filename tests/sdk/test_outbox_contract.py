"""One suite for every `Outbox`: the one of users' tests, and the real ones."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from earwitness_sdk import KafkaOutbox, NotRecorded, Outbox, Spool, SpoolOutbox
from earwitness_sdk.testing import MemoryOutbox
from kafka import KafkaConsumer, TopicPartition

from earwitness.cli import sdk_wiring
from models.topics import EVIDENCE_RECORDS
from tests.conftest import Stack

from .builders import outgoing

ANSWERED_WITHIN_S = 20.0
Read = Callable[[str], list[bytes]]


class Case:
    """An outbox, and how to see what arrived under a key (of the one partition of the evidence topic)."""

    def __init__(self, outbox: Outbox, arrived: Read) -> None:
        self.outbox = outbox
        self.arrived = arrived
        self._run = uuid4().hex

    def key(self, name: str) -> str:
        """Give a key that no other outbox uses: several lead to one topic."""
        return f"{name}-{self._run}"


KINDS = [
    "memory",
    "spool before memory",
    pytest.param("kafka", marks=pytest.mark.stack),
    pytest.param("spool before kafka", marks=pytest.mark.stack),
]


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    kind: str = request.param
    onward, arrived = in_memory() if kind.endswith("memory") else in_kafka(request.getfixturevalue("stack"))
    outbox = SpoolOutbox(Spool(tmp_path), onward) if kind.startswith("spool") else onward
    yield Case(outbox, arrived)
    outbox.close(ANSWERED_WITHIN_S)


def in_memory() -> tuple[Outbox, Read]:
    memory = MemoryOutbox()
    return memory, lambda key: [r.value for r in memory.records if r.key == key.encode()]


def in_kafka(stack: Stack) -> tuple[Outbox, Read]:
    outbox = KafkaOutbox(sdk_wiring.kafka(stack.settings("register").kafka))
    return outbox, lambda key: read_topic(stack, key)


def read_topic(stack: Stack, key: str) -> list[bytes]:
    """Give the values under one key, from the beginning to the present end."""
    consumer = KafkaConsumer(**stack.kafka_client("admin"), enable_auto_commit=False)
    try:
        partition = TopicPartition(EVIDENCE_RECORDS, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        (end,) = consumer.end_offsets([partition]).values()
        values: list[bytes] = []
        while consumer.position(partition) < end:
            for records in consumer.poll(timeout_ms=500).values():
                values += [record.value for record in records if record.key == key.encode()]
        return values
    finally:
        consumer.close()


def test_what_is_acknowledged_is_there(case: Case) -> None:
    """The only promise that counts."""
    case.outbox.send(outgoing(EVIDENCE_RECORDS, case.key("contract-1"), b"not evidence")).result(
        ANSWERED_WITHIN_S
    )
    assert case.outbox.flush(ANSWERED_WITHIN_S).complete
    assert case.arrived(case.key("contract-1")) == [b"not evidence"]


def test_what_is_only_kept_arrives_as_well(case: Case) -> None:
    """Nobody waits for it; it is on its way all the same."""
    case.outbox.keep(outgoing(EVIDENCE_RECORDS, case.key("contract-6"), b"kept"))
    assert case.outbox.flush(ANSWERED_WITHIN_S).complete
    assert case.arrived(case.key("contract-6")) == [b"kept"]


def test_the_metrics_tell_what_the_report_tells(case: Case) -> None:
    """A monitoring reads them while others record."""
    case.outbox.send(outgoing(EVIDENCE_RECORDS, case.key("contract-7")))
    report = case.outbox.flush(ANSWERED_WITHIN_S)
    metrics = case.outbox.metrics()
    assert (metrics.acknowledged_total, metrics.failed_total, metrics.pending) == report[:3]


def test_records_go_out_in_the_order_in_which_they_came(case: Case) -> None:
    """The newest record of a ref replaces older ones: their order is their meaning."""
    values = [b"%d" % number for number in range(500)]
    for value in values:
        case.outbox.send(outgoing(EVIDENCE_RECORDS, case.key("contract-2"), value))
    assert case.outbox.flush(ANSWERED_WITHIN_S).complete
    assert case.arrived(case.key("contract-2")) == values


def test_a_flush_tells_what_became_of_all(case: Case) -> None:
    """Bulk work looks at one report."""
    before = case.outbox.flush(ANSWERED_WITHIN_S)
    futures = [case.outbox.send(outgoing(EVIDENCE_RECORDS, case.key("contract-3"))) for _ in range(3)]
    report = case.outbox.flush(ANSWERED_WITHIN_S)
    assert report.acknowledged - before.acknowledged == 3
    assert (report.failed, report.pending) == (0, 0)
    assert all(future.done() for future in futures)


def test_nobody_can_take_a_record_back(case: Case) -> None:
    """A cancelled request must not upset the accounts of what is under way."""
    future = case.outbox.send(outgoing(EVIDENCE_RECORDS, case.key("contract-4")))
    assert not future.cancel()
    assert case.outbox.flush(ANSWERED_WITHIN_S).pending == 0


def test_a_closed_outbox_takes_nothing(case: Case) -> None:
    """And says so, instead of keeping what nobody sends."""
    case.outbox.send(outgoing(EVIDENCE_RECORDS, case.key("contract-5")))
    assert case.outbox.close(ANSWERED_WITHIN_S).complete
    with pytest.raises(NotRecorded, match="closed"):
        case.outbox.send(outgoing(EVIDENCE_RECORDS, case.key("contract-5")))
    assert case.arrived(case.key("contract-5")) == [b"{}"]


def test_an_outbox_can_be_closed_twice(case: Case) -> None:
    """By its owner, and at the end of the process."""
    case.outbox.close(ANSWERED_WITHIN_S)
    assert case.outbox.close(ANSWERED_WITHIN_S).pending == 0


def test_an_outbox_names_where_it_leads(case: Case) -> None:
    """An error is of use only with an address."""
    assert case.outbox.destination
