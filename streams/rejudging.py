"""Judging stored accesses again: when the registers change, and when a grace is over.

The owner of the evidence partition does this, so one process of the group. What a change can reach is
counted first; a reach of many accesses waits in a backlog and is worked off a page at a time, so that
a small one never waits for more than a page. docs/decisions/0008-judging-again.md tells why every
access that a change affects gets exactly one new verdict, whatever is killed.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import structlog

from earwitness.policy import PolicySet, judge
from earwitness.policy.kinds import Staleness
from earwitness.policy.reach import Change, Selector, Shape, reach_of_each
from models.dead_letter import DeadLetter
from models.errors import RangeLost
from models.fields import EPOCH
from models.pages import Page
from models.ranges import Range, day_of
from models.registers import overdue
from models.topics import ACCESS_EVENTS
from models.verdict import PENDING, Verdict
from sinks.base import (
    JudgedBefore,
    LedgerEntry,
    NewVerdict,
    PendingSince,
    RegisteredEvidence,
    Selection,
    StoredAccess,
    VerdictBlock,
    new_finding,
)
from streams.backlog import Counts, Reach, Task, count_each, packed, selections, task_for
from streams.failures import Failed, report_failure
from streams.findings import finding_message
from streams.offsets import Membership
from streams.persistence import WhileOwned
from streams.ports import Ports

log = structlog.get_logger(__name__)

SWEEP_EVERY_S: Final = 5.0
"""How long a grace may be over before its accesses are looked for."""

SWEEP_OVERLAP: Final = timedelta(minutes=15)
"""How far back a sweep looks once more: what was judged pending may be stored a little later."""

WIDE_SWEEP_EVERY_S: Final = 3_600.0
"""How often a sweep looks all the way back: for what was held up for longer than the overlap."""

BARRIER_POLL_S: Final = 0.05
BARRIER_WARNING_S: Final = 30.0

_ANY_VERSION: Final = 2**63 - 1
_TICK: Final = timedelta(microseconds=1)


class Limits(NamedTuple):
    """How much is done at once.

    `page_rows` accesses are judged again before anything else gets a turn. Of a batch of changes those that
    reach the fewest are worked off at once, up to `small_reach` accesses in all; the others wait. The
    reach of `most_changes` is looked up together.
    """

    page_rows: int = 5_000
    small_reach: int = 20_000
    most_changes: int = 2_000


USUAL: Final = Limits()


class _Account(NamedTuple):
    """A batch of the evidence topic that is recorded, and covered by the ledger once it is worked off."""

    range: Range
    version_count: int
    refused_count: int


class Rejudging:
    """Judges again on behalf of the owner of the evidence partition, for as long as its generation lasts."""

    def __init__(
        self, ports: Ports, topic: str, partition: int, membership: Membership, limits: Limits = USUAL
    ) -> None:
        self._ports = ports
        self._limits = limits
        self._topic = topic
        self._partition = partition
        self._membership = membership
        self._persistently = WhileOwned(ports.offsets, membership, ports.threads, f"{topic}/{partition}")
        self._backlog: list[Task] = []
        self._sweep: Task | None = None
        self._next_offset = 0
        self._accounted_to = -1
        self._accounts: deque[_Account] = deque()
        self._judged_at = EPOCH
        self._swept: dict[timedelta, datetime] = {}
        self._swept_at_s = float("-inf")
        self._swept_widely_at_s = float("-inf")

    @property
    def next_offset(self) -> int:
        """The offset of the next record to be taken."""
        return self._next_offset

    @property
    def busy(self) -> bool:
        """Whether there is something to do without waiting."""
        return bool(self._backlog or self._sweep) or self._sweep_is_due()

    async def settle(self) -> None:
        """Finish the page that the last owner announced, so that it cannot appear later any more."""
        committed = await self._persistently.call(
            lambda: self._ports.offsets.fetch(self._topic, self._partition)
        )
        await self._go_on(committed.offset)
        page = Page.from_intent(committed.metadata)
        if page is None:
            return
        self._judged_at = page.judged_at
        block = await self._persistently.in_thread(self._ports.verdicts.block_of, page)
        log.info("page_settled", page=page.token, stored=block is not None)
        if block is None:
            await self._use_up(page)
        else:
            await self._tell(block)

    async def _go_on(self, committed: int | None) -> None:
        """Go on at the commit; behind what the ledger covers where the store lacks what was committed.

        It does after it was restored from a backup: then versions of evidence are missing, or verdicts
        that they brought about. Both are taken from the topic again, which changes nothing else.
        """
        covered = await self._persistently.in_thread(
            self._ports.trail.highest_offset, self._topic, self._partition
        )
        self._accounted_to = -1 if covered is None else covered
        self._next_offset = committed or 0
        lacking = self._accounted_to + 1
        if lacking >= self._next_offset:
            return
        offsets = self._ports.offsets
        first = await self._persistently.call(
            lambda: offsets.first_from(self._topic, self._partition, lacking)
        )
        if first < self._next_offset:
            log.warning("store_lacks_evidence", first=first, next=self._next_offset)
            self._next_offset = first
            await offsets.seek(self._topic, self._partition, first)

    async def take(
        self, recorded: Sequence[RegisteredEvidence], refused: Sequence[DeadLetter], next_offset: int
    ) -> None:
        """Judge again what these changes of the registers reach; what is too much is left for `advance`."""
        await self._until_stored()
        left = self._limits.small_reach
        for start in range(0, len(recorded), self._limits.most_changes):
            changes = await self._changes(recorded[start : start + self._limits.most_changes])
            for task in await self._plan(changes):
                if task.count > left:
                    log.info("large_reach", version=task.holds, accesses=task.count)
                    self._backlog.append(task)
                    continue
                left -= task.count
                while not task.done:
                    await self._do_page(task)
        day = day_of(recorded[0].registered_at_ms) if recorded else refused[0].received_at.date()
        at_rest = Range(self._topic, self._partition, self._next_offset, next_offset - 1, day)
        self._accounts.append(_Account(at_rest, len(recorded), len(refused)))
        self._next_offset = next_offset
        self._tell_backlog()
        await self._commit("")

    async def advance(self) -> None:
        """Do a page of a sweep when it is time for one, and a page of what waits, the smallest first.

        Neither is put off for the other: a sweep can be as long as any change, and comes again and again.
        """
        if self._sweep_is_due():
            self._sweep = await self._plan_sweep()
        if self._sweep:
            await self._do_page(self._sweep)
            if self._sweep.done:
                self._sweep = None
                await self._commit("")
        if self._backlog:
            task = min(self._backlog, key=lambda task: task.count)
            await self._do_page(task)
            if task.done:
                self._backlog.remove(task)
                await self._commit("")
        self._tell_backlog()

    def _tell_backlog(self) -> None:
        self._ports.backlog(sum(task.count for task in self._backlog))

    async def _until_stored(self) -> None:
        """Return when every range that may have been judged before now is stored.

        A range is announced before the registers are read for it. So one that was judged without the
        newest change is either announced now, or stored.
        """
        offsets = self._ports.offsets
        under_way = await self._persistently.call(lambda: offsets.announced(ACCESS_EVENTS))
        waited_s, warned = 0.0, False
        while under_way:
            await asyncio.sleep(BARRIER_POLL_S)
            waited_s += BARRIER_POLL_S
            if waited_s >= BARRIER_WARNING_S and not warned:
                warned = True
                log.warning("judging_again_waits", partitions=sorted(under_way), after_s=waited_s)
            if await offsets.membership() != self._membership:
                raise RangeLost(f"{self._topic}/{self._partition}: the group has moved on")
            now = await self._persistently.call(lambda: offsets.announced(ACCESS_EVENTS))
            under_way = {place: offset for place, offset in under_way.items() if now.get(place) == offset}

    async def _changes(self, recorded: Sequence[RegisteredEvidence]) -> list[Change]:
        """Set each version against the one before it."""
        refs = {item.record.ref for item in recorded}
        before = dict(
            await self._persistently.in_thread(
                self._ports.verdicts.evidence_before, refs, recorded[0].version
            )
        )
        changes: list[Change] = []
        for item in recorded:
            changes.append(Change(item.version, before.get(item.record.ref), item.record))
            before[item.record.ref] = item.record
        return changes

    async def _plan(self, changes: Sequence[Change]) -> list[Task]:
        """Find what the changes reach: one task where that is little, else several, the smallest first."""
        await self._persistently.call(self._ports.evidence.catch_up)
        found = reach_of_each(changes, self._ports.evidence.index, self._ports.policies())
        reaches = [Reach(change.version, selectors) for change, selectors in zip(changes, found, strict=True)]
        whole = await self._counted(reaches)
        if whole.count <= self._limits.small_reach or len(changes) == 1:
            return [whole] if whole.count else []
        counts = count_each(reaches, await self._counts(reaches))
        return list(packed(reaches, counts, self._limits.small_reach))

    async def _counted(self, reaches: Sequence[Reach]) -> Task:
        task = task_for(reaches, 0)
        while task.unplaced:
            task.count += await self._place(task)
        return task

    async def _counts(self, reaches: Sequence[Reach]) -> Counts:
        """Count by value: one question for each shape answers for all changes, however many there are."""
        counts: dict[Shape, Mapping[tuple[str, ...], int]] = {}
        for selection in selections(reaches):
            counts[selection.selector.shape] = await self._persistently.in_thread(
                self._ports.verdicts.count_by_value, selection
            )
        return counts

    async def _place(self, task: Task) -> int:
        """Look up the days of the next selection that is not placed yet; say how much it selects."""
        selection = task.unplaced.popleft()
        by_day = await self._persistently.in_thread(self._ports.verdicts.count_by_day, selection)
        task.places += [(selection, day) for day in sorted(by_day, reverse=True)]
        return sum(by_day.values())

    async def _do_page(self, task: Task) -> None:
        while task.unplaced and not task.places:
            await self._place(task)
        if not task.places:
            return
        selection, day = task.places[0]
        accesses = await self._persistently.in_thread(
            self._ports.verdicts.select, selection, day, task.after, self._limits.page_rows
        )
        version = await self._evidence_version()
        given = self._judge(accesses, selection)
        if given:
            await self._store(day, await self._marked(given), version)
        task.count -= len(accesses)
        task.after = accesses[-1] if len(accesses) >= self._limits.page_rows else None
        if task.after is None:
            task.places.popleft()

    async def _evidence_version(self) -> int:
        """Have the registers as they are now; give their version."""
        await self._persistently.call(self._ports.evidence.catch_up)
        return self._ports.evidence.index.version

    def _judge(self, accesses: Sequence[StoredAccess], selection: Selection) -> list[NewVerdict]:
        """Give the verdicts that differ from those that hold, all as of one instant."""
        self._judged_at = max(self._ports.now(), self._judged_at + _TICK)
        known_from = selection.evidence_version if isinstance(selection, JudgedBefore) else _ANY_VERSION
        given = [self._judge_one(access) for access in accesses if access.evidence_version < known_from]
        return [item for item in given if item.verdict != item.access.verdict]

    def _judge_one(self, access: StoredAccess) -> NewVerdict:
        policies, evidence, as_of = self._ports.policies(), self._ports.evidence.index, self._judged_at
        verdict = judge(access, policies, evidence, received_at=access.received_at, as_of=as_of)
        if verdict.reason == "judge_error":
            failed = Failed(access, access.position, access.received_at)
            report_failure(failed, policies, evidence, as_of)
        if verdict.policy_digest == access.verdict.policy_digest:
            return NewVerdict(access, verdict, _late(access, verdict))
        # Another version applies, for it was put there late. The one before it says what evidence did.
        former = policies.version(access.verdict.policy_version)
        as_before = judge(
            access,
            PolicySet([former] if former else []),
            evidence,
            received_at=access.received_at,
            as_of=as_of,
        )
        return NewVerdict(access, verdict, _late(access, as_before))

    async def _marked(self, given: Sequence[NewVerdict]) -> list[NewVerdict]:
        """Name with each verdict the registers that are overdue now, of those that it leans on."""
        registers = await self._persistently.call(self._ports.registers.current)
        staleness = Staleness(self._ports.policies(), overdue(registers, self._judged_at))
        return [item._replace(stale_registers=staleness.of(item.access)) for item in given]

    async def _store(self, day: date, given: Sequence[NewVerdict], version: int) -> None:
        """Announce a page, make it durable, and tell of it.

        A write that is acknowledged at the first call is stored. After an unclear one the store can know
        the page's name without having its rows, for it notes the name first: then it gets another name.
        """
        first = given[0].access
        while True:
            block = VerdictBlock(Page(day, self._judged_at, first.id, first.source), given, version)
            await self._commit(block.page.intent)
            if await self._write(block) == 1:
                break
            if await self._persistently.in_thread(self._ports.verdicts.block_of, block.page):
                break
            log.warning("page_name_without_rows", page=block.page.token)
            self._judged_at += _TICK
        await self._tell(block)

    async def _write(self, block: VerdictBlock) -> int:
        """Write until the store acknowledges; say how many calls that took."""
        calls = 0

        async def call() -> None:
            nonlocal calls
            calls += 1
            await self._persistently.once_in_thread(self._ports.verdicts.write_verdicts, block)

        await self._persistently.call(call)
        return calls

    async def _use_up(self, page: Page) -> None:
        """Store something true under the name of a page that its owner may still write.

        The store takes a name once; so what that owner judged, perhaps long ago, is then refused. What
        is stored is what the page's first access is judged now, also where that changes nothing. The
        rest of the page is judged again in its turn.
        """
        selector = Selector((), ("id", "source"), frozenset({(page.id, page.source)}))
        selection = JudgedBefore(selector, _ANY_VERSION)
        accesses = await self._persistently.in_thread(
            self._ports.verdicts.select, selection, page.day, None, 1
        )
        version = await self._evidence_version()
        given = [self._judge_one(access) for access in accesses]
        block = VerdictBlock(page, await self._marked(given), version)
        await self._write(block)
        await self._tell(block)

    async def _tell(self, block: VerdictBlock) -> None:
        found = (new_finding(item, block.evidence_version) for item in block.verdicts)
        messages = [finding_message(finding) for finding in found if finding is not None]
        if messages:
            # Refused to an owner that slept until its page's name was used up: its verdicts are in no table.
            await self._commit(block.page.intent)
            await self._persistently.call(lambda: self._ports.announcer.publish(messages))

    async def _commit(self, metadata: str) -> None:
        """Commit up to the oldest change that is not worked off: from there a successor begins."""
        unfinished = [task.holds for task in self._backlog if task.holds is not None]
        offset = min([self._next_offset, *unfinished])
        await self._account(offset)
        await self._persistently.commit(self._topic, self._partition, offset, metadata)

    async def _account(self, offset: int) -> None:
        """Cover in the ledger the batches that are worked off, before the commit moves past them."""
        while self._accounts and self._accounts[0].range.last < offset:
            done = self._accounts.popleft()
            if done.range.last > self._accounted_to:
                entry = LedgerEntry(done.range, done.version_count, done.refused_count, 0)
                await self._persistently.in_thread(self._ports.trail.write_ledger, entry)
                self._accounted_to = done.range.last

    def _sweep_is_due(self) -> bool:
        return self._sweep is None and asyncio.get_running_loop().time() - self._swept_at_s >= SWEEP_EVERY_S

    async def _plan_sweep(self) -> Task | None:
        """Find the accesses that are pending although their grace is over."""
        now_s = asyncio.get_running_loop().time()
        wide = now_s - self._swept_widely_at_s >= WIDE_SWEEP_EVERY_S
        now = self._ports.now()
        places: deque[tuple[Selection, date]] = deque()
        for grace in {policy.grace for policy in self._ports.policies().policies}:
            until = now - grace
            since = EPOCH if wide else self._swept.get(grace, EPOCH + SWEEP_OVERLAP) - SWEEP_OVERLAP
            selection = PendingSince(since, until)
            days = await self._persistently.in_thread(self._ports.verdicts.pending_days, selection)
            places += [(selection, day) for day in sorted(days, reverse=True)]
            self._swept[grace] = until
        self._swept_at_s = now_s
        if wide:
            self._swept_widely_at_s = now_s
        return Task(places) if places else None


def _late(access: StoredAccess, now: Verdict) -> bool:
    """Say whether evidence brought the verdict about, and not the end of a grace."""
    if now == access.verdict:
        return access.late
    return not (access.verdict.outcome == PENDING and now.reason == "evidence_not_found")
