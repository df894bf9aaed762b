"""The registers of a worker that starts: what the topic still holds, and what compaction took from it."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import pytest
from structlog.testing import capture_logs
from structlog.types import EventDict

from earwitness.policy import EvidenceIndex
from models.errors import SinkUnavailable
from models.evidence import EvidenceRecord
from sinks.base import KeptEvidence, RegisteredEvidence
from sinks.memory import MemoryTrail
from streams import evidence as following
from streams.evidence import EvidenceFollower
from tests.builders import a_complaint, an_election, an_employment

GOOD: Final = a_complaint("ticket:T-1")
CHANGED: Final = a_complaint("ticket:T-1", customer_ids=["globex"])


class Record(NamedTuple):
    """One record of the topic."""

    offset: int
    key: bytes
    value: bytes | None


class Topic:
    """The evidence topic: what compaction left of it, and the offset after the newest record."""

    def __init__(self, *records: Record, end: int) -> None:
        self.records = records
        self.end = end

    def consumer(self, **_connection: object) -> "Consumer":
        return Consumer(self)


class Consumer:
    """Reads the topic as aiokafka does, also over offsets that compaction left without a record."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._position = 0

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def assign(self, _places: object) -> None:
        pass

    async def seek_to_beginning(self, _place: object) -> None:
        self._position = 0

    async def end_offsets(self, places: Sequence[Any]) -> dict[Any, int]:
        return dict.fromkeys(places, self._topic.end)

    async def getmany(self, place: object, **_limits: object) -> dict[object, list[Record]]:
        found = [record for record in self._topic.records if record.offset >= self._position]
        self._position = self._topic.end
        await asyncio.sleep(0)
        return {place: found}

    async def position(self, _place: object) -> int:
        return self._position


def put(offset: int, record: EvidenceRecord) -> Record:
    return Record(offset, record.ref.encode(), record.model_dump_json().encode())


def log_of(*versions: tuple[int, EvidenceRecord], trail: MemoryTrail | None = None) -> MemoryTrail:
    made = trail or MemoryTrail()
    made.write_evidence([RegisteredEvidence(record, version, 0) for version, record in versions])
    return made


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as events:
        yield events


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.0)


def started(topic: Topic, trail: MemoryTrail, monkeypatch: pytest.MonkeyPatch) -> EvidenceIndex:
    """The registers of a worker that has just started."""
    monkeypatch.setattr(following, "AIOKafkaConsumer", topic.consumer)

    async def start() -> EvidenceIndex:
        with ThreadPoolExecutor(1) as threads:
            follower = EvidenceFollower({}, trail, threads)
            await follower.start()
            await follower.stop()
        return follower.index

    return asyncio.run(start())


def known(index: EvidenceIndex) -> dict[str, int]:
    return {entry.ref: entry.version for entry in index.entries()}


@pytest.mark.parametrize(
    "refused",
    [
        Record(5, b"ticket:T-1", None),
        Record(5, b"ticket:T-1", b"[]"),
        Record(5, b"ticket:T-1", an_election(ref="ticket:T-1", customer_ids=[]).model_dump_json().encode()),
    ],
    ids=["tombstone", "no record", "contradiction"],
)
def test_a_refused_record_takes_nothing_from_a_worker_that_starts(
    refused: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the key of the good one, so compaction keeps it instead; workers that run know the good one."""
    before = started(Topic(put(3, GOOD), refused, end=6), log_of((3, GOOD)), monkeypatch)
    compacted = started(Topic(refused, end=6), log_of((3, GOOD)), monkeypatch)
    assert known(before) == known(compacted) == {"ticket:T-1": 3}
    assert before.version == compacted.version == 3


def test_a_tombstone_that_compaction_took_as_well_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day after a tombstone nothing is left of its key."""
    index = started(Topic(end=6), log_of((3, GOOD)), monkeypatch)
    assert known(index) == {"ticket:T-1": 3}


def test_a_log_that_lags_behind_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns the topic may not have copied its end yet, or parts of it."""
    topic = Topic(put(7, CHANGED), put(8, an_employment("staff:e-1")), end=9)
    index = started(topic, log_of((3, GOOD)), monkeypatch)
    assert known(index) == {"ticket:T-1": 7, "staff:e-1": 8}
    assert [entry.ref for entry in index.register("complaint").by_customer.under("globex")] == ["ticket:T-1"]


def test_the_log_of_another_topic_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    """A topic that was made anew counts from 0 again: its records would be older than those of before."""
    index = started(Topic(put(0, CHANGED), end=1), log_of((3, GOOD), (4, GOOD)), monkeypatch)
    assert known(index) == {"ticket:T-1": 0}
    (event,) = [event for event in logged if event["log_level"] == "error"]
    assert (event["event"], event["newest_version"], event["next_offset"]) == ("evidence_log_ahead", 4, 1)


def test_what_a_contract_of_before_took_in_is_refused_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The topic's reader refuses it; the log is no way around that."""
    nobody_s = an_election(customer_ids=[])
    assert known(started(Topic(end=4), log_of((3, nobody_s)), monkeypatch)) == {}


class Away(MemoryTrail):
    """A store that does not answer the first times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def evidence_beyond(self, known: Any) -> list[KeptEvidence]:
        self._times -= 1
        if self._times >= 0:
            raise SinkUnavailable("away")
        return super().evidence_beyond(known)


def test_a_store_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging without it would judge without what only it knows."""
    trail = log_of((3, GOOD), trail=Away(times=3))
    assert known(started(Topic(end=6), trail, monkeypatch)) == {"ticket:T-1": 3}


def test_a_worker_does_not_wait_for_a_store_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever started it sees that it ends, and why."""
    with pytest.raises(SinkUnavailable):
        started(Topic(end=6), Away(times=1_000), monkeypatch)
