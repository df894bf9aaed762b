"""The broker of a simulated world: partitions of records, one consumer group, commits that it fences."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import RangeLost
from models.publisher import Message
from streams.offsets import Committed, Membership


class SimulatedBroker:
    """A topic with its group. Members come, are asked to join anew, and are expelled."""

    def __init__(self, partitions: Sequence[Sequence[Any]], *, fences: bool = True) -> None:
        self.partitions = [list(records) for records in partitions]
        self.committed = [Committed(None, "") for _ in partitions]
        self.published: list[Message] = []
        self.generation = 0
        self.owners: dict[int, str] = {}
        """Who owns each partition in this generation."""
        self._members: dict[str, bool] = {}
        """Whether each member has joined the generation that is being made; all have while it stands."""
        self._fences = fences

    def join(self, member_id: str) -> None:
        """Join, for the first time or anew; the next generation begins once all members did."""
        if self.stands:
            self._members = dict.fromkeys(self._members, False)
        self._members[member_id] = True
        self._settle()

    def expel(self, member_id: str) -> None:
        """Take a member out: it was not heard of for too long."""
        stands = self.stands
        del self._members[member_id]
        if stands:
            self._members = dict.fromkeys(self._members, False)
        else:
            self._settle()

    def is_member(self, member_id: str) -> bool:
        """Say whether the group knows a member."""
        return member_id in self._members

    def wants(self, member_id: str) -> bool:
        """Say whether a member must join anew: it was expelled, or others came or went."""
        return not self._members.get(member_id, False)

    def is_current(self, membership: Membership) -> bool:
        """Say whether a commit of this membership is taken."""
        return membership.generation == self.generation and membership.member_id in self._members

    def commit(self, partition: int, committed: Committed, membership: Membership) -> None:
        """Take a commit, unless the group has moved on."""
        if self._fences and not self.is_current(membership):
            raise RangeLost(f"{membership} is not of generation {self.generation}")
        self.committed[partition] = committed

    def start_of(self, partition: int) -> int:
        """Give where a consumer begins that is given this partition now."""
        return self.committed[partition].offset or self.partitions[partition][0].offset

    def end_of(self, partition: int) -> int:
        """Give the offset that the next record will have."""
        return int(self.partitions[partition][-1].offset) + 1

    def state(self) -> tuple[object, ...]:
        """Give all that tells this broker from another."""
        return (
            tuple(self.committed),
            self.generation,
            tuple(sorted(self.owners.items())),
            tuple(sorted(self._members.items())),
            frozenset(_told(message) for message in self.published),
        )

    def told(self) -> frozenset[tuple[str, str]]:
        """Give the topic and the position of everything that was published."""
        return frozenset(_told(message) for message in self.published)

    @property
    def stands(self) -> bool:
        """Whether all members have joined this generation."""
        return all(self._members.values())

    def _settle(self) -> None:
        if self._members and self.stands:
            self.generation += 1
            members = sorted(self._members)
            self.owners = {
                place: members[(place + self.generation) % len(members)]
                for place in range(len(self.partitions))
            }


def _told(message: Message) -> tuple[str, str]:
    headers: Mapping[str, str] = dict(message.headers)
    return message.topic, headers.get("position") or headers["ce_id"]
