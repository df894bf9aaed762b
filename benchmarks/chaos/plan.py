"""What is done to whom, and when: drawn from a seed, so that a round can be planned again."""

import random
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

Action = Literal[
    "kill",
    "pause",
    "restart",
    "roll",
    "join",
    "lose_answer",
    "cut_request",
    "stall_answer",
    "part_from_store",
    "part_from_broker",
    "fill_store",
]
"""`kill` is SIGKILL, `pause` SIGSTOP and later SIGCONT, `restart` SIGTERM, `roll` the same for one worker
after the other, `join` a worker more for a while. The others happen on the way between a worker and a server:
`lose_answer` cuts when rows were stored and before the worker hears of it, `cut_request` within the rows."""

Moment = Literal["any", "starting", "asking", "rows_sent", "rows_stored", "ledger_sent", "ledger_stored"]
"""The instant at which it happens: by the clock, while the target starts, or in the range protocol, as the
proxy sees it."""

MOMENTS: Final[tuple[Moment, ...]] = (
    "starting",
    "asking",
    "rows_sent",
    "rows_stored",
    "ledger_sent",
    "ledger_stored",
)

WORKERS: Final = ("worker-1", "worker-2", "worker-3")
PRODUCERS: Final = ("sdk-1", "sdk-2", "bulk-1", "direct-1")
SERVERS: Final = ("kafka", "clickhouse", "supervisor")

SESSION_TIMEOUT_S: Final = 6.0

ENOUGH_KILLS: Final = 1_000
ENOUGH_EVENTS: Final = 10_000_000
"""What a campaign goes on to, unless told otherwise."""


class Fault(NamedTuple):
    """One thing that goes wrong: `at_s` after the round began, for `lasts_s` where it lasts."""

    at_s: float
    action: Action
    target: str
    moment: Moment
    lasts_s: float


class Profile(NamedTuple):
    """A way to plan rounds: how much of what, and for how long."""

    name: str
    actions: Mapping[tuple[Action, str], float]
    """Weights, by action and by the kind of its target."""
    aimed: float
    """Share of the faults that wait for a moment of the range protocol."""
    faults_per_minute: float
    longest_pause_s: float


_TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "worker": WORKERS,
    "producer": PRODUCERS,
    "kafka": ("kafka",),
    "clickhouse": ("clickhouse",),
    "supervisor": ("supervisor",),
}

KILLS: Final = Profile(
    name="kills",
    actions={
        ("kill", "worker"): 36,
        ("kill", "producer"): 22,
        ("kill", "clickhouse"): 13,
        ("kill", "kafka"): 6,
        ("kill", "supervisor"): 4,
        ("pause", "worker"): 3,
        ("pause", "producer"): 1,
        ("pause", "clickhouse"): 2,
        ("pause", "kafka"): 1,
        ("pause", "supervisor"): 1,
        ("restart", "worker"): 3,
        ("roll", "worker"): 1,
        ("join", "worker"): 1,
        ("lose_answer", "worker"): 6,
        ("cut_request", "worker"): 2,
        ("stall_answer", "worker"): 2,
        ("part_from_store", "worker"): 1,
    },
    aimed=0.6,
    faults_per_minute=45.0,
    longest_pause_s=9.0,
)

ZOMBIES: Final = Profile(
    name="zombies",
    actions={
        ("kill", "worker"): 8,
        ("kill", "producer"): 6,
        ("kill", "clickhouse"): 5,
        ("kill", "kafka"): 3,
        ("kill", "supervisor"): 1,
        ("pause", "worker"): 14,
        ("pause", "clickhouse"): 4,
        ("pause", "kafka"): 3,
        ("restart", "worker"): 2,
        ("roll", "worker"): 3,
        ("join", "worker"): 4,
        ("lose_answer", "worker"): 8,
        ("cut_request", "worker"): 4,
        ("stall_answer", "worker"): 6,
        ("part_from_store", "worker"): 4,
        ("part_from_broker", "worker"): 10,
        ("fill_store", "clickhouse"): 3,
    },
    aimed=0.7,
    faults_per_minute=14.0,
    longest_pause_s=20.0,
)

PROFILES: Final[Mapping[str, Profile]] = {profile.name: profile for profile in (KILLS, ZOMBIES)}

_SHORTEST_PAUSE_S: Final = 0.3
_BY_THE_CLOCK: Final[frozenset[Action]] = frozenset(
    {"restart", "roll", "join", "part_from_store", "fill_store"}
)
_OF_THE_PROXY: Final[Mapping[Action, Moment]] = {
    "lose_answer": "rows_stored",
    "cut_request": "rows_sent",
    "stall_answer": "rows_stored",
}


def plan_round(profile: Profile, seed: int, lasts_s: float) -> Iterator[Fault]:
    """Draw the faults of a round, in order: the same for the same seed.

    `moment` is drawn for every fault of a process; a producer has none, for the proxy does not see it.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be guessed
    choices, weights = list(profile.actions), list(profile.actions.values())
    at_s = chance.expovariate(profile.faults_per_minute / 60)
    while at_s < lasts_s:
        ((action, kind),) = chance.choices(choices, weights)
        target = chance.choice(_TARGETS[kind])
        aimed = chance.random() < profile.aimed
        moment = chance.choice(MOMENTS)
        pause_s = chance.uniform(_SHORTEST_PAUSE_S, profile.longest_pause_s)
        yield Fault(at_s, action, target, _moment(action, kind, moment if aimed else "any"), pause_s)
        at_s += chance.expovariate(profile.faults_per_minute / 60)


def _moment(action: Action, kind: str, drawn: Moment) -> Moment:
    if action in _OF_THE_PROXY:
        return _OF_THE_PROXY[action]
    return "any" if kind == "producer" or action in _BY_THE_CLOCK else drawn
