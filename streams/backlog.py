"""What is to be judged again: what each change reaches, counted, and packed into tasks."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from earwitness.policy.reach import Selector, Shape, together
from sinks.base import JudgedBefore, Selection, StoredAccess

Counts = Mapping[Shape, Mapping[tuple[str, ...], int]]
"""How many accesses have a value, for each shape of selector."""


@dataclass
class Task:
    """Accesses to be judged again, at most `count`, walked through day by day.

    On which days `unplaced` accesses are is looked up when their turn comes. `holds` is the evidence
    version that counts as unfinished until the task is done; a sweep holds none, and is not counted.
    """

    places: deque[tuple[Selection, date]]
    count: int = 0
    holds: int | None = None
    unplaced: deque[JudgedBefore] = field(default_factory=deque)
    after: StoredAccess | None = None

    @property
    def done(self) -> bool:
        """Whether nothing of it is left."""
        return not (self.places or self.unplaced)


class Reach(NamedTuple):
    """What the change of that version can affect."""

    version: int
    selectors: tuple[Selector, ...]


def task_for(reaches: Sequence[Reach], count: int) -> Task:
    """Make one task of what all of `reaches` hold."""
    return Task(deque(), count, min(part.version for part in reaches), deque(selections(reaches)))


def selections(reaches: Sequence[Reach]) -> list[JudgedBefore]:
    """Ask for what any of `reaches` holds, by as few selections as have different shapes."""
    last = max(part.version for part in reaches)
    return [JudgedBefore(selector, last) for selector in together(part.selectors for part in reaches)]


def count_each(reaches: Sequence[Reach], counts: Counts) -> list[int]:
    """Say how many accesses each reaches at most: `counts` tells neither times nor versions apart."""
    return [
        sum(
            counts[selector.shape].get(value, 0)
            for selector in part.selectors
            for value in selector.values or ((),)
        )
        for part in reaches
    ]


def packed(reaches: Sequence[Reach], counts: Sequence[int], most: int) -> Iterator[Task]:
    """Make tasks of up to `most` accesses or of one change, the smallest first; leave empty reaches out."""
    parts: list[Reach] = []
    total = 0
    for count, part in sorted(zip(counts, reaches, strict=True), key=lambda pair: pair[0]):
        if parts and total + count > most:
            yield task_for(parts, total)
            parts, total = [], 0
        if count:
            parts.append(part)
            total += count
    if parts:
        yield task_for(parts, total)
