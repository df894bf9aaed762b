"""How far behind a worker's partitions are: what Kafka holds against what is stored. No I/O here."""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

STUCK_S: Final = 15.0
"""How long a partition may have events to store, and store none, before it counts as stuck."""

MOST_SIGHTINGS: Final = 1_000
"""Ends of a partition that are remembered with their instant; then every other one is forgotten."""


class Sighting(NamedTuple):
    """When a partition was first seen to reach so far."""

    at_s: float
    end: int


class Behind(NamedTuple):
    """One partition: events that are not stored, and how long the oldest of them has been seen waiting."""

    event_count: int
    age_s: float


class Progress:
    """Follows the partitions that this worker owns. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stored: dict[int, int] = {}
        self._moved_at: dict[int, float] = {}
        self._seen: dict[int, deque[Sighting]] = {}

    def stored(self, partition: int, offset: int) -> None:
        """Everything before `offset` is stored."""
        if offset > self._stored.get(partition, -1):
            self._moved_at[partition] = self._clock()
        self._stored[partition] = offset
        seen = self._seen.get(partition, deque())
        while seen and seen[0].end <= offset:
            seen.popleft()

    def seen(self, ends: Mapping[int, int]) -> None:
        """Kafka holds each partition up to its end."""
        now = self._clock()
        for partition, end in ends.items():
            sightings = self._seen.setdefault(partition, deque())
            reached = sightings[-1].end if sightings else self._stored.get(partition, 0)
            if end > reached:
                sightings.append(Sighting(now, end))
            if len(sightings) > MOST_SIGHTINGS:
                self._seen[partition] = deque(list(sightings)[::2])

    def keep(self, owned: Collection[int]) -> None:
        """Forget the partitions that are not owned."""
        for known in (self._stored, self._moved_at, self._seen):
            for partition in known.keys() - frozenset(owned):
                del known[partition]

    def known(self) -> frozenset[int]:
        """Give the partitions of which it is known how far they are stored."""
        return frozenset(self._stored)

    def behind(self) -> dict[int, Behind]:
        """Say of each partition how far behind it is, where it is known how far it is stored."""
        now = self._clock()
        found: dict[int, Behind] = {}
        for partition, offset in self._stored.items():
            seen = self._seen.get(partition)
            if seen:
                found[partition] = Behind(max(0, seen[-1].end - offset), now - seen[0].at_s)
            else:
                found[partition] = Behind(0, 0.0)
        return found

    def stuck(self) -> dict[int, float]:
        """Give the partitions that store nothing although they should, with how long that has lasted."""
        now = self._clock()
        idle = {
            partition: now - max(self._moved_at.get(partition, now), seen[0].at_s)
            for partition, seen in self._seen.items()
            if seen and partition in self._stored
        }
        return {partition: idle_s for partition, idle_s in idle.items() if idle_s > STUCK_S}
