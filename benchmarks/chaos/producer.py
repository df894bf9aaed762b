"""One producer process: `python -m benchmarks.chaos.producer TASK`, until SIGTERM, or until it is killed.

Each acknowledged id is on disk before the next is looked at, so that a kill takes no receipt with it.
"""

import random
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, Literal
from uuid import UUID

from earwitness_sdk import Kafka, NotRecorded, Recorder, Spool
from earwitness_sdk.ids import IdMaker
from earwitness_sdk.kafka_outbox import KafkaOutbox
from earwitness_sdk.outbox import Outbox, Outgoing
from earwitness_sdk.spool.outbox import SpoolOutbox
from pydantic import BaseModel, ConfigDict

from benchmarks.chaos import receipts
from benchmarks.chaos.events import SDK_SOURCE, bulk_record, conflicting_record, fields_of, malformed_record
from benchmarks.chaos.receipts import Kind, Receipts

TICK_S: Final = 0.02
LONGEST_BURST_S: Final = 1.0
"""A producer that was held up makes good for so much of it, not for all."""

ONE_BY_ONE: Final = 0.02
"""Share of the SDK's accesses that are waited for, one by one, as a service does that may refuse."""

COPIES: Final = 0.004
CONFLICTS: Final = 0.0002
MALFORMED: Final = 0.0005
MOST_RETRIES: Final = 20_000
CLOSED_WITHIN_S: Final = 20.0
DRAINED_WITHIN_S: Final = 600.0


Way = Literal["sdk", "bulk", "direct", "drain"]
"""Through the SDK's `Recorder`; encoded beforehand, through its spool; the same past the spool, straight to
Kafka; or nothing but what the spool still holds."""


class Task(BaseModel):
    """What a producer is to do."""

    model_config = ConfigDict(frozen=True)

    name: str
    way: Way
    per_second: float
    round_number: int
    seed: int
    folder: Path
    spool: Path
    ready_file: Path
    """Made at the first acknowledgement."""


class Producer:
    """Sends accesses at a pace; the two ways differ in who encodes them."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ids = IdMaker()
        self.receipts = Receipts(task.folder, task.name, task.ready_file)
        self.stopping = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """End at the next opportunity."""
        self.stopping = True

    def turns(self) -> Iterator[None]:
        """Come back once for each access that is due, until stopped."""
        due_at = time.monotonic()
        while not self.stopping:
            now = time.monotonic()
            due_at = max(due_at, now - LONGEST_BURST_S)
            while due_at < now and not self.stopping:
                due_at += 1 / self.task.per_second
                yield
            time.sleep(TICK_S)


def produce_through_sdk(producer: Producer) -> None:
    """Record accesses as a service does."""
    chance = random.Random()  # noqa: S311 - a mixture, no secret
    task = producer.task
    with Recorder(source=SDK_SOURCE, kafka=Kafka.from_environment(), spool=Spool(task.spool)) as recorder:
        for _ in producer.turns():
            identity = UUID(producer.ids.new())
            fields = fields_of(identity, task.round_number)
            try:
                if chance.random() < ONE_BY_ONE:
                    recorder.record(**fields)
                    producer.receipts.note("sdk", identity)
                else:
                    durable = recorder.submit(**fields).durable
                    durable.add_done_callback(partial(_note, producer.receipts, "sdk", identity))
            except NotRecorded:
                continue
        recorder.close(CLOSED_WITHIN_S)


class Bulk:
    """Sends records that are encoded already, again where they were not acknowledged, and copies."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._kind: Kind = "direct" if producer.task.way == "direct" else "bulk"
        self._outbox = _outbox(producer.task)
        self._again: deque[tuple[Kind, UUID, Outgoing]] = deque(maxlen=MOST_RETRIES)
        self._chance = random.Random()  # noqa: S311 - a mixture, no secret

    def run(self) -> None:
        """Send until stopped; then wait for what is under way."""
        for _ in self._producer.turns():
            self._send(*(self._again.popleft() if self._again else self._next()))
        self._outbox.close(CLOSED_WITHIN_S)

    def _next(self) -> tuple[Kind, UUID, Outgoing]:
        drawn = self._chance.random()
        if drawn < COPIES:
            return self._of_the_past("copies", bulk_record)
        if drawn < COPIES + CONFLICTS:
            return self._of_the_past("conflicts", conflicting_record)
        identity = UUID(self._producer.ids.new())
        if drawn < COPIES + CONFLICTS + MALFORMED:
            return "malformed", identity, malformed_record(identity)
        return self._kind, identity, bulk_record(identity, self._producer.task.round_number)

    def _of_the_past(self, kind: Kind, make: Callable[[UUID, int], Outgoing]) -> tuple[Kind, UUID, Outgoing]:
        past = receipts.pick(self._producer.task.folder.parent, receipts.ENCODED, self._chance)
        if past is None:
            identity = UUID(self._producer.ids.new())
            return self._kind, identity, bulk_record(identity, self._producer.task.round_number)
        return kind, past.identity, make(past.identity, past.round_number)

    def _send(self, kind: Kind, identity: UUID, record: Outgoing) -> None:
        try:
            durable = self._outbox.send(record)
        except NotRecorded:
            self._again.append((kind, identity, record))
            return
        durable.add_done_callback(partial(self._settle, kind, identity, record))

    def _settle(self, kind: Kind, identity: UUID, record: Outgoing, durable: "Future[None]") -> None:
        if durable.exception() is None:
            self._producer.receipts.note(kind, identity)
        else:
            self._again.append((kind, identity, record))


def _note(into: Receipts, kind: Kind, identity: UUID, durable: "Future[None]") -> None:
    if durable.exception() is None:
        into.note(kind, identity)


def _outbox(task: Task) -> Outbox:
    kafka = Kafka.from_environment()
    return KafkaOutbox(kafka) if task.way == "direct" else SpoolOutbox.to_kafka(Spool(task.spool), kafka)


def main() -> int:
    """Do the task that is given as JSON; exit 1 where a spool that was to be drained was not."""
    producer = Producer(Task.model_validate_json(sys.argv[1]))
    if producer.task.way == "drain":
        return 1 if _outbox(producer.task).close(DRAINED_WITHIN_S).pending else 0
    signal.signal(signal.SIGTERM, producer.stop)
    if producer.task.way == "sdk":
        produce_through_sdk(producer)
    else:
        Bulk(producer).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
