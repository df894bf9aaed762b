"""What a replay comes to: counts by verdict before and after, and the ways between them. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from earwitness.replay.judging import Transition
from models.verdict import JUSTIFIED


class Way(NamedTuple):
    """A transition, and how many accesses make it."""

    transition: Transition
    accesses: int


class Totals(NamedTuple):
    """The figures of a replay. `changing` and `shifting` begin with the most frequent way.

    `changing` are the ways to another verdict; `shifting` those to another reason or clause of the same.
    """

    accesses: int
    changed: int
    no_longer_justified: int
    newly_justified: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    changing: tuple[Way, ...]
    shifting: tuple[Way, ...]


def total(transitions: Counter[Transition]) -> Totals:
    """Add up what became of all accesses."""
    ways = sorted((Way(*counted) for counted in transitions.items()), key=_most_frequent_first)
    changing = tuple(way for way in ways if way.transition.changes_verdict)
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for (was, becomes), count in transitions.items():
        before[was.verdict] += count
        after[becomes.verdict] += count
    return Totals(
        accesses=transitions.total(),
        changed=sum(way.accesses for way in changing),
        no_longer_justified=sum(n for (was, _), n in changing if was.verdict == JUSTIFIED),
        newly_justified=sum(n for (_, becomes), n in changing if becomes.verdict == JUSTIFIED),
        before=before,
        after=after,
        changing=changing,
        shifting=tuple(
            way
            for way in ways
            if not way.transition.changes_verdict and way.transition.before != way.transition.after
        ),
    )


def _most_frequent_first(way: Way) -> tuple[int, list[str]]:
    before, after = way.transition
    return -way.accesses, [word or "" for word in (*before, *after)]
