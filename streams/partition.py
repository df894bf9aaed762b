"""Exactly one row for each access, by ranges: the protocol of one partition, while we own it.

Before a range is stored its intent is committed: the offset where it begins, with metadata that
says where it ends. Whoever owns the partition next finds that intent and asks the store: rows of
the range are there, so it is done; or they are not, so the same records are stored under the same
name, which the store takes only once. docs/decisions/0001-exactly-once-by-ranges.md tells why this
holds, and what happens to an owner that sleeps and wakes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from models.dead_letter import DeadLetter
from models.errors import IntegrityBroken, MalformedEvent, RangeLost, RowsRejected
from models.finding import Finding
from models.publisher import Message
from models.ranges import Range
from sinks.base import (
    Block,
    Content,
    Identity,
    JudgedAccess,
    LedgerEntry,
    Received,
    finding_of,
)
from streams.copies import (
    LATEST_AHEAD_MS,
    Accepted,
    Mark,
    RecentIdentities,
    marks_of,
    sort_copies,
)
from streams.dead_letters import dead_letter_message
from streams.failures import Failed, report_failure
from streams.findings import conflict_finding, finding_message
from streams.inflow import Inflow
from streams.judge import conflict, dead_letter, judge_accepted, read_records, received_at
from streams.offsets import Membership
from streams.persistence import WhileOwned
from streams.ports import Ports
from streams.set_aside import set_aside
from streams.wire import LONGEST_DETAIL

log = structlog.get_logger(__name__)


FILTER_LOOKS_BACK_MS: Final = 2 * LATEST_AHEAD_MS
"""How far before its first access a new owner reads which ids are stored; what it takes in with an id made
earlier than that, but for `LATEST_AHEAD_MS`, it looks up."""

_ANOTHER_TOPIC: Final = (
    "the topic was made anew or lost its end, or Kafka and ClickHouse belong to different installations."
    " Point this worker at the Kafka it wrote from, or see 'Kafka is lost' in"
    " docs/runbooks/backup-and-restore.md"
)


class PartitionOwner:
    """Stores the ranges of one partition, one after the other, for as long as one generation lasts.

    `feed` takes batches in; `run` works them off until the generation is over, which it reports by
    `RangeLost`. Any other error ends the worker: going on would lose or double a row.
    """

    def __init__(self, ports: Ports, topic: str, partition: int, membership: Membership) -> None:
        self.membership = membership
        self._topic = topic
        self._partition = partition
        self._ports = ports
        self._persistently = WhileOwned(ports.offsets, membership, ports.threads, f"{topic}/{partition}")
        self._storing = asyncio.Lock()
        self._inflow = Inflow(ports, topic, partition, self._persistently)
        self._inherited = ""
        self._recent: RecentIdentities | None = None
        self._uncommitted: int | None = None
        """The offset behind ranges that are stored and whose intent still stands as the last commit."""
        self._untold: Sequence[Message] = ()
        """What the last range brought to light: told once a commit behind it has shown that it is ours."""

    def feed(self, records: Sequence[Any]) -> None:
        """Hand over the records of one fetch."""
        self._inflow.put(records)

    async def run(self) -> None:
        """Settle what the last owner left, then store range after range."""
        await self._settle()
        while True:
            await self._store_some()

    async def _store_some(self) -> None:
        """Store the next records range by range; none of them is held on to while others are awaited."""
        records = await self._inflow.begin(self._commit_while_idle)
        async with self._ports.turns:
            await self._inflow.fill(records)
            for announced, part in self._inflow.cut(records):
                async with self._storing:
                    await self._store(announced, part)

    async def rest(self, limit_s: float) -> None:
        """Return when no range is under way, or after `limit_s`; no further range is begun."""
        try:
            async with asyncio.timeout(limit_s):
                await self._storing.acquire()
                await self._commit_behind()
        except TimeoutError:
            log.warning("range_abandoned", topic=self._topic, partition=self._partition, after_s=limit_s)
        except RangeLost:
            log.info("range_left_to_settle", topic=self._topic, partition=self._partition)

    async def _settle(self) -> None:
        """Find out where to go on: at an unfinished range, or behind all that is committed or stored."""
        committed = await self._persistently.call(
            lambda: self._ports.offsets.fetch(self._topic, self._partition)
        )
        reached, last = await self._persistently.in_thread(self._reached)
        await self._refuse_another_topic(max(committed.offset or 0, reached + 1), last)
        intent = Range.from_intent(self._topic, self._partition, committed.metadata)
        await self._tell_again(intent)
        accounted = await self._account_for_rows(intent)
        if committed.offset is None or accounted or await self._is_lacking(committed.offset, reached):
            await self._go_behind(reached)
        elif intent is not None and reached <= intent.last:
            self._inflow.expected = intent.first
            await self._settle_range(intent)
        elif committed.offset <= reached:
            await self._go_behind(reached)
        else:
            self._inflow.expected = committed.offset

    def _reached(self) -> tuple[int, Received | None]:
        """Give how far the partition is stored, -1 where nothing is, and its last row."""
        trail, here = self._ports.trail, (self._topic, self._partition)
        highest = trail.highest_offset(*here)
        return -1 if highest is None else highest, trail.last_row(*here)

    async def _account_for_rows(self, intent: Range | None) -> bool:
        """Finish ranges that are stored and that no ledger row covers; say whether there were any.

        The commit does not tell of them where it has expired, or where the store was restored from a
        backup whose ledger is older than its rows. What `intent` announces is settled as such.
        """
        left = await self._persistently.in_thread(self._ports.trail.unaccounted, self._topic, self._partition)
        if intent is not None and left and intent.first <= left[0].first and left[-1].last <= intent.last:
            return False
        for stored in left:
            await self._finish(stored)
        return bool(left)

    async def _is_lacking(self, committed: int, reached: int) -> bool:
        """Say whether the store lacks records that were committed and that the topic still has.

        It does after it was restored from a backup: what came since is taken from the topic again.
        """
        lacking = reached + 1
        if lacking >= committed:
            return False
        first = await self._persistently.call(
            lambda: self._ports.offsets.first_from(self._topic, self._partition, lacking)
        )
        if first >= committed:
            return False
        log.warning(
            "store_lacks_records", topic=self._topic, partition=self._partition, first=first, next=committed
        )
        return True

    async def _settle_range(self, intent: Range) -> None:
        """Finish an announced range that is stored; take one that is not again, under the same name."""
        tally = await self._persistently.in_thread(self._ports.trail.tally, intent)
        log.info("range_settled", range=intent.token, rows=tally.row_count)
        if tally.row_count == 0:
            self._inflow.announced = intent
            self._inherited = intent.token
            return
        await self._finish(intent)
        self._inflow.expected = intent.last + 1

    async def _finish(self, stored: Range) -> None:
        """Account for a range that another owner stored, and tell of it from what is stored."""
        tally = await self._persistently.in_thread(self._ports.trail.tally, stored)
        await self._persistently.in_thread(self._ports.trail.write_ledger, tally)
        self._untold = await self._told_by(stored)
        await self._commit(stored.last + 1, "")

    async def _tell_again(self, intent: Range | None) -> None:
        """Tell of the last range that was accounted for: its owner may have ended before it told.

        Unless it is the announced one, of which we tell when it is settled.
        """
        last = await self._persistently.in_thread(
            self._ports.trail.last_accounted, self._topic, self._partition
        )
        if last is not None and (intent is None or last.last < intent.first):
            self._untold = await self._told_by(last)
            await self._tell()

    async def _told_by(self, stored: Range) -> Sequence[Message]:
        """Make the messages of a range from what is stored of it."""
        trail = self._ports.trail
        findings = await self._persistently.in_thread(trail.findings, stored)
        letters = await self._persistently.in_thread(trail.refused, stored)
        return _messages(findings, letters)

    async def _refuse_another_topic(self, known_to: int, last: Received | None) -> None:
        """Stop where the topic ends before what is known of it, or has another record than the last row's.

        One that was made anew may have grown past what was known: its records would be taken for stored.
        """
        offsets = self._ports.offsets
        end = await self._persistently.call(lambda: offsets.end(self._topic, self._partition))
        if known_to > end:
            raise IntegrityBroken(
                f"{self._topic}/{self._partition} ends at offset {end}, but offset {known_to - 1} was reached"
                f" before: {_ANOTHER_TOPIC}"
            )
        if last is None:
            return
        received_at_ms = await self._persistently.call(
            lambda: offsets.received_at_ms(self._topic, self._partition, last.offset)
        )
        # Where retention took the record, nothing can be said.
        if received_at_ms not in (None, last.received_at_ms):
            raise IntegrityBroken(
                f"{self._topic}/{self._partition} has another record at offset {last.offset} than the one"
                f" that is stored: {_ANOTHER_TOPIC}"
            )

    async def _go_behind(self, reached: int) -> None:
        """Go on behind what is stored, or at the first record, whatever is committed.

        Commits expire with their group, and an operator may move them back. Ranges cut anew over what is
        stored would not be those that the ledger has.
        """
        if reached >= 0:
            await self._commit(reached + 1, "")
            await self._inflow.go_on_at(reached + 1)
        else:
            earliest = await self._persistently.call(
                lambda: self._ports.offsets.earliest(self._topic, self._partition)
            )
            await self._inflow.go_on_at(earliest)

    async def _store(self, announced: Range, records: Sequence[Any]) -> None:
        """Judge the records of one range and make all of it durable, once."""
        read = read_records(records)
        marks = marks_of(read.accepted)
        stored = await self._stored_copies(announced, read.accepted, marks)
        copies = sort_copies(read.accepted, marks, stored)
        # Announced before the registers are read: whoever judges again after a change of them can tell
        # which ranges may have been judged before it (docs/decisions/0008-judging-again.md).
        await self._commit(announced.first, announced.intent)
        await self._persistently.call(self._ports.evidence.catch_up)
        registers = await self._persistently.call(self._ports.registers.current)
        as_of = self._ports.now()
        evidence = self._ports.evidence.index
        policies = self._ports.policies()
        with self._ports.judging(f"{self._topic}/{self._partition}"):
            rows = judge_accepted(copies.new, policies, evidence, as_of, registers)
        # The version now, for the registers go on while what follows is awaited.
        block = Block(announced, rows, evidence.version, as_of)
        for row in rows:
            if row.verdict.reason == "judge_error":
                report_failure(_failed(row, announced), policies, evidence, as_of)
        letters = [*read.refused, *(conflict(item) for item in copies.conflicts)]
        if letters:
            await self._persistently.in_thread(self._ports.trail.write_dead_letters, announced, letters)
        aside = set_aside(copies.duplicates, letters)
        if aside:
            await self._persistently.in_thread(self._ports.trail.write_set_aside, announced, aside)
        findings: list[Finding] = []
        if rows:
            block, misfits, findings = await self._write_what_fits(block, copies.new)
            letters += misfits
            aside += set_aside([], misfits)
        entry = LedgerEntry(block.range, len(block.rows), len(letters), copies.duplicate_count, len(aside))
        await self._persistently.in_thread(self._ports.trail.write_ledger, entry)
        self._untold = _messages(findings, letters)
        self._uncommitted = block.range.last + 1
        self._remember(marks)
        self._inflow.note_stored()

    async def _stored_copies(
        self, announced: Range, accepted: Sequence[Accepted], marks: Sequence[Mark]
    ) -> Mapping[Identity, Content]:
        if not accepted:
            return {}
        if self._recent is None:
            self._recent = await self._recent_identities(accepted[0].record.timestamp)
        suspects = self._recent.suspects(accepted, marks)
        if not suspects:
            return {}
        # An insert of the last owner may arrive late: rows of the very range it left are no copies of it.
        own = announced if announced.token == self._inherited else None
        return await self._persistently.in_thread(self._ports.trail.known, suspects, own)

    async def _recent_identities(self, received_ms: int) -> RecentIdentities:
        """Begin a filter at the first access received: behind the last id that the partition stored."""
        since_ms = received_ms - FILTER_LOOKS_BACK_MS
        newest = await self._persistently.in_thread(
            self._ports.trail.newest_id_ms, self._topic, self._partition, since_ms
        )
        # What was received earlier was made at most that much later.
        return RecentIdentities(max(newest or 0, since_ms + LATEST_AHEAD_MS), self._ports.most_remembered)

    def _remember(self, marks: Sequence[Mark]) -> None:
        """Remember what is stored by now: this range, and what its copies are copies of."""
        if self._recent is not None:
            self._recent.add(marks)

    async def _write_what_fits(
        self, block: Block, accepted: Sequence[Accepted]
    ) -> tuple[Block, list[DeadLetter], list[Finding]]:
        """Insert the block without the rows that the store refuses; those are kept as dead letters first.

        Give what was inserted, the letters, and what the rows that stand bring to light.

        The range stays whole and keeps its name: a later attempt at it, ours or another owner's, meets
        the same refusal or finds the name taken.
        """
        try:
            stored, findings = await self._write(block)
            return block._replace(range=stored), [], findings
        except RowsRejected:
            misfits = await self._persistently.in_thread(self._ports.trail.misfits, block)
            if not misfits:
                raise
        letters = [
            dead_letter(
                item.record, MalformedEvent("rejected_by_store", misfits[item.record.offset][:LONGEST_DETAIL])
            )
            for item in accepted
            if item.record.offset in misfits
        ]
        log.error("rows_rejected", range=block.range.token, rows=len(letters))
        await self._persistently.in_thread(self._ports.trail.write_dead_letters, block.range, letters)
        await self._persistently.in_thread(
            self._ports.trail.write_set_aside, block.range, set_aside([], letters)
        )
        fitting = block._replace(rows=[row for row in block.rows if row.offset not in misfits])
        if not fitting.rows:
            return fitting, letters, []
        # An earlier call may have been unclear: what became of the name is looked up.
        self._inherited = block.range.token
        stored, findings = await self._write(fitting)
        return fitting._replace(range=stored), letters, findings

    async def _write(self, block: Block) -> tuple[Range, list[Finding]]:
        """Insert the block; give the attempt under which its rows stand, and what they bring to light.

        An insert that is acknowledged at the first call is stored. After an unclear one, or one that an
        earlier owner may have made, the store can know the block's name without having its rows, for it
        notes the name first: then the next attempt is announced and made.
        """
        while True:
            if await self._insert(block) and block.range.token != self._inherited:
                found = (finding_of(row, block.range) for row in block.rows)
                return block.range, [finding for finding in found if finding is not None]
            tally = await self._persistently.in_thread(self._ports.trail.tally, block.range)
            if tally.row_count == len(block.rows):
                # The rows may be those of another owner, which judged them by what it knew.
                return block.range, await self._persistently.in_thread(
                    self._ports.trail.findings, block.range
                )
            if tally.row_count != 0:
                raise IntegrityBroken(
                    f"{block.range.token}: {tally.row_count} of {len(block.rows)} rows are stored"
                )
            log.warning("block_name_without_rows", range=block.range.token)
            block = block._replace(range=block.range.again())
            await self._commit(block.range.first, block.range.intent)

    async def _insert(self, block: Block) -> bool:
        """Write until the store answers; say whether the first call stored the block beyond doubt."""
        calls = 0

        async def call() -> bool:
            nonlocal calls
            calls += 1
            return await self._persistently.once_in_thread(self._ports.trail.write, block)

        return await self._persistently.call(call) and calls == 1

    async def _commit_while_idle(self) -> None:
        """Commit behind the last range when no record is at hand, whose intent would."""
        async with self._storing:
            await self._commit_behind()

    async def _commit_behind(self) -> None:
        """Commit behind the last range, unless the intent of the next, which says as much, was committed."""
        if self._uncommitted is not None:
            await self._commit(self._uncommitted, "")

    async def _commit(self, offset: int, metadata: str) -> None:
        """Commit, and tell what waited for it.

        A commit is refused to an owner that slept: its last range may be its successor's, who may have judged
        otherwise.
        """
        await self._persistently.commit(self._topic, self._partition, offset, metadata)
        self._uncommitted = None
        await self._tell()

    async def _tell(self) -> None:
        if self._untold:
            await self._persistently.call(lambda: self._ports.announcer.publish(self._untold))
            self._untold = ()


def _messages(findings: Sequence[Finding], letters: Sequence[DeadLetter]) -> Sequence[Message]:
    conflicts = [conflict_finding(letter) for letter in letters if letter.reason == "id_conflict"]
    return [
        *(finding_message(finding) for finding in (*findings, *conflicts)),
        *(dead_letter_message(letter) for letter in letters),
    ]


def _failed(row: JudgedAccess, stored: Range) -> Failed:
    position = f"{stored.topic}/{stored.partition}/{row.offset}"
    return Failed(row.event, position, received_at(row.received_at_ms))
