"""What the owner of a partition needs from outside."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from earwitness.policy import PolicySet
from sinks.base import TrailSink, VerdictSink
from streams.announce import Announcer
from streams.copies import MOST_REMEMBERED
from streams.evidence import EvidenceView
from streams.offsets import Offsets
from streams.registers import RegisterView


def _unobserved(_where: str) -> AbstractContextManager[None]:
    return nullcontext()


def _untold(_accesses: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Everything a partition needs from outside; the same for all partitions of a worker."""

    offsets: Offsets
    trail: TrailSink
    verdicts: VerdictSink
    announcer: Announcer
    evidence: EvidenceView
    registers: RegisterView
    policies: Callable[[], PolicySet]
    threads: Executor
    now: Callable[[], datetime]
    largest_range: int
    shortest_interval_s: float
    most_remembered: int = MOST_REMEMBERED
    judging: Callable[[str], AbstractContextManager[None]] = _unobserved
    """Watches the judging of a range of that place, for health and metrics."""

    backlog: Callable[[int], None] = _untold
    """Is told how many accesses wait to be judged again."""
