"""A trail in memory: for tests and simulations, under the same contract suite as ClickHouse."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from models.dead_letter import DeadLetter
from models.errors import RowsRejected, SinkRejected
from models.evidence import EvidenceRecord
from models.fields import EPOCH, made_at_ms
from models.finding import Finding
from models.pages import Page
from models.ranges import Range
from models.registers import RegisterState
from models.verdict import NO_EVIDENCE_VERSION
from sinks.base import (
    MOST_MISFITS,
    Block,
    Content,
    Identity,
    JudgedAccess,
    JudgedBefore,
    KeptEvidence,
    LedgerEntry,
    PendingSince,
    PolicyVersion,
    Received,
    RegisteredEvidence,
    Selection,
    SetAside,
    StoredAccess,
    VerdictBlock,
    content_of,
    finding_of,
    following,
    letters_token,
)

_OF_THE_EVENT: Final = StoredAccess._fields[:14]
"""The fields that a stored access has from its event."""


class MemoryTrail:
    """A `TrailSink` that keeps everything in this process, keyed as ClickHouse keys it."""

    def __init__(self, refuses: Callable[[JudgedAccess], bool] = lambda _: False) -> None:
        self.refuses = refuses
        self.blocks: dict[str, Block] = {}
        self.dead_letters: dict[str, tuple[DeadLetter, ...]] = {}
        self.set_aside: dict[tuple[str, int, int], SetAside] = {}
        self.ledger: dict[str, LedgerEntry] = {}
        self.evidence: dict[tuple[str, int], RegisteredEvidence] = {}
        self.beats: dict[str, RegisterState] = {}
        self.policies: dict[tuple[str, str], PolicyVersion] = {}

    def write(self, block: Block) -> bool:
        """Keep the block unless its token is known, or its range has rows."""
        if self._rows(block.range):
            return False
        if any(self.refuses(row) for row in block.rows):
            raise RowsRejected("rows that this store refuses")
        self.blocks.setdefault(block.range.token, block)
        return True

    def misfits(self, block: Block) -> Mapping[int, str]:
        """Say which rows of a rejected block are refused."""
        found = {row.offset: "this store refuses it" for row in block.rows if self.refuses(row)}
        if len(found) > MOST_MISFITS:
            raise SinkRejected(f"{len(found)} rows are refused, so the table is at fault and not the rows")
        return found

    def tally(self, stored: Range) -> LedgerEntry:
        """Count what is stored of the range."""
        rows = len(self._rows(stored))
        letters = len(self.refused(stored))
        aside = sum(
            (topic, partition) == stored[:2] and stored.first <= offset <= stored.last
            for topic, partition, offset in self.set_aside
        )
        return LedgerEntry(stored, rows, letters, stored.last - stored.first + 1 - rows - letters, aside)

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

    def newest_id_ms(self, topic: str, partition: int, received_after_ms: int) -> int | None:
        """Give when the newest version 7 id was made that the partition stored, of those received after."""
        made = (
            made_at_ms(row.event.id)
            for block in self.blocks.values()
            if block.range[:2] == (topic, partition)
            for row in block.rows
            if row.received_at_ms > received_after_ms
        )
        return max((made_ms for made_ms in made if made_ms is not None), default=None)

    def last_row(self, topic: str, partition: int) -> Received | None:
        """Say where the last row of the partition came from; None where it has none."""
        rows = (
            Received(row.offset, row.received_at_ms)
            for block in self.blocks.values()
            if block.range[:2] == (topic, partition)
            for row in block.rows
        )
        return max(rows, default=None)

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

    def last_accounted(self, topic: str, partition: int) -> Range | None:
        """Give the range of the ledger that ends last."""
        here = (entry.range for entry in self.ledger.values() if entry.range[:2] == (topic, partition))
        return max(here, key=lambda stored: stored.last, default=None)

    def unaccounted(self, topic: str, partition: int) -> list[Range]:
        """Give the ranges with rows behind the last that the ledger covers, by offset."""
        here = (topic, partition)
        covered = [entry.range.last for entry in self.ledger.values() if entry.range[:2] == here]
        reached = max(covered, default=-1)
        rows = sorted(
            (row.offset, block.range.day)
            for block in self.blocks.values()
            if block.range[:2] == here
            for row in block.rows
            if row.offset > reached
        )
        runs = [(day, [offset for offset, _ in run]) for day, run in groupby(rows, key=lambda row: row[1])]
        return following(topic, partition, reached, [(day, run[0], run[-1]) for day, run in runs])

    def write_dead_letters(self, origin: Range, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused in that range."""
        self.dead_letters.setdefault(letters_token(origin, letters), tuple(letters))

    def write_set_aside(self, origin: Range, aside: Sequence[SetAside]) -> None:
        """Account for what did not become a row in that range."""
        for item in aside:
            self.set_aside[origin.topic, origin.partition, item.offset] = item

    def write_ledger(self, entry: LedgerEntry) -> None:
        """Account for a range."""
        self.ledger.setdefault(entry.range.name, entry)

    def write_evidence(self, records: Sequence[RegisteredEvidence]) -> None:
        """Keep versions of evidence records."""
        for item in records:
            self.evidence[item.record.ref, item.version] = item

    def evidence_beyond(self, known: Mapping[str, int]) -> list[KeptEvidence]:
        """Give the newest version of each record that is newer than the known one."""
        newest = dict(sorted(self.evidence))
        return [
            KeptEvidence(ref, version, self.evidence[ref, version].record.model_dump_json().encode())
            for ref, version in newest.items()
            if version > known.get(ref, NO_EVIDENCE_VERSION)
        ]

    def register_policy(self, version: PolicyVersion) -> str:
        """Make a version known unless one of its name is; give the digest that it is known by."""
        for block in self.blocks.values():
            for row in block.rows:
                if row.verdict.policy_version == version.version:
                    return row.verdict.policy_digest
        return self.policies.setdefault((version.policy, version.version), version).digest

    def registers(self) -> Sequence[RegisterState]:
        """Give every register that ever beat, by its newest beat, by name."""
        return [self.beats[name] for name in sorted(self.beats)]

    def _rows(self, stored: Range) -> list[JudgedAccess]:
        return [
            row
            for block in self.blocks.values()
            if block.range[:2] == stored[:2] and block.range.day == stored.day
            for row in block.rows
            if stored.first <= row.offset <= stored.last
        ]


class MemoryVerdicts:
    """A `VerdictSink` over a `MemoryTrail`."""

    def __init__(self, trail: MemoryTrail) -> None:
        self.blocks: dict[str, VerdictBlock] = {}
        self._trail = trail

    def evidence_before(self, refs: Collection[str], version: int) -> Mapping[str, EvidenceRecord]:
        """Give the newest record of each ref among those with a lower version."""
        known = sorted(self._trail.evidence.values(), key=lambda item: item.version)
        return {
            item.record.ref: item.record
            for item in known
            if item.version < version and item.record.ref in refs
        }

    def count_by_day(self, selection: JudgedBefore) -> Mapping[date, int]:
        """Count the selected accesses by day."""
        return Counter(day for day, _ in self._selected(selection))

    def count_by_value(self, selection: JudgedBefore) -> Mapping[tuple[str, ...], int]:
        """Count the selected accesses by what they have in the attributes that the selector asks for."""
        by = selection.selector.by
        return Counter(
            tuple(getattr(access, name) or "" for name in by) for _, access in self._selected(selection)
        )

    def pending_days(self, selection: PendingSince) -> Collection[date]:
        """Give the days of the selected accesses."""
        return {day for day, _ in self._selected(selection)}

    def select(
        self, selection: Selection, day: date, after: StoredAccess | None, limit: int
    ) -> list[StoredAccess]:
        """Give the selected accesses of a day behind `after`."""
        found = [
            self._as_judged_last(access)
            for received_day, access in self._selected(selection)
            if received_day == day and (after is None or access.key > after.key)
        ]
        found.sort(key=lambda access: access.key)
        return [access for access in found if access.key <= found[min(limit, len(found)) - 1].key]

    def write_verdicts(self, block: VerdictBlock) -> None:
        """Keep the block unless its token is known."""
        self.blocks.setdefault(block.page.token, block)

    def block_of(self, page: Page) -> VerdictBlock | None:
        """Give what is stored of a page."""
        return self.blocks.get(page.token)

    def _selected(self, selection: Selection) -> Iterator[tuple[date, StoredAccess]]:
        for block in self._trail.blocks.values():
            for row in block.rows:
                access = _stored(block, row)
                if isinstance(selection, PendingSince):
                    now = self._as_judged_last(access)
                    chosen = now.verdict.outcome == "pending" and (
                        selection.since <= access.received_at <= selection.until
                    )
                else:
                    chosen = access.evidence_version < selection.evidence_version and (
                        selection.selector.selects(access)
                    )
                if chosen:
                    yield block.range.day, access

    def _as_judged_last(self, access: StoredAccess) -> StoredAccess:
        later = [
            (block.evidence_version, block.page.judged_at, given)
            for block in self.blocks.values()
            for given in block.verdicts
            if (given.access.source, given.access.id) == (access.source, access.id)
        ]
        if not later:
            return access
        version, _, newest = max(later, key=lambda given: given[:2])
        return access._replace(verdict=newest.verdict, evidence_version=version, late=newest.late)


def _stored(block: Block, row: JudgedAccess) -> StoredAccess:
    position = f"{block.range.topic}/{block.range.partition}/{row.offset}"
    received_at = EPOCH + timedelta(milliseconds=row.received_at_ms)
    event = (getattr(row.event, name) for name in _OF_THE_EVENT)
    return StoredAccess._make(
        (*event, received_at, position, row.verdict, block.evidence_version, False, row.verdict)
    )
