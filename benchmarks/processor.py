"""What took the processor: CPU seconds by kind of process, and those of everybody else on the machine."""

from collections.abc import Iterable, Mapping
from typing import Final

import psutil

from benchmarks.arena import cpu_s

OTHERS: Final = "elsewhere"
"""Whatever runs on the machine and is none of the kinds: it makes all of them wait."""

Kinds = Mapping[str, Iterable[psutil.Process]]
Spent = Mapping[str, float]


def spent(kinds: Kinds) -> Spent:
    """Read the CPU seconds of each kind until now, and of all other processes."""
    ours = {name: sum(map(cpu_s, processes)) for name, processes in kinds.items()}
    times = psutil.cpu_times()
    busy = times.user + times.nice + times.system + times.irq + times.softirq
    return {**ours, OTHERS: busy - sum(ours.values())}


def between(earlier: Spent, later: Spent) -> dict[str, float]:
    """Give what was spent from one reading to the other."""
    return {name: later[name] - earlier[name] for name in earlier}
