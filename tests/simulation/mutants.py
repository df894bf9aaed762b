"""The protocol broken by hand, to see that the simulation notices.

Each of these leaves out one thing that docs/decisions/0001-exactly-once-by-ranges.md or 0016 says is needed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from models.ranges import Range
from sinks.base import Block, Content, Identity
from streams.copies import Accepted
from streams.intake import Intake, Owner
from streams.offsets import Membership
from streams.partition import PartitionOwner
from tests.simulation.store import Rules
from tests.simulation.world import Plan


class Mutant(NamedTuple):
    """One broken protocol: what is broken in it, and by which part."""

    name: str
    owner: type[PartitionOwner] = PartitionOwner
    intake: type[Intake] = Intake
    plan: Plan = Plan()


class CommitsBeforeInserting(PartitionOwner):
    async def _write(self, block: Block) -> Range:
        await self._commit(block.range.last + 1, "")
        return await super()._write(block)


class AnnouncesNothing(PartitionOwner):
    async def _commit(self, offset: int, metadata: str) -> None:
        if not metadata:
            await super()._commit(offset, metadata)


class InsertsBeforeAnnouncing(PartitionOwner):
    async def _store(self, announced: Range, records: Sequence[Any]) -> None:
        self._held_back = announced
        await super()._store(announced, records)

    async def _commit(self, offset: int, metadata: str) -> None:
        if not metadata:
            await super()._commit(self._held_back.first, self._held_back.intent)
            await super()._commit(offset, metadata)


class SkipsWhatWasAnnounced(PartitionOwner):
    async def _settle_range(self, intent: Range) -> None:
        self._expected = intent.last + 1


class ForgetsWhatWasAnnounced(PartitionOwner):
    async def _settle_range(self, intent: Range) -> None:
        self._expected = intent.first


class TakesAnotherName(PartitionOwner):
    async def _settle_range(self, intent: Range) -> None:
        await super()._settle_range(intent)
        if self._unsettled is not None:
            self._unsettled = intent.again()


class NeverTriesAgain(PartitionOwner):
    async def _insert(self, block: Block) -> bool:
        await super()._insert(block)
        return True

    async def _settle_range(self, intent: Range) -> None:
        await super()._settle_range(intent)
        self._inherited = ""


class TakesItsOwnRowsForCopies(PartitionOwner):
    async def _stored_copies(
        self, announced: Range, accepted: Sequence[Accepted]
    ) -> Mapping[Identity, Content]:
        self._inherited = ""
        return await super()._stored_copies(announced, accepted)


class LooksUpNoCopies(PartitionOwner):
    async def _stored_copies(
        self, announced: Range, accepted: Sequence[Accepted]
    ) -> Mapping[Identity, Content]:
        return {}


class TellsNothingThatItSettles(PartitionOwner):
    async def _settle_range(self, intent: Range) -> None:
        await super()._settle_range(intent)
        if self._unsettled is None:
            self._ports.announcer.skipped = intent  # type: ignore[attr-defined]


class TrustsUnansweredCommits(PartitionOwner):
    async def _commit(self, offset: int, metadata: str) -> None:
        offsets = self._ports.offsets
        await self._persistently.call(
            lambda: offsets.commit(
                self._topic, self._partition, offset, metadata=metadata, membership=self.membership
            )
        )


class AcceptsWhatIsOutdated(Intake):
    async def accept(self, topic: str, partition: int, generation: int, records: Sequence[Any]) -> None:
        now = await self._offsets.membership()
        await super().accept(topic, partition, now.generation, records)


class KeepsItsOwners(Intake):
    def _owner(self, topic: str, partition: int, membership: Membership) -> Any:
        known = self._owners.get((topic, partition))
        return known or super()._owner(topic, partition, membership)

    async def release(self) -> None:
        """Let go of nothing."""


MUTANTS: Final = (
    Mutant("commits before it inserts", CommitsBeforeInserting),
    Mutant("announces nothing", AnnouncesNothing),
    Mutant("inserts before it announces", InsertsBeforeAnnouncing),
    Mutant("skips what was announced, without a look whether it is stored", SkipsWhatWasAnnounced),
    Mutant("forgets what was announced, and cuts anew", ForgetsWhatWasAnnounced),
    Mutant("takes an unfinished range under another name", TakesAnotherName),
    Mutant("believes every acknowledgement of an insert: no second try", NeverTriesAgain),
    Mutant("takes the rows of the range that it inherited for copies", TakesItsOwnRowsForCopies),
    Mutant("looks up no copies", LooksUpNoCopies),
    Mutant("trusts that an unanswered commit never comes", TrustsUnansweredCommits),
    Mutant("owners outlive their generation", intake=KeepsItsOwners),
    Mutant("the broker takes commits of any generation", plan=Plan(broker_fences=False)),
    Mutant("the store forgets names, and asks of no range whether it has rows", plan=Plan(store=Rules(refuses_taken_ranges=False))),
    Mutant("the store knows no names", plan=Plan(store=Rules(knows_names=False))),
    Mutant("the store takes a second ledger entry", plan=Plan(store=Rules(refuses_second_entries=False))),
)
