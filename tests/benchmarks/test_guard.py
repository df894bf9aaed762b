import pytest

from benchmarks import arena, faust_idiomatic
from benchmarks.arena import Contender

EVENTS = 30_000
EVIDENCE = 2_000
ROUNDS = 5
AT_LEAST = 2.5
"""Far above what a worker gains that hands on record after record, and below what `make bench` shows: with so
few accesses and on a slow machine, 2.9 was seen."""


@pytest.mark.alone
def test_the_worker_is_several_times_as_fast_as_an_idiomatic_agent() -> None:
    """A ratio of work done by a CPU-second, in one run: how busy the machine is concerns both.

    Each counts with its best round so far, since all that can disturb a round makes it dearer.
    """
    idiomatic = Contender("faust_idiomatic", ("-m", "benchmarks.faust_idiomatic"), faust_idiomatic.TABLE, ())
    contenders = (arena.WORKER, idiomatic)
    best = dict.fromkeys(contenders, 0.0)
    with arena.opened(EVENTS, EVIDENCE, print) as place:
        for rounds in arena.turns(place, contenders, ROUNDS, print):
            best = {each: max(best[each], rounds[each].events_per_cpu_s) for each in contenders}
            if best[arena.WORKER] >= AT_LEAST * best[idiomatic]:
                return
    raise AssertionError(f"{best[arena.WORKER]:,.0f} and {best[idiomatic]:,.0f} events per CPU-second")
