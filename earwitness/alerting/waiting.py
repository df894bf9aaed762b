"""What waits to be told over one channel, and when each is due. Pure: time comes in as a number."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from models.alerts import Notice

MOST_WAITING: Final = 1_000
"""Notices that wait for one channel in memory; the store has the rest, and they are asked for again."""

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 300.0
FIRST_PAUSE_REFUSED_S: Final = 60.0
LONGEST_PAUSE_REFUSED_S: Final = 3_600.0
"""What was refused is tried seldom: a person has to mend something first."""

LONGEST_ASKED_FOR_S: Final = 3_600.0
"""How long a channel's own wish to be left alone is granted."""

_DOUBLINGS: Final = 12

Chance = Callable[[float, float], float]
"""Gives a number between two."""


@dataclass(slots=True)
class Waiting:
    """A notice, how often it was tried, when it is due, and whether that is because the channel was away."""

    notice: Notice
    attempts: int
    due_at: float
    put_off: bool = False


class WaitingRoom:
    """The notices of one channel. Every method takes the present, in seconds of any clock that only rises.

    - Those of one alert are told in order: nobody hears that it was closed, and then that it was raised.
    - One that is not taken holds up no other: the channel rests a while, then the next in turn is tried.
    - While a channel is away it is asked by one notice at a time; once it takes one, all are due.
    """

    def __init__(self, most: int = MOST_WAITING, chance: Chance = random.uniform) -> None:
        self._most = most
        self._chance = chance
        self._lines: dict[UUID | str, deque[Waiting]] = {}
        self._ids: set[str] = set()
        self._failures = 0
        self._rests_until = float("-inf")

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, notice_id: str) -> bool:
        return notice_id in self._ids

    def admit(self, notice: Notice, attempts: int, now: float) -> bool:
        """Have it wait; False where there is no room, or where it waits already."""
        if notice.id in self._ids or len(self._ids) >= self._most:
            return False
        self._ids.add(notice.id)
        self._lines.setdefault(_line_of(notice), deque()).append(Waiting(notice, attempts, now))
        return True

    def next_due(self, now: float) -> Waiting | None:
        """Give the one whose turn it is. It goes on waiting until one of the three below is called for it."""
        first = min(self._heads(), key=lambda waiting: waiting.due_at, default=None)
        return first if first and max(first.due_at, self._rests_until) <= now else None

    def due_in_s(self, now: float) -> float | None:
        """Say how long nothing is due; None where nothing waits."""
        first = min((waiting.due_at for waiting in self._heads()), default=None)
        return None if first is None else max(first - now, self._rests_until - now, 0.0)

    def settled(self, waiting: Waiting, now: float, *, taken: bool) -> None:
        """Let it go. Where it was `taken`, the channel works: what was put off is due."""
        line = self._lines[_line_of(waiting.notice)]
        line.popleft()
        self._ids.discard(waiting.notice.id)
        if not line:
            del self._lines[_line_of(waiting.notice)]
        if taken and self._failures:
            self._failures = 0
            for head in self._heads():
                head.due_at = min(head.due_at, now) if head.put_off else head.due_at

    def put_off(self, waiting: Waiting, now: float, asked_for_s: float | None) -> None:
        """Have it tried again: the channel was away. Rest as long as it asked for, else longer each time."""
        waiting.put_off = True
        waiting.due_at = now + pause(waiting.attempts, self._chance)
        self._failures += 1
        rest_s = pause(self._failures, self._chance) if asked_for_s is None else asked_for_s
        self._rests_until = now + min(rest_s, LONGEST_ASKED_FOR_S)

    def refused(self, waiting: Waiting, now: float) -> None:
        """Have it tried again, seldom. The channel answers, so the others go on."""
        waiting.put_off = False
        waiting.due_at = now + pause(
            waiting.attempts, self._chance, FIRST_PAUSE_REFUSED_S, LONGEST_PAUSE_REFUSED_S
        )

    def oldest_at(self) -> datetime | None:
        """Say since when the oldest of them is to be told."""
        return min((waiting.notice.at for waiting in self._heads()), default=None)

    def _heads(self) -> Iterator[Waiting]:
        return (line[0] for line in self._lines.values())


def pause(
    attempts: int, chance: Chance, first_s: float = FIRST_PAUSE_S, longest_s: float = LONGEST_PAUSE_S
) -> float:
    """Give the seconds to wait after so many tries: doubling, bounded, and spread by chance."""
    longest = min(first_s * 2 ** min(max(attempts, 1) - 1, _DOUBLINGS), longest_s)
    return chance(longest / 2, longest)


def _line_of(notice: Notice) -> UUID | str:
    """Name what it must stay in order with. A question goes to somebody else, and holds up nobody."""
    return notice.id if notice.kind == "question" else notice.alert_id
