from benchmarks import arena, faust_idiomatic
from benchmarks.arena import Contender

EVENTS = 30_000
EVIDENCE = 2_000
ROUNDS = 1
AT_LEAST = 3.0
"""Far below what `make bench` shows, and far above what a worker gains that hands on record after record."""


def test_the_worker_is_several_times_as_fast_as_an_idiomatic_agent() -> None:
    """A ratio of work done by a CPU-second, in one run: how busy the machine is concerns both."""
    idiomatic = Contender("faust_idiomatic", ("-m", "benchmarks.faust_idiomatic"), faust_idiomatic.TABLE, ())
    with arena.opened(EVENTS, EVIDENCE, print) as place:
        rounds = arena.compete(place, (arena.WORKER, idiomatic), ROUNDS, print)
    worker, agent = (rounds[each.name][0].events_per_cpu_s for each in (arena.WORKER, idiomatic))
    assert worker / agent >= AT_LEAST, f"{worker:,.0f} and {agent:,.0f} events per CPU-second"
