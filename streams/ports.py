"""What the owner of a partition needs from outside."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from earwitness.policy import PolicySet
from sinks.base import TrailSink, VerdictSink
from streams.announce import Announcer
from streams.copies import MOST_REMEMBERED
from streams.evidence import EvidenceView
from streams.offsets import Offsets
from streams.registers import RegisterView

RANGES_AT_ONCE: Final = 2
"""Ranges that a worker has in hand: one that it judges, and one that the store takes in. More of them would
fill memory, about 5 kB a record, and nothing would be done sooner."""


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
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RANGES_AT_ONCE))
    """Held by an owner while it has a range in hand. All that it awaits in the meantime is the store or the
    group, which are the same for all owners, or ends soon: no owner holds up the others for long."""

    judging: Callable[[str], AbstractContextManager[None]] = _unobserved
    """Watches the judging of a range of that place, for health and metrics."""

    backlog: Callable[[int], None] = _untold
    """Is told how many accesses wait to be judged again."""
