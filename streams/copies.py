"""One access is one row, however often it was sent.

Copies of an access share `source` and `id`, and, keyed by `id`, a partition. A version 7 id says when
it was made, and a filter remembers what its partition stored that was made after an instant: an id
made after it that the filter does not know is new. Only the others are looked up in the store.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sinks.base import Content, Identity, content_of

MOST_REMEMBERED: Final = 60_000
"""Identities of one partition that its filter holds, give or take a range."""

SHARES: Final = 8
"""Parts in which they are forgotten."""

LATEST_AHEAD_MS: Final = 300_000
"""How far the instants that an event names, its time and that of its id, may lie after its receipt."""

_HASH_BITS: Final = 22
_HASH_MASK: Final = (1 << _HASH_BITS) - 1
_LATEST_MS: Final = (1 << 42) - 1
"""In the year 2109; what was made later is marked as made then."""


Mark = int
"""Stands for an id in 64 bits, and grows with when it was made; few ids of a millisecond share one."""


class Accepted(NamedTuple):
    """One record that could be read as an access."""

    event: Any
    unknown_fields: str
    record: Any
    """The Kafka record, for its offset, timestamp, key and bytes."""

    made_ms: int | None
    """When the id was made, in milliseconds since 1970; None where it does not say."""


class Sorted(NamedTuple):
    """The accesses of a range, told apart."""

    new: list[Accepted]
    conflicts: list[Accepted]
    """The identity of a stored access, with other content."""
    duplicates: list[Accepted]
    """What is stored already, sent again."""

    @property
    def duplicate_count(self) -> int:
        """How many accesses were sent again."""
        return len(self.duplicates)


class RecentIdentities:
    """What a partition stored whose id was made after an instant, which moves on as memory fills up.

    Nothing that was stored before may have been made after the instant given. Of more than `most` identities
    those are forgotten that were made first, a share at a time. Shares are kept in order, as numbers in 8
    bytes each: a number that is an object of its own would also hold the memory that it lies in, which the
    objects of a range left (measured: 20 MB for 8 partitions).
    """

    def __init__(self, made_after_ms: int, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._oldest_known = _first_mark_after(made_after_ms)
        self._shares: list[array[Mark]] = []

    def add(self, marks: Sequence[Mark]) -> None:
        """Remember accesses that are stored now, by their marks."""
        if not marks:
            return
        growing = self._shares.pop() if self._shares and len(self._shares[-1]) < self._most // SHARES else ()
        self._shares.append(array("Q", sorted([*growing, *marks])))
        while sum(map(len, self._shares)) > self._most:
            self._forget_what_was_made_first()

    def suspects(self, accepted: Sequence[Accepted], marks: Sequence[Mark]) -> set[Identity]:
        """Give the identities of which the store must be asked: they are remembered, or may be forgotten."""
        oldest = self._oldest_known
        first = min(marks, default=oldest)
        # Mostly few: what comes was made after what came.
        known = set[Mark]().union(*(share[bisect_left(share, first) :] for share in self._shares))
        if first >= oldest and known.isdisjoint(marks):
            return set()
        return {
            (item.event.source, item.event.id)
            for item, mark in zip(accepted, marks, strict=True)
            if mark < oldest or mark in known
        }

    def _forget_what_was_made_first(self) -> None:
        """Forget the older half of the oldest share; its newer half may come of a clock that is ahead."""
        share = self._shares.pop(0)
        last_forgotten_ms = share[len(share) // 2] >> _HASH_BITS
        self._oldest_known = max(self._oldest_known, _first_mark_after(last_forgotten_ms))
        kept = share[bisect_left(share, self._oldest_known) :]
        if kept:
            self._shares[:1] = [array("Q", sorted([*kept, *(self._shares[0] if self._shares else ())]))]


def marks_of(accepted: Sequence[Accepted]) -> list[Mark]:
    """Give the mark of each access."""
    return [
        min(item.made_ms or 0, _LATEST_MS) << _HASH_BITS | hash(item.event.id) & _HASH_MASK
        for item in accepted
    ]


def sort_copies(
    accepted: Sequence[Accepted], marks: Sequence[Mark], stored: Mapping[Identity, Content]
) -> Sorted:
    """Tell new accesses from copies and from conflicts, in order; the first of its identity wins."""
    if not stored and len(set(marks)) == len(marks):
        return Sorted(list(accepted), [], [])
    seen: dict[Identity, Content] = dict(stored)
    found = Sorted([], [], [])
    for item in accepted:
        identity = (item.event.source, item.event.id)
        if identity not in seen:
            seen[identity] = ()
            found.new.append(item)
        elif _same(seen, identity, item, found.new):
            found.duplicates.append(item)
        else:
            found.conflicts.append(item)
    return found


def _same(seen: dict[Identity, Content], identity: Identity, item: Accepted, new: Sequence[Accepted]) -> bool:
    if not seen[identity]:
        # Its first copy stands in this very batch; its content is made only now that it is needed.
        first = next(other for other in new if (other.event.source, other.event.id) == identity)
        seen[identity] = content_of(first.event)
    return seen[identity] == content_of(item.event)


def _first_mark_after(made_ms: int) -> int:
    return (made_ms + 1) << _HASH_BITS
