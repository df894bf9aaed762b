"""Everything a worker's owners ask of Kafka and the store, seen from beside: how long, and whether it works.

Each class here does what the one it wraps does, and lets an `Observer` know.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from earwitness.health.readiness import CLICKHOUSE, KAFKA, Readiness
from earwitness.metrics import (
    DEAD_LETTERS,
    DUPLICATES,
    FINDINGS,
    JUDGING_AGAIN_BACKLOG,
    LAG,
    OLDEST_UNSTORED,
    RANGE_SECONDS,
    READY,
    ROWS_STORED,
    WAITS,
    Meters,
)
from earwitness.policy import EvidenceIndex
from models.dead_letter import DeadLetter
from models.errors import BrokerUnavailable, SinkUnavailable
from models.finding import Finding
from models.publisher import Message
from models.ranges import Range
from models.registers import RegisterState
from models.topics import ACCESS_EVENTS
from models.topics import FINDINGS as FINDINGS_TOPIC
from sinks.base import (
    Block,
    Content,
    Identity,
    KeptEvidence,
    LedgerEntry,
    PolicyVersion,
    Received,
    RegisteredEvidence,
    SetAside,
    TrailSink,
)
from streams.announce import Announcer
from streams.evidence import EvidenceView
from streams.offsets import Committed, Membership, Offsets
from streams.progress import Progress

_OF_KAFKA: Final = frozenset(
    {"fetch offset", "fetch offsets", "find offset", "commit", "publish", "read registers"}
)
"""Steps that ask Kafka; the others ask the store."""

_ID_HEADER: Final = "ce_id"


class Observer:
    """What a worker's health and metrics are told by."""

    def __init__(self, readiness: Readiness, meters: Meters, clock: Callable[[], float]) -> None:
        self.progress = Progress(clock)
        self.readiness = readiness
        self._meters = meters
        self._clock = clock
        self.assigned = False
        """Whether the group has given this worker its partitions; none where it has enough workers."""

        readiness.also(self.wrong)

    @contextmanager
    def step(self, step: str, where: str) -> Iterator[None]:
        """Watch one call: it is under way, ends well, or fails for a reason that passes and is made again."""
        what = f"{where}: {step}"
        number, began_at = self.readiness.begin(what), self._clock()
        try:
            yield
        except (SinkUnavailable, BrokerUnavailable) as error:
            self.readiness.waits(what, str(error))
            self._meters.add(WAITS, 1, step)
            raise
        finally:
            self.readiness.end(number)
        self.readiness.goes_on(what)
        # Work that succeeds is the best sign of life: a server under load may be late with the question.
        self.readiness.answered(KAFKA if step in _OF_KAFKA else CLICKHOUSE)
        self._meters.observe(RANGE_SECONDS, self._clock() - began_at, step)

    @contextmanager
    def judging(self, where: str) -> Iterator[None]:
        """Watch the one step that is work of our own and holds the event loop."""
        began_at = self._clock()
        with self.readiness.computing(f"{where}: judge"):
            yield
        self._meters.observe(RANGE_SECONDS, self._clock() - began_at, "judge")

    def accounted(self, entry: LedgerEntry) -> None:
        """Count what became of a range."""
        self._meters.add(ROWS_STORED, entry.row_count)
        self._meters.add(DUPLICATES, entry.duplicate_count)
        self._meters.add(DEAD_LETTERS, entry.dead_letter_count)

    def published(self, messages: Sequence[Message]) -> None:
        """Count findings by their kind, which stands in their identity: `position:kind`."""
        for message in messages:
            if message.topic == FINDINGS_TOPIC:
                self._meters.add(FINDINGS, 1, message.headers[_ID_HEADER].split(":")[1])

    def backlog(self, accesses: int) -> None:
        """Say how many accesses wait to be judged again."""
        self._meters.set(JUDGING_AGAIN_BACKLOG, accesses)

    def stuck(self) -> list[str]:
        """Name the partitions that store nothing although they should."""
        return [
            f"{ACCESS_EVENTS}/{partition} has stored nothing for {idle_s:.0f} s although events wait"
            for partition, idle_s in sorted(self.progress.stuck().items())
        ]

    def wrong(self) -> list[str]:
        """Say what keeps the worker from recording that no call and no part of it would show."""
        if not self.assigned:
            return ["partitions are not assigned yet"]
        return self.stuck()

    def joined(self) -> None:
        """The group has given this worker its partitions."""
        self.assigned = True

    def moved(self) -> None:
        """Partitions are taken away: nothing of what waited is this worker's any more."""
        self.assigned = False
        self.readiness.forget()
        self.progress.keep(())

    def expose(self) -> bytes:
        """Write the metrics as they are now."""
        for metric in (LAG, OLDEST_UNSTORED):
            self._meters.clear(metric)
        for partition, behind in self.progress.behind().items():
            labels = (ACCESS_EVENTS, str(partition))
            self._meters.set(LAG, behind.event_count, *labels)
            self._meters.set(OLDEST_UNSTORED, behind.age_s, *labels)
        self._meters.set(READY, float(self.readiness.readiness().ok))
        return self._meters.expose()


class ObservedOffsets:
    """`Offsets`, seen."""

    def __init__(self, offsets: Offsets, observer: Observer) -> None:
        self._offsets = offsets
        self._observer = observer

    async def membership(self) -> Membership:
        """Say who this process is in the group now."""
        return await self._offsets.membership()

    async def fetch(self, topic: str, partition: int) -> Committed:
        """Read what is committed."""
        with self._observer.step("fetch offset", f"{topic}/{partition}"):
            committed = await self._offsets.fetch(topic, partition)
        if topic == ACCESS_EVENTS and committed.offset is not None:
            self._observer.progress.stored(partition, committed.offset)
        return committed

    async def announced(self, topic: str) -> dict[int, int]:
        """Give the partitions with something under way."""
        with self._observer.step("fetch offsets", topic):
            return await self._offsets.announced(topic)

    async def commit(
        self, topic: str, partition: int, offset: int, *, metadata: str, membership: Membership
    ) -> None:
        """Commit."""
        with self._observer.step("commit", f"{topic}/{partition}"):
            await self._offsets.commit(topic, partition, offset, metadata=metadata, membership=membership)
        if topic == ACCESS_EVENTS:
            self._observer.progress.stored(partition, offset)

    async def earliest(self, topic: str, partition: int) -> int:
        """Give the first offset that the topic still has."""
        with self._observer.step("find offset", f"{topic}/{partition}"):
            return await self._offsets.earliest(topic, partition)

    async def end(self, topic: str, partition: int) -> int:
        """Give the offset that the next record will have."""
        with self._observer.step("find offset", f"{topic}/{partition}"):
            return await self._offsets.end(topic, partition)

    async def first_from(self, topic: str, partition: int, offset: int) -> int:
        """Give the offset of the first record at or behind another."""
        with self._observer.step("find offset", f"{topic}/{partition}"):
            return await self._offsets.first_from(topic, partition, offset)

    async def received_at_ms(self, topic: str, partition: int, offset: int) -> int | None:
        """Give when the broker received the record at an offset."""
        with self._observer.step("find offset", f"{topic}/{partition}"):
            return await self._offsets.received_at_ms(topic, partition, offset)

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Have the partition delivered again."""
        await self._offsets.seek(topic, partition, offset)

    def has_more(self, topic: str, partition: int, offset: int) -> bool:
        """Say whether there were more records when the partition was last fetched."""
        return self._offsets.has_more(topic, partition, offset)

    def pause(self, topic: str, partition: int) -> None:
        """Have no more of the partition fetched."""
        self._offsets.pause(topic, partition)

    def resume(self, topic: str, partition: int) -> None:
        """Have the partition fetched again."""
        self._offsets.resume(topic, partition)


class ObservedAnnouncer:
    """An `Announcer`, seen."""

    def __init__(self, announcer: Announcer, observer: Observer) -> None:
        self._announcer = announcer
        self._observer = observer

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish."""
        with self._observer.step("publish", "findings and dead letters"):
            await self._announcer.publish(messages)
        self._observer.published(messages)


class ObservedEvidence:
    """An `EvidenceView`, seen."""

    def __init__(self, evidence: EvidenceView, observer: Observer) -> None:
        self._evidence = evidence
        self._observer = observer

    @property
    def index(self) -> EvidenceIndex:
        """The registers as they are now."""
        return self._evidence.index

    async def catch_up(self) -> None:
        """Have the registers as they are now."""
        with self._observer.step("read registers", "evidence"):
            await self._evidence.catch_up()


class ObservedTrail:
    """A `TrailSink`, seen."""

    def __init__(self, trail: TrailSink, observer: Observer) -> None:
        self._trail = trail
        self._observer = observer

    def write(self, block: Block) -> bool:
        """Store rows."""
        with self._observer.step("store", _place(block.range)):
            return self._trail.write(block)

    def misfits(self, block: Block) -> Mapping[int, str]:
        """Find the rows that the store refuses."""
        with self._observer.step("find refused rows", _place(block.range)):
            return self._trail.misfits(block)

    def tally(self, stored: Range) -> LedgerEntry:
        """Count what is stored of a range."""
        with self._observer.step("tally", _place(stored)):
            return self._trail.tally(stored)

    def findings(self, stored: Range) -> list[Finding]:
        """Give the findings of a range."""
        with self._observer.step("tally", _place(stored)):
            return self._trail.findings(stored)

    def refused(self, stored: Range) -> list[DeadLetter]:
        """Give the dead letters of a range."""
        with self._observer.step("tally", _place(stored)):
            return self._trail.refused(stored)

    def known(self, identities: Collection[Identity], apart_from: Range | None) -> Mapping[Identity, Content]:
        """Look copies up."""
        with self._observer.step("look up copies", ACCESS_EVENTS):
            return self._trail.known(identities, apart_from)

    def newest_id_ms(self, topic: str, partition: int, received_after_ms: int) -> int | None:
        """Give when the newest stored id was made."""
        with self._observer.step("look up copies", f"{topic}/{partition}"):
            return self._trail.newest_id_ms(topic, partition, received_after_ms)

    def last_row(self, topic: str, partition: int) -> Received | None:
        """Say where the last row came from."""
        with self._observer.step("tally", f"{topic}/{partition}"):
            return self._trail.last_row(topic, partition)

    def highest_offset(self, topic: str, partition: int) -> int | None:
        """Give how far a partition is stored."""
        with self._observer.step("tally", f"{topic}/{partition}"):
            return self._trail.highest_offset(topic, partition)

    def last_accounted(self, topic: str, partition: int) -> Range | None:
        """Give the last range that the ledger covers."""
        with self._observer.step("tally", f"{topic}/{partition}"):
            return self._trail.last_accounted(topic, partition)

    def unaccounted(self, topic: str, partition: int) -> list[Range]:
        """Give ranges that no ledger row covers."""
        with self._observer.step("tally", f"{topic}/{partition}"):
            return self._trail.unaccounted(topic, partition)

    def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused."""
        with self._observer.step("store dead letters", _place(origin)):
            self._trail.write_dead_letters(origin, letters)

    def write_set_aside(self, origin: Range, aside: Sequence[SetAside]) -> None:
        """Account for what became no row."""
        with self._observer.step("set aside", _place(origin)):
            self._trail.write_set_aside(origin, aside)

    def write_ledger(self, entry: LedgerEntry) -> None:
        """Account for a range."""
        with self._observer.step("account", _place(entry.range)):
            self._trail.write_ledger(entry)
        self._observer.accounted(entry)

    def write_evidence(self, records: Sequence[RegisteredEvidence]) -> None:
        """Keep evidence."""
        with self._observer.step("store evidence", "evidence"):
            self._trail.write_evidence(records)

    def evidence_beyond(self, known: Mapping[str, int]) -> Sequence[KeptEvidence]:
        """Give what the store knows newer."""
        with self._observer.step("recall evidence", "evidence"):
            return self._trail.evidence_beyond(known)

    def register_policy(self, version: PolicyVersion) -> str:
        """Make a policy version known."""
        return self._trail.register_policy(version)

    def registers(self) -> Sequence[RegisterState]:
        """Give the registers' newest beats."""
        return self._trail.registers()


def _place(stored: Range) -> str:
    return f"{stored.topic}/{stored.partition}"
