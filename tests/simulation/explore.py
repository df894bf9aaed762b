"""Going through worlds: a small one in every way, or a large one for as many seeds as there is time."""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tests.simulation.choices import Search, Seeded, Seen
from tests.simulation.stories import a_large_world
from tests.simulation.worker import Makes
from tests.simulation.world import Plan, World

WAITING_WORLDS = 0.5
"""The share of large worlds in which workers know that the broker has more, and wait for it."""


class Failure(NamedTuple):
    """A world that went wrong: how to have it again, what happened, and what was wrong with it."""

    again: object
    story: tuple[str, ...]
    error: str


class Explored(NamedTuple):
    """How much was gone through, up to the first failure if there was one."""

    runs: int
    states: int
    steps: int
    failure: Failure | None
    left: int = 0
    """How many branches were not looked into, for want of time."""


def in_every_way(
    records: Callable[[], Any], makes: Makes, plan: Plan, most_s: float = float("inf")
) -> Explored:
    """Go through all that can happen in a world with that many faults, until something is wrong."""
    search, ends = Search(), time.monotonic() + most_s
    steps = 0
    for _ in search:
        story, error = _play(World(records(), makes, search, plan))
        steps += len(story)
        failure = None if error is None else Failure(search.taken, story, error)
        if failure is not None or time.monotonic() > ends:
            return Explored(search.runs, len(search.states), steps, failure, search.left)
    return Explored(search.runs, len(search.states), steps, None)


def at_random(seeds: Iterable[int], makes: Makes, plan: Plan) -> Explored:
    """Go through one large world for each seed, until something is wrong."""
    runs = steps = 0
    for seed in seeds:
        story, error = _play(a_random_world(seed, makes, plan))
        runs, steps = runs + 1, steps + len(story)
        if error is not None:
            return Explored(runs, 0, steps, Failure(seed, story, error))
    return Explored(runs, 0, steps, None)


def a_random_world(seed: int, makes: Makes, plan: Plan) -> World:
    """Make the large world of a seed."""
    choices = Seeded(seed)
    random = choices.random
    records = a_large_world(random)
    made = makes._replace(
        largest_range=random.randrange(1, 5),
        most_remembered=random.randrange(1, 10),
        batch=lambda: random.randrange(1, 6),
    )
    faults = random.randrange(plan.faults + 1)
    workers = random.randrange(2, 4)
    made = made._replace(at_once=random.randrange(1, 3), knows_of_more=random.random() < WAITING_WORLDS)
    return World(records, made, choices, plan._replace(faults=faults, workers=workers))


def _play(world: World) -> tuple[tuple[str, ...], str | None]:
    try:
        world.run()
    except Seen:
        pass
    except Exception as error:  # noqa: BLE001 - whatever went wrong is what is looked for
        return tuple(world.story), f"{type(error).__name__}: {error}"
    finally:
        world.close()
    return tuple(world.story), None
