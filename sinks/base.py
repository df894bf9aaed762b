"""The seam between the streams and whatever keeps their results."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple, Protocol

from earwitness.policy.reach import Selector
from models.dead_letter import DeadLetter, DeadLetterReason
from models.evidence import EvidenceRecord
from models.fields import microseconds
from models.finding import Finding
from models.pages import Page
from models.ranges import Range
from models.registers import RegisterState
from models.verdict import Verdict

Identity = tuple[str, str]
"""(source, id) of an access."""

Content = tuple[Any, ...]
"""What an access says, as comparable values in the order of `CONTENT_FIELDS`."""

CONTENT_FIELDS: Final = (
    "time",
    "actor_type",
    "actor_id",
    "organization",
    "actor_team",
    "action",
    "resource_type",
    "resource_id",
    "customer_id",
    "outcome",
    "purpose",
    "evidence_ref",
    "recipient",
    "operation_id",
    "session_id",
    "trace_id",
    "ip",
    "user_agent",
    "item_count",
    "content_bytes",
)
"""The fields that two copies of one access share; `producer` and `sequence` belong to the delivery."""


_NUMBERS: Final = frozenset({"item_count", "content_bytes"})


def content_of(event: Any) -> Content:  # noqa: ANN401 - any carrier of an event's attributes
    """Say what an event says in values that compare equal for copies of one access."""
    time, *rest = (getattr(event, name) for name in CONTENT_FIELDS)
    return (
        microseconds(time),
        *(
            value if name in _NUMBERS else value or ""
            for name, value in zip(CONTENT_FIELDS[1:], rest, strict=True)
        ),
    )


class JudgedAccess(NamedTuple):
    """One row of a block: an event (attributes of AccessEvent), its verdict and where it came from.

    `stale_registers` names the registers that were overdue when it was judged, of those that its verdict
    leans on.
    """

    event: Any
    unknown_fields: str
    verdict: Verdict
    offset: int
    received_at_ms: int
    stale_registers: tuple[str, ...] = ()


def finding_of(row: JudgedAccess, stored: Range) -> Finding | None:
    """Tell of a stored access that nothing justifies; None where it is justified."""
    if row.verdict.outcome == "justified":
        return None
    return Finding.about(
        row.event,
        kind=row.verdict.outcome,
        reason=row.verdict.reason,
        clause=row.verdict.clause,
        position=f"{stored.topic}/{stored.partition}/{row.offset}",
    )._replace(stale_registers=row.stale_registers)


class Block(NamedTuple):
    """The judged accesses of one range, made durable together."""

    range: Range
    rows: Sequence[JudgedAccess]
    evidence_version: int
    judged_at: datetime


class SetAside(NamedTuple):
    """One record of a range that did not become a row, and its place in its producer's count.

    `producer` is empty and `sequence` 0 where the record does not say, or cannot be read.
    """

    offset: int
    received_at_ms: int
    reason: Literal["copy"] | DeadLetterReason
    producer: str
    sequence: int


class LedgerEntry(NamedTuple):
    """What became of the records of one range.

    `set_aside_count` of the dead letters and duplicates are kept each by its offset; of the others, which
    only a version before that stored, no more than their number is known.
    """

    range: Range
    row_count: int
    dead_letter_count: int
    duplicate_count: int
    set_aside_count: int = 0


class RegisteredEvidence(NamedTuple):
    """One version of an evidence record, as the broker placed and timed it."""

    record: EvidenceRecord
    version: int
    registered_at_ms: int


class Received(NamedTuple):
    """A record of a partition, and when the broker received it, in milliseconds since 1970."""

    offset: int
    received_at_ms: int


class KeptEvidence(NamedTuple):
    """One version of an evidence record as the store keeps it; `record` is JSON, as the topic carries it."""

    ref: str
    version: int
    record: bytes


class PolicyVersion(NamedTuple):
    """A policy version that accesses are judged by; `document` is all that it says, as JSON."""

    policy: str
    version: str
    digest: str
    effective_from: datetime
    document: str


MOST_MISFITS: Final = 100
"""Rows of one range that the store may refuse before that is held against the store."""


def following(topic: str, partition: int, reached: int, runs: Sequence[tuple[date, int, int]]) -> list[Range]:
    """Make ranges of runs of rows (day, first and last offset): each begins behind the one before it.

    `reached` is the last offset accounted for; -1 where none is, and then the first row begins the first.
    """
    ranges: list[Range] = []
    for day, first, last in runs:
        begins = first if reached < 0 else reached + 1
        ranges.append(Range(topic, partition, begins, last, day))
        reached = last
    return ranges


def letters_token(origin: Range, letters: Sequence[DeadLetter]) -> str:
    """Name dead letters of a range so that they are recognised when they come again."""
    first, last = letters[0].position.offset, letters[-1].position.offset
    return f"dead-letters:{origin.token}:{first}-{last}:{len(letters)}"


class TrailSink(Protocol):
    """A durable home for judged accesses. Every write may be repeated and then changes nothing.

    Each method raises `SinkUnavailable` (ask again; the outcome of a write is then unknown) or
    `SinkRejected` (asking again will not help).
    """

    def write(self, block: Block) -> bool:
        """Make all rows of `block` durable at once, keyed by `block.range.token`.

        Changes nothing and gives False where any offset of the range has a row.
        Raises `RowsRejected` where some of them can never be stored; then none is.
        """

    def misfits(self, block: Block) -> Mapping[int, str]:
        """Say which rows of a rejected block the store will never take: their offsets, and why.

        Nothing is stored by asking. Raises `SinkRejected` where more than `MOST_MISFITS` are refused:
        then the table is at fault, and not the rows.
        """

    def tally(self, stored: Range) -> LedgerEntry:
        """Count what is stored of that range, whichever attempt wrote it."""

    def findings(self, stored: Range) -> list[Finding]:
        """Give the rows of that range that are not justified, by offset."""

    def refused(self, stored: Range) -> list[DeadLetter]:
        """Give the dead letters of that range, by offset."""

    def known(self, identities: Collection[Identity], apart_from: Range | None) -> Mapping[Identity, Content]:
        """Give those of `identities` that are stored, rows of `apart_from` apart, with what they say."""

    def newest_id_ms(self, topic: str, partition: int, received_after_ms: int) -> int | None:
        """Give when the newest version 7 id was made that the partition stored, of those received after.

        In milliseconds since 1970; None where there is none.
        """

    def last_row(self, topic: str, partition: int) -> Received | None:
        """Say where the last row of the partition came from; None where it has none."""

    def highest_offset(self, topic: str, partition: int) -> int | None:
        """Give the last offset that any stored range of the partition covers."""

    def last_accounted(self, topic: str, partition: int) -> Range | None:
        """Give the range of the ledger that ends last; None where there is none."""

    def unaccounted(self, topic: str, partition: int) -> list[Range]:
        """Give the ranges behind the last that the ledger covers which have rows, by offset.

        Each has one day, and follows on from the one before it. What its owner announced as one range may
        be the end of a longer one here: what holds no row behind its last row is not known to belong to it.
        """

    def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused in that range."""

    def write_set_aside(self, origin: Range, aside: Sequence[SetAside]) -> None:
        """Account for what did not become a row in that range, before its rows are written."""

    def write_ledger(self, entry: LedgerEntry) -> None:
        """Account for a range whose rows are stored.

        An entry that is repeated after very many others may stand there twice: readers take each range once.
        """

    def write_evidence(self, records: Sequence[RegisteredEvidence]) -> None:
        """Keep versions of evidence records; the same version again is folded into one."""

    def evidence_beyond(self, known: Mapping[str, int]) -> Sequence[KeptEvidence]:
        """Give the newest version of each record, unless `known` (ref → version) has it or a newer one."""

    def register_policy(self, version: PolicyVersion) -> str:
        """Make a version known unless one of its name is; give the digest that it is known by.

        A version is also known by the digest under which stored accesses were judged. Of two that are
        registered at once one is taken. What is taken is told in the activity log.
        """

    def registers(self) -> Sequence[RegisterState]:
        """Give every register that ever beat, by its newest beat, by name."""


class StoredAccess(NamedTuple):
    """An access of the trail with the verdict that holds now: what it takes to judge it again.

    `first` is the verdict that it was stored with.
    """

    id: str
    source: str
    time: datetime
    actor_type: str
    actor_id: str
    organization: str | None
    actor_team: str | None
    action: str
    resource_type: str
    resource_id: str
    customer_id: str
    purpose: str | None
    evidence_ref: str | None
    recipient: str | None
    received_at: datetime
    position: str
    verdict: Verdict
    evidence_version: int
    late: bool
    first: Verdict

    @property
    def key(self) -> tuple[str, datetime, str]:
        """The order in which a day is paged through; accesses of several sources may share a place."""
        return self.customer_id, self.time, self.id


class JudgedBefore(NamedTuple):
    """Accesses that `selector` selects and whose first verdict was given before this evidence version."""

    selector: Selector
    evidence_version: int


class PendingSince(NamedTuple):
    """Accesses received at `since` or later, and until `until`, whose verdict is pending now."""

    since: datetime
    until: datetime


Selection = JudgedBefore | PendingSince


class NewVerdict(NamedTuple):
    """What a stored access is judged to be now; `late` where evidence brought it about.

    What a grace's end, or a policy version put there late, brings about is not `late`.
    `stale_registers` is as for `JudgedAccess`, at the instant of this verdict.
    """

    access: StoredAccess
    verdict: Verdict
    late: bool
    stale_registers: tuple[str, ...] = ()


class VerdictBlock(NamedTuple):
    """The new verdicts of one page, all given at the same evidence version."""

    page: Page
    verdicts: Sequence[NewVerdict]
    evidence_version: int


def new_finding(given: NewVerdict, evidence_version: int) -> Finding | None:
    """Tell of a stored access that a new verdict does not justify; None where it does."""
    if given.verdict.outcome == "justified":
        return None
    return Finding.about(
        given.access,
        kind=given.verdict.outcome,
        reason=given.verdict.reason,
        clause=given.verdict.clause,
        position=given.access.position,
        evidence_version=evidence_version,
    )._replace(stale_registers=given.stale_registers)


class VerdictSink(Protocol):
    """Where stored accesses are looked up to be judged again, and their new verdicts kept.

    Each method raises `SinkUnavailable` (ask again; the outcome of a write is then unknown) or
    `SinkRejected` (asking again will not help).
    """

    def evidence_before(self, refs: Collection[str], version: int) -> Mapping[str, EvidenceRecord]:
        """Give the newest record of each ref among those with a lower version; unknown refs are left out."""

    def count_by_day(self, selection: JudgedBefore) -> Mapping[date, int]:
        """Count the selected accesses by the day of their receipt; days without any are left out."""

    def count_by_value(self, selection: JudgedBefore) -> Mapping[tuple[str, ...], int]:
        """Count the selected accesses by what they have in `selector.by`; values without any are left out."""

    def pending_days(self, selection: PendingSince) -> Collection[date]:
        """Give every day of receipt of the selected accesses, and few others."""

    def select(
        self, selection: Selection, day: date, after: StoredAccess | None, limit: int
    ) -> list[StoredAccess]:
        """Give the selected accesses of a day behind `after`, in the order of `StoredAccess.key`.

        Give `limit` of them, and beyond it those that share the place of the last one.
        """

    def write_verdicts(self, block: VerdictBlock) -> None:
        """Make the verdicts of a page durable at once, keyed by `page.token`."""

    def block_of(self, page: Page) -> VerdictBlock | None:
        """Give what is stored of a page; None where nothing is."""
