"""A trail in memory: for tests and simulations, under the same contract suite as ClickHouse."""

from collections.abc import Collection, Mapping, Sequence

from models.dead_letter import DeadLetter
from models.finding import Finding
from models.ranges import Range
from sinks.base import (
    Block,
    Content,
    Identity,
    JudgedAccess,
    LedgerEntry,
    PolicyVersion,
    RegisteredEvidence,
    content_of,
    finding_of,
)


class MemoryTrail:
    """A `TrailSink` that keeps everything in this process, keyed as ClickHouse keys it."""

    def __init__(self) -> None:
        self.blocks: dict[str, Block] = {}
        self.dead_letters: dict[str, tuple[DeadLetter, ...]] = {}
        self.ledger: dict[str, LedgerEntry] = {}
        self.evidence: dict[tuple[str, int], RegisteredEvidence] = {}
        self.policies: dict[tuple[str, str], PolicyVersion] = {}

    def write(self, block: Block) -> None:
        """Keep the block unless its token is known."""
        self.blocks.setdefault(block.range.token, block)

    def tally(self, stored: Range) -> LedgerEntry:
        """Count what is stored of the range."""
        rows = len(self._rows(stored))
        letters = len(self.refused(stored))
        return LedgerEntry(stored, rows, letters, stored.last - stored.first + 1 - rows - letters)

    def findings(self, stored: Range) -> list[Finding]:
        """Give the rows of the range that are not justified, by offset."""
        rows = sorted(self._rows(stored), key=lambda row: row.offset)
        found = (finding_of(row, stored) for row in rows)
        return [finding for finding in found if finding is not None]

    def refused(self, stored: Range) -> list[DeadLetter]:
        """Give the dead letters of that range, by offset."""
        kept = {
            letter.position.offset: letter
            for letters in self.dead_letters.values()
            for letter in letters
            if letter.position[:2] == stored[:2] and stored.first <= letter.position.offset <= stored.last
        }
        return [kept[offset] for offset in sorted(kept)]

    def known(self, identities: Collection[Identity], apart_from: Range | None) -> Mapping[Identity, Content]:
        """Give those of `identities` that are stored, rows of `apart_from` apart, with what they say."""
        stored = {
            (row.event.source, row.event.id): content_of(row.event)
            for block in self.blocks.values()
            for row in block.rows
            if apart_from is None
            or block.range[:2] != apart_from[:2]
            or not apart_from.first <= row.offset <= apart_from.last
        }
        return {identity: stored[identity] for identity in identities if identity in stored}

    def highest_offset(self, topic: str, partition: int) -> int | None:
        """Give the last offset that any stored range of the partition covers."""
        reached = [
            stored.last
            for stored in (
                *(block.range for block in self.blocks.values()),
                *(entry.range for entry in self.ledger.values()),
            )
            if (stored.topic, stored.partition) == (topic, partition)
        ]
        return max(reached, default=None)

    def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused in that range."""
        self.dead_letters.setdefault(origin.token, tuple(letters))

    def write_ledger(self, entry: LedgerEntry) -> None:
        """Account for a range."""
        self.ledger.setdefault(entry.range.name, entry)

    def write_evidence(self, records: Sequence[RegisteredEvidence]) -> None:
        """Keep versions of evidence records."""
        for item in records:
            self.evidence[item.record.ref, item.version] = item

    def register_policy(self, version: PolicyVersion) -> str:
        """Make a version known unless one of its name is; give the digest that it is known by."""
        for block in self.blocks.values():
            for row in block.rows:
                if row.verdict.policy_version == version.version:
                    return row.verdict.policy_digest
        return self.policies.setdefault((version.policy, version.version), version).digest

    def _rows(self, stored: Range) -> list[JudgedAccess]:
        return [
            row
            for block in self.blocks.values()
            if block.range[:2] == stored[:2] and block.range.day == stored.day
            for row in block.rows
            if stored.first <= row.offset <= stored.last
        ]
