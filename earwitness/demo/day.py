"""A day at the telephony platform: accesses with labels, and the evidence behind them."""

import hashlib
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from models.evidence import EvidenceRecord

from .company import Company, found_company
from .labels import LabelledAccess, Scene
from .scenarios import EVERYDAY, MISUSE, Scenario
from .stage import Stage

FEWEST_ACCESSES: Final = 500
"""A smaller day has no room for every kind of scene."""

DAY: Final = timedelta(hours=23)
"""How far back the day reaches: within the last 24 hours for an hour after it was made."""

MARGIN: Final = timedelta(minutes=5)
"""The last scene begins this long before now, so that no access lies in the future."""

_SLOT: Final = timedelta(minutes=5)
_BUSY_HOURS: Final = range(7, 20)
_BUSY_WEIGHT: Final = 4.0
_ACCESSES_PER_CUSTOMER: Final = 25
_FEWEST_CUSTOMERS: Final = 200
_MOST_CUSTOMERS: Final = 50_000
_TAG_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_TAG_LENGTH: Final = 5

_ClockHand = Callable[[], datetime]


class Day(NamedTuple):
    """All that happened, in the order in which it is to be published."""

    tag: str
    """What every id of this day carries, and no id of another day."""
    evidence: Sequence[EvidenceRecord]
    accesses: Sequence[LabelledAccess]
    """By time, earliest first."""


def simulate(now: datetime, seed: int, accesses: int, evidence_target: int | None = None) -> Day:
    """Make up the day before `now` with exactly `accesses` accesses.

    The same arguments make the same day; another `now` or `seed` makes other ids. Where the day
    needs less evidence than `evidence_target`, old closed tickets are added up to it.

    Raises ValueError where `accesses` is below `FEWEST_ACCESSES`.
    """
    if accesses < FEWEST_ACCESSES:
        raise ValueError(f"a day needs at least {FEWEST_ACCESSES} accesses; {accesses} were asked for")
    rng = random.Random(seed)  # noqa: S311 - a repeatable day, not a secret
    tag = _tag(now, seed)
    customer_count = min(max(accesses // _ACCESSES_PER_CUSTOMER, _FEWEST_CUSTOMERS), _MOST_CUSTOMERS)
    company = found_company(now, tag, rng, customer_count)
    evidence = list(company.registers)
    labelled: list[LabelledAccess] = []
    numbers = itertools.count(1)
    for kind, scene in _scenes(company, now, accesses, rng, numbers):
        evidence += scene.evidence
        labelled += [LabelledAccess(event, kind, label) for event, label in scene.accesses]
        if len(labelled) >= accesses:
            break
    del labelled[accesses:]
    _file_old_tickets(evidence, company, now, evidence_target or 0, numbers)
    labelled.sort(key=lambda access: access.event["time"])
    _number_by_producer(labelled)
    return Day(tag, evidence, labelled)


def _tag(now: datetime, seed: int) -> str:
    digest = hashlib.blake2b(f"{seed} {now.isoformat()}".encode(), digest_size=_TAG_LENGTH).digest()
    return "".join(_TAG_ALPHABET[byte % len(_TAG_ALPHABET)] for byte in digest)


def _scenes(
    company: Company, now: datetime, accesses: int, rng: random.Random, numbers: Iterator[int]
) -> Iterator[tuple[str, Scene]]:
    """Play the misuse first, then every everyday scene once, then everyday scenes without end."""
    for scenario, moment in itertools.chain(
        _misuse(now, accesses, rng), _each_once(now, rng), _everyday(now, rng)
    ):
        yield scenario.kind, scenario.play(Stage(company, moment, rng, numbers))


def _misuse(now: datetime, accesses: int, rng: random.Random) -> Iterator[tuple[Scenario, datetime]]:
    hand = _any_hour(now, rng)
    for scenario in MISUSE:
        for _ in range(max(1, round(scenario.weight * accesses / 10_000))):
            yield scenario, hand()


def _each_once(now: datetime, rng: random.Random) -> Iterator[tuple[Scenario, datetime]]:
    hand = _busy_hours(now, rng)
    for scenario in EVERYDAY:
        yield scenario, hand()


def _everyday(now: datetime, rng: random.Random) -> Iterator[tuple[Scenario, datetime]]:
    hand = _busy_hours(now, rng)
    cumulated = list(itertools.accumulate(scenario.weight for scenario in EVERYDAY))
    while True:
        for scenario in rng.choices(EVERYDAY, cum_weights=cumulated, k=1_000):
            yield scenario, hand()


def _any_hour(now: datetime, rng: random.Random) -> _ClockHand:
    length_s = (DAY - MARGIN).total_seconds()
    return lambda: now - MARGIN - timedelta(seconds=rng.uniform(0, length_s))


def _busy_hours(now: datetime, rng: random.Random) -> _ClockHand:
    """Choose instants of the day, more of them in office hours (UTC)."""
    slots = [now - MARGIN - number * _SLOT for number in range(1, int((DAY - MARGIN) / _SLOT))]
    weights = (_BUSY_WEIGHT if slot.hour in _BUSY_HOURS else 1.0 for slot in slots)
    cumulated = list(itertools.accumulate(weights))
    slot_s = _SLOT.total_seconds()

    def hand() -> datetime:
        (slot,) = rng.choices(slots, cum_weights=cumulated)
        return slot + timedelta(seconds=rng.uniform(0, slot_s))

    return hand


def _file_old_tickets(
    evidence: list[EvidenceRecord], company: Company, now: datetime, target: int, numbers: Iterator[int]
) -> None:
    """Fill up with tickets that were closed long before the day, and so explain nothing in it."""
    agents, customers = company.staff["support"], company.customers
    for number in itertools.islice(numbers, max(0, target - len(evidence))):
        opened = now - timedelta(days=3 + number % 365)
        evidence.append(
            EvidenceRecord(
                ref=f"ticket:TCK-{company.tag}-{number:05d}",
                kind="complaint",
                customer_ids=(customers[number % len(customers)],),
                assignees=(agents[number % len(agents)].id,),
                valid_from=opened,
                valid_to=opened + timedelta(days=1),
                origin="webhook",
                recorded_by="register-sync",
                recorded_at=opened,
            )
        )


def _number_by_producer(accesses: Sequence[LabelledAccess]) -> None:
    """Give each producer's accesses its own contiguous count, in the order of time."""
    counts: Counter[str | int] = Counter()
    for access in accesses:
        producer = access.event["producer"]
        counts[producer] += 1
        access.event["sequence"] = counts[producer]
