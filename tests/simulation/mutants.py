"""The protocol broken by hand, to see that the simulation notices.

Each of these leaves out one thing that docs/decisions/0001-exactly-once-by-ranges.md or 0016 says is needed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from models.finding import Finding
from models.publisher import Message
from models.ranges import Range
from sinks.base import Block, Content, Identity, finding_of
from streams import judge
from streams.copies import LATEST_AHEAD_MS, Accepted, Mark, RecentIdentities
from streams.intake import Intake
from streams.offsets import Membership
from streams.partition import FILTER_LOOKS_BACK_MS, PartitionOwner
from tests.simulation.explore import Explored, at_random, in_every_way
from tests.simulation.store import Rules
from tests.simulation.stories import two_records
from tests.simulation.worker import Makes
from tests.simulation.world import Plan
from tests.streams.records import DAY_MS


class Mutant(NamedTuple):
    """One broken protocol: what is broken in it, by which part, and whether small worlds show it sooner."""

    name: str
    owner: type[PartitionOwner] = PartitionOwner
    intake: type[Intake] = Intake
    plan: Plan = Plan()
    small: bool = False
    ids_ahead_ms: int = LATEST_AHEAD_MS
    """How far the instants that an event names may lie after its receipt."""


class CommitsBeforeInserting(PartitionOwner):
    async def _write(self, block: Block) -> tuple[Range, list[Finding]]:
        await self._commit(block.range.last + 1, "")
        return await super()._write(block)


class AnnouncesNothing(PartitionOwner):
    async def _commit(self, offset: int, metadata: str) -> None:
        if not metadata:
            await super()._commit(offset, metadata)


class InsertsBeforeAnnouncing(PartitionOwner):
    _held_back: tuple[int, str] | None = None

    async def _commit(self, offset: int, metadata: str) -> None:
        if metadata:
            self._held_back = offset, metadata
            return
        if self._held_back is not None:
            await super()._commit(*self._held_back)
        await super()._commit(offset, metadata)


class SkipsWhatWasAnnounced(PartitionOwner):
    async def _settle_range(self, intent: Range) -> None:
        self._expected = intent.last + 1


class ForgetsWhatWasAnnounced(PartitionOwner):
    async def _settle_range(self, intent: Range) -> None:
        self._expected = intent.first


class NeverTriesAgain(PartitionOwner):
    async def _insert(self, block: Block) -> bool:
        await super()._insert(block)
        return True

    async def _settle_range(self, intent: Range) -> None:
        await super()._settle_range(intent)
        self._inherited = ""


class TakesItsOwnRowsForCopies(PartitionOwner):
    async def _stored_copies(
        self, announced: Range, accepted: Sequence[Accepted], marks: Sequence[Mark]
    ) -> Mapping[Identity, Content]:
        self._inherited = ""
        return await super()._stored_copies(announced, accepted, marks)


class LooksUpNoCopies(PartitionOwner):
    async def _stored_copies(self, *_: object) -> Mapping[Identity, Content]:
        return {}


class ForgetsInSilence(RecentIdentities):
    def _forget_what_was_made_first(self) -> None:
        self._shares.pop(0)


class FilterForgetsInSilence(PartitionOwner):
    async def _recent_identities(self, received_ms: int) -> RecentIdentities:
        newest = await self._persistently.in_thread(
            self._ports.trail.newest_id_ms, self._topic, self._partition, received_ms - FILTER_LOOKS_BACK_MS
        )
        made_after_ms = max(newest or 0, received_ms - LATEST_AHEAD_MS)
        return ForgetsInSilence(made_after_ms, self._ports.most_remembered)


class RemembersNothing(PartitionOwner):
    def _remember(self, marks: Sequence[Mark]) -> None:
        """Remember nothing of what is stored."""


class TakesOldIdsForNew(PartitionOwner):
    async def _recent_identities(self, received_ms: int) -> RecentIdentities:
        return RecentIdentities(-1)


class AsksForNoNewestId(PartitionOwner):
    async def _recent_identities(self, received_ms: int) -> RecentIdentities:
        return RecentIdentities(received_ms - LATEST_AHEAD_MS)


class TakesTheNewestIdForUnknown(PartitionOwner):
    async def _recent_identities(self, received_ms: int) -> RecentIdentities:
        newest = await self._persistently.in_thread(
            self._ports.trail.newest_id_ms, self._topic, self._partition, received_ms - FILTER_LOOKS_BACK_MS
        )
        return RecentIdentities(max((newest or 0) - 1, received_ms - LATEST_AHEAD_MS))


class BelievesThatNoIdIsAhead(PartitionOwner):
    async def _recent_identities(self, received_ms: int) -> RecentIdentities:
        newest = await self._persistently.in_thread(
            self._ports.trail.newest_id_ms, self._topic, self._partition, received_ms - FILTER_LOOKS_BACK_MS
        )
        return RecentIdentities(max(newest or 0, received_ms - FILTER_LOOKS_BACK_MS))


class TellsNothingThatItSettles(PartitionOwner):
    async def _settle_range(self, intent: Range) -> None:
        self._settling = True
        await super()._settle_range(intent)
        self._settling = False

    async def _told_by(self, stored: Range) -> Sequence[Message]:
        return () if getattr(self, "_settling", False) else await super()._told_by(stored)


class TellsNothingAgain(PartitionOwner):
    async def _tell_again(self, intent: Range | None) -> None:
        """Take it that the owner before told of all that it accounted for."""


class TellsWhatItJudgedItself(PartitionOwner):
    async def _write(self, block: Block) -> tuple[Range, list[Finding]]:
        stored, _ = await super()._write(block)
        found = (finding_of(row, stored) for row in block.rows)
        return stored, [finding for finding in found if finding is not None]


class TrustsUnansweredCommits(PartitionOwner):
    async def _commit(self, offset: int, metadata: str) -> None:
        offsets = self._ports.offsets
        await self._persistently.call(
            lambda: offsets.commit(
                self._topic, self._partition, offset, metadata=metadata, membership=self.membership
            )
        )


class BeginsAnewInTheSameGeneration(Intake):
    async def accept(self, topic: str, partition: int, generation: int, records: Sequence[Any]) -> None:
        self._let_go = None
        await super().accept(topic, partition, generation, records)


class KeepsItsOwners(Intake):
    def _owner(self, topic: str, partition: int, membership: Membership) -> Any:
        known = self._owners.get((topic, partition))
        return known or super()._owner(topic, partition, membership)

    async def release(self) -> None:
        """Let go of nothing."""


MUTANTS: Final = (
    Mutant("commits past a range before it inserts it", CommitsBeforeInserting),
    Mutant("announces no range", AnnouncesNothing),
    Mutant("inserts a range before it announces it", InsertsBeforeAnnouncing),
    Mutant("takes an announced range for stored", SkipsWhatWasAnnounced),
    Mutant("takes an announced range for not stored, and cuts anew", ForgetsWhatWasAnnounced),
    Mutant("does not tell what a range that it finds stored brought to light", TellsNothingThatItSettles),
    Mutant("does not tell again of the last range that was accounted for", TellsNothingAgain),
    Mutant("tells of its own verdicts where another owner's rows stand", TellsWhatItJudgedItself, small=True),
    Mutant(
        "believes that an acknowledged name has rows (no TRY)",
        NeverTriesAgain,
        plan=Plan(store=Rules(remembers_all=True)),
    ),
    Mutant("takes rows of the very range that it inherited for copies", TakesItsOwnRowsForCopies, small=True),
    Mutant("looks up no copies", LooksUpNoCopies),
    Mutant("remembers nothing of what it stores", RemembersNothing),
    Mutant("takes an old id for new that it does not remember", TakesOldIdsForNew),
    Mutant("does not ask for the newest id that others stored", AsksForNoNewestId),
    Mutant("takes a copy of the newest id for new", TakesTheNewestIdForUnknown),
    Mutant("believes that no id was made after its receipt", BelievesThatNoIdIsAhead),
    Mutant("forgets identities without saying so", FilterForgetsInSilence),
    Mutant("takes ids of the next day", ids_ahead_ms=DAY_MS),
    Mutant("does not wait for a commit that was given up", TrustsUnansweredCommits, small=True),
    Mutant("keeps its owners when partitions move", intake=KeepsItsOwners),
    Mutant("begins anew in a generation that was let go of", intake=BeginsAnewInTheSameGeneration),
    Mutant("commits are not fenced", plan=Plan(broker_fences=False)),
    Mutant("inserts are not fenced", plan=Plan(store=Rules(refuses_taken_ranges=False))),
    Mutant("blocks have no names", plan=Plan(store=Rules(knows_names=False))),
    Mutant("a range may have two ledger entries", plan=Plan(store=Rules(refuses_second_entries=False))),
)


def look_for(makes: Makes, mutant: Mutant, most_worlds: int) -> Explored:
    """Look for a world that a broken protocol goes wrong in."""
    broken = makes._replace(owner=mutant.owner, intake=mutant.intake)
    with patch.object(judge, "LATEST_AHEAD_MS", mutant.ids_ahead_ms):
        if mutant.small:
            return in_every_way(two_records, broken, mutant.plan._replace(faults=1))
        return at_random(range(most_worlds), broken, mutant.plan._replace(faults=10))
