"""The seam between the streams and whatever keeps their results."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from models.dead_letter import DeadLetter
from models.evidence import EvidenceRecord
from models.fields import microseconds
from models.finding import Finding
from models.ranges import Range
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
    """One row of a block: an event (attributes of AccessEvent), its verdict and where it came from."""

    event: Any
    unknown_fields: str
    verdict: Verdict
    offset: int
    received_at_ms: int


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
    )


class Block(NamedTuple):
    """The judged accesses of one range, made durable together."""

    range: Range
    rows: Sequence[JudgedAccess]
    evidence_version: int
    judged_at: datetime


class LedgerEntry(NamedTuple):
    """What became of the records of one range."""

    range: Range
    row_count: int
    dead_letter_count: int
    duplicate_count: int


class RegisteredEvidence(NamedTuple):
    """One version of an evidence record, as the broker placed and timed it."""

    record: EvidenceRecord
    version: int
    registered_at_ms: int


class PolicyVersion(NamedTuple):
    """A policy version that accesses are judged by; `document` is all that it says, as JSON."""

    policy: str
    version: str
    digest: str
    effective_from: datetime
    document: str


class TrailSink(Protocol):
    """A durable home for judged accesses. Every write may be repeated and then changes nothing.

    Each method raises `SinkUnavailable` (ask again; the outcome of a write is then unknown) or
    `SinkRejected` (asking again will not help).
    """

    def write(self, block: Block) -> None:
        """Make all rows of `block` durable at once, keyed by `block.range.token`."""

    def tally(self, stored: Range) -> LedgerEntry:
        """Count what is stored of that range, whichever attempt wrote it."""

    def findings(self, stored: Range) -> list[Finding]:
        """Give the rows of that range that are not justified, by offset."""

    def refused(self, stored: Range) -> list[DeadLetter]:
        """Give the dead letters of that range, by offset."""

    def known(self, identities: Collection[Identity], apart_from: Range | None) -> Mapping[Identity, Content]:
        """Give those of `identities` that are stored, rows of `apart_from` apart, with what they say."""

    def highest_offset(self, topic: str, partition: int) -> int | None:
        """Give the last offset that any stored range of the partition covers."""

    def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused in that range."""

    def write_ledger(self, entry: LedgerEntry) -> None:
        """Account for a range whose rows are stored."""

    def write_evidence(self, records: Sequence[RegisteredEvidence]) -> None:
        """Keep versions of evidence records; the same version again is folded into one."""

    def register_policy(self, version: PolicyVersion) -> str:
        """Make a version known unless one of its name is; give the digest that it is known by.

        A version is also known by the digest under which stored accesses were judged. Of two that are
        registered at once one is taken. What is taken is told in the activity log.
        """
