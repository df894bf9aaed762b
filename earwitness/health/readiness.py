"""What one process knows of whether it can record: a small state machine, with its clock passed in.

Whatever it needs is asked several times a second. What has not answered lately counts as gone, whether it
refuses, hangs or is merely not asked any more, so that no way to fail is left out.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

ANSWERED_WITHIN_S: Final = 0.9
"""How old the last answer of a part may be; a process must be known as not ready within a second."""

UNDER_WAY_S: Final = 10.0
"""How long one call may take before what made it counts as stuck."""

WAIT_REMEMBERED_S: Final = 15.0
"""How long a failed call counts that is neither made again nor under way: its partition has moved.

Calls are made again after at most five seconds, and one that is under way is seen by itself."""

ALIVE_WITHIN_S: Final = 30.0
"""How long the event loop may stand still before nothing but a restart helps."""

EVENT_LOOP: Final = "event loop"
KAFKA: Final = "kafka"
CLICKHOUSE: Final = "clickhouse"
HEARD_THROUGH_THE_LOOP: Final = frozenset({EVENT_LOOP, KAFKA})


class Health(NamedTuple):
    """An answer, and why; `reasons` are what is wrong, or what was looked at."""

    ok: bool
    reasons: Sequence[str]


@dataclass
class _Part:
    """Something that the process needs."""

    answered_at: float | None = None
    refusal: str | None = None


class Readiness:
    """Ready while every part answered lately, no call has to be repeated, and none is under way for long.

    Safe to use from any thread. `clock` gives monotonic seconds. Nothing here blocks.
    """

    def __init__(self, parts: Sequence[str], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._parts = {name: _Part() for name in parts}
        self._waiting: dict[str, tuple[str, float]] = {}
        self._under_way: dict[int, tuple[str, float]] = {}
        self._numbers = count()
        self._computing_since: float | None = None
        self._stopping: str | None = None
        self._told: Callable[[], Sequence[str]] = tuple
        self._lock = threading.Lock()

    def answered(self, part: str) -> None:
        """A part did what it was asked for, by whomever."""
        with self._lock:
            if part in self._parts:
                self._parts[part] = _Part(self._clock())

    def refused(self, part: str, why: str) -> None:
        """A part could not be reached, or said no."""
        with self._lock:
            self._parts[part].refusal = why

    def waits(self, what: str, why: str) -> None:
        """A call failed for a reason that passes, and is repeated."""
        with self._lock:
            self._waiting[what] = why, self._clock()

    def goes_on(self, what: str) -> None:
        """The call succeeded."""
        with self._lock:
            self._waiting.pop(what, None)

    def begin(self, what: str) -> int:
        """Note that a call is made; give its number for `end`."""
        with self._lock:
            number = next(self._numbers)
            self._under_way[number] = what, self._clock()
            return number

    def end(self, number: int) -> None:
        """Note that a call has ended, however."""
        with self._lock:
            self._under_way.pop(number, None)

    @contextmanager
    def computing(self, what: str) -> Iterator[None]:
        """Hold the event loop for work of one's own: nothing can be heard meanwhile, and nothing is amiss.

        Silence does not count for as long; work that takes too long is stuck, as any call is.
        """
        number, began_at = self.begin(what), self._clock()
        self._computing_since = began_at
        try:
            yield
        finally:
            self.end(number)
            with self._lock:
                self._computing_since = None
                self._excuse(self._clock() - began_at)

    def forget(self) -> None:
        """Partitions moved: what waited for them waits elsewhere now."""
        with self._lock:
            self._waiting.clear()
            self._under_way.clear()

    def stop(self, why: str) -> None:
        """The process takes nothing more."""
        self._stopping = why

    def also(self, told: Callable[[], Sequence[str]]) -> None:
        """Ask `told` each time as well for what is wrong."""
        self._told = told

    def readiness(self) -> Health:
        """Say whether the process can record now."""
        now = self._clock()
        told = self._told()
        with self._lock:
            heard_at = now if self._computing_since is None else self._computing_since
            wrong = [*self._unanswered(now, heard_at), *self._held_up(now), *told]
            if self._stopping is not None:
                wrong.append(self._stopping)
            return Health(not wrong, wrong or [f"{name} answers" for name in self._parts])

    def liveness(self) -> Health:
        """Say whether the process can still come round by itself."""
        with self._lock:
            loop = self._parts.get(EVENT_LOOP)
            if loop is None or loop.answered_at is None:
                return Health(True, ["running"])
            silent_s = self._clock() - loop.answered_at
            if silent_s > ALIVE_WITHIN_S:
                return Health(False, [f"the event loop has stood still for {silent_s:.1f} s"])
            return Health(True, ["running"])

    def _excuse(self, for_s: float) -> None:
        """Leave a time out of the silence of what is heard through the event loop."""
        now = self._clock()
        for name in HEARD_THROUGH_THE_LOOP:
            part = self._parts.get(name)
            if part is not None and part.answered_at is not None:
                part.answered_at = min(now, part.answered_at + for_s)

    def _unanswered(self, clock_s: float, heard_at: float) -> list[str]:
        wrong: list[str] = []
        for name, part in self._parts.items():
            now = heard_at if name in HEARD_THROUGH_THE_LOOP else clock_s
            if part.refusal is not None:
                wrong.append(f"{name}: {part.refusal}")
            elif part.answered_at is None:
                wrong.append(f"{name} has not answered yet")
            elif now - part.answered_at > ANSWERED_WITHIN_S:
                wrong.append(f"{name} has not answered for {now - part.answered_at:.1f} s")
        return wrong

    def _held_up(self, now: float) -> list[str]:
        self._waiting = {
            what: failed for what, failed in self._waiting.items() if now - failed[1] <= WAIT_REMEMBERED_S
        }
        waiting = [f"{what} waits: {why}" for what, (why, _) in self._waiting.items()]
        long = [
            f"{what} has been under way for {now - since:.1f} s"
            for what, since in self._under_way.values()
            if now - since > UNDER_WAY_S
        ]
        return [*waiting, *long]
