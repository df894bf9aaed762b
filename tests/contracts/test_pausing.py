"""One partition that waits, beside others that go on: through the real Faust and a real Kafka."""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from earwitness.cli import wiring
from streams.app import add_intake, create_app
from streams.inbox import Inbox
from streams.intake import Intake
from streams.offsets import GroupOffsets, Membership
from tests.conftest import Stack

pytestmark = pytest.mark.stack

SESSION_S = 6
ROUNDS = 30
RECORDS_A_ROUND = 20
ALL = list(range(ROUNDS * RECORDS_A_ROUND))


@pytest.fixture
def topic(stack: Stack) -> Iterator[str]:
    name = f"pausing-{uuid.uuid4()}"
    admin = KafkaAdminClient(**stack.kafka_client("admin"))
    admin.create_topics([NewTopic(name, 2, 1)])
    yield name
    admin.delete_topics([name])
    admin.close()


class Waiting:
    """An owner that takes nothing until its partition's gate opens."""

    def __init__(self, inbox: Inbox, membership: Membership, gate: asyncio.Event) -> None:
        self.membership = membership
        self.taken: list[int] = []
        self.waiting = self.most_waiting = 0
        self._inbox = inbox
        self._gate = gate

    def feed(self, records: Sequence[Any]) -> None:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        self._inbox.put(records)

    async def run(self) -> None:
        while True:
            await self._gate.wait()
            records = await self._inbox.get()
            self.waiting -= 1
            self.taken += [record.offset for record in records]

    async def rest(self, limit_s: float) -> None:
        """Nothing is ever under way."""


def test_a_partition_that_waits_holds_up_no_other(
    stack: Stack, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker stays in the group for longer than a session, holds a few batches, and then catches up."""
    monkeypatch.setattr("streams.app.ACCESS_EVENTS", topic)
    owners: dict[int, Waiting] = {}
    failures: list[BaseException] = []

    async def work() -> tuple[list[int], int]:
        connection = wiring.kafka(stack.settings("admin").kafka)
        app = create_app(
            connection,
            group=f"pausing-{uuid.uuid4()}",
            session_timeout_s=SESSION_S,
            scratch=tmp_path,
        )
        offsets = GroupOffsets(app, connection.arguments())
        gates = [asyncio.Event(), asyncio.Event()]
        gates[1].set()

        def own(topic: str, partition: int, membership: Membership) -> Waiting:
            owners[partition] = Waiting(Inbox(offsets, topic, partition), membership, gates[partition])
            return owners[partition]

        add_intake(app, Intake(offsets, own, failures.append), Intake(offsets, own, failures.append))
        await app.start()
        try:
            publishing = asyncio.create_task(asyncio.to_thread(publish, stack, topic))
            await until(lambda: 1 in owners and owners[1].taken == ALL)
            await publishing
            before = await offsets.membership()
            await asyncio.sleep(SESSION_S + 2)
            assert await offsets.membership() == before
            held = list(owners[0].taken)
            most = owners[0].most_waiting
            gates[0].set()
            await until(lambda: owners[0].taken == ALL)
            return held, most
        finally:
            await app.stop()

    held, most = asyncio.run(work())
    assert (held, failures) == ([], [])
    assert most < 8


def publish(stack: Stack, topic: str) -> None:
    """Publish in rounds, so that many batches are fetched."""
    producer = KafkaProducer(**stack.kafka_client("admin"))
    for _ in range(ROUNDS):
        for partition in (0, 1):
            for _ in range(RECORDS_A_ROUND):
                producer.send(topic, b"x" * 100, partition=partition)
        producer.flush()
    producer.close()


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0.05)
