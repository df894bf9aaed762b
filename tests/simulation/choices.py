"""Who decides what happens next: a seed, or a search that goes through everything."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Protocol


class Seen(Exception):
    """Everything that can follow from here was looked at before."""


class Choices(Protocol):
    """Decides between what may happen. `weights` says how likely each is where chance decides."""

    @property
    def repeats(self) -> bool:
        """Whether the last choice repeats one that was looked into before."""

    def pick(self, weights: Sequence[float], state: Callable[[], Any]) -> int:
        """Give the index of what happens. `state` tells where the world stands. May raise `Seen`."""


class Seeded:
    """Chance, the same at every run with the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a seed repeats the story
        self.repeats = False

    def pick(self, weights: Sequence[float], state: Callable[[], Any]) -> int:
        return self.random.choices(range(len(weights)), weights)[0]


class Search:
    """Every sequence of choices, depth first; of those that lead to the same state, one goes on.

    A world cannot be copied, so each run replays the choices that lead to where it branches off.
    """

    def __init__(self) -> None:
        self.states: set[int] = set()
        self.runs = 0
        self.transitions = 0
        self._open: list[tuple[int, ...]] = [()]
        self._prefix: tuple[int, ...] = ()
        self._taken: list[int] = []

    def __iter__(self) -> Iterator["Search"]:
        """Give the search once for each run, until nothing is left to look at."""
        while self._open:
            self._prefix = self._open.pop()
            self._taken = []
            self.runs += 1
            yield self

    def pick(self, weights: Sequence[float], state: Callable[[], Any]) -> int:
        depth = len(self._taken)
        if depth < len(self._prefix):
            self._taken.append(self._prefix[depth])
            return self._prefix[depth]
        key = hash(state())
        if key in self.states:
            raise Seen
        self.states.add(key)
        self.transitions += len(weights)
        self._open += [(*self._taken, index) for index in range(len(weights) - 1, 0, -1)]
        self._taken.append(0)
        return 0

    @property
    def repeats(self) -> bool:
        """Whether the last choice was made in an earlier run, too; all but the last of those are."""
        return len(self._taken) < len(self._prefix)

    @property
    def left(self) -> int:
        """How many branches are not looked into yet."""
        return len(self._open)

    @property
    def taken(self) -> tuple[int, ...]:
        """The choices of the run that is under way."""
        return tuple(self._taken)
