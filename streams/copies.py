"""One access is one row, however often it was sent.

Copies of an access share `source` and `id`, and, keyed by `id`, a partition. Most are found in
memory: a filter remembers what its partition stored since an instant, and a version 7 id says when
it was made. Only an id that may be older than the filter reaches is looked up in the store.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sinks.base import Content, Identity, content_of

MOST_REMEMBERED: Final = 100_000
"""Identities that one half of a partition's filter holds; a filter has two halves."""

LATEST_AHEAD_MS: Final = 300_000
"""How far the instants that an event names, its time and that of its id, may lie after its receipt."""


class Accepted(NamedTuple):
    """One record that could be read as an access."""

    event: Any
    unknown_fields: str
    record: Any
    """The Kafka record, for its offset, timestamp, key and bytes."""


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
    """What a partition stored lately. Bounded: the older half is forgotten when the newer is full."""

    def __init__(self, since_ms: int) -> None:
        self._older: set[int] = set()
        self._newer: set[int] = set()
        self._older_since_ms = since_ms
        self._newer_since_ms = since_ms

    def add(self, stored: Sequence[Accepted]) -> None:
        """Remember accesses that are stored now."""
        for item in stored:
            if len(self._newer) >= MOST_REMEMBERED:
                self._older, self._newer = self._newer, set()
                self._older_since_ms = self._newer_since_ms
                self._newer_since_ms = max(self._newer_since_ms, item.record.timestamp)
            self._newer.add(_key(item.event))

    def may_be_stored(self, item: Accepted) -> bool:
        """Say whether the store must be asked: the identity is remembered, or may be older than we are."""
        key = _key(item.event)
        if key in self._newer or key in self._older:
            return True
        made_ms = made_at_ms(item.event.id)
        # Whatever was stored before the filter began was received before, so made at most that much later.
        return made_ms is None or made_ms <= self._older_since_ms + LATEST_AHEAD_MS


def sort_copies(accepted: Sequence[Accepted], stored: Mapping[Identity, Content]) -> Sorted:
    """Tell new accesses from copies and from conflicts, in order; the first of its identity wins."""
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


def _key(event: Any) -> int:  # noqa: ANN401 - a generated Struct
    return hash((event.source, event.id))


def made_at_ms(event_id: str) -> int | None:
    """Read the milliseconds since 1970 in a version 7 UUID; None for any other version."""
    if event_id[14] != "7":
        return None
    return int(event_id[:8] + event_id[9:13], 16)
