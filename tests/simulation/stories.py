"""The worlds that are gone through: small ones in every way, large ones at random."""

from random import Random
from typing import Any, Final

from streams.copies import LATEST_AHEAD_MS
from streams.partition import FILTER_LOOKS_BACK_MS
from tests.streams.records import DAY_MS, NOON_MS, Record, a_record, event_id

PENDING: Final = {"evidence_ref": "ticket:unknown", "purpose": "resolve_complaint"}
LARGE: Final = 14
"""Records of each partition of a large world."""

PAUSES_MS: Final = (0, 0, 0, 1, LATEST_AHEAD_MS, LATEST_AHEAD_MS + 1, FILTER_LOOKS_BACK_MS)
"""How long after the one before it a record of a large world is received, but for two of them."""

JUMP_BACK_MS: Final = 3_600_000
"""How far the broker's clock jumps back, once for each partition of a large world."""

AHEAD_MS: Final = (
    0,
    0,
    LATEST_AHEAD_MS,
    LATEST_AHEAD_MS,
    LATEST_AHEAD_MS + 1,
    DAY_MS - 1,
    -1,
    -LATEST_AHEAD_MS,
)
"""How long after it is received the id of an access was made, by its producer's clock."""


def two_records() -> list[list[Record]]:
    """One partition and one range: an access, and one that is told of."""
    return [[a_record(0), a_record(1, **PENDING)]]


def three_records() -> list[list[Record]]:
    """One partition and two ranges: as above, and a copy of the first access.

    Its id is as far ahead of its receipt as may be, and the copy just too late for a new owner's filter.
    """
    first = a_record(0, id=event_id(0, NOON_MS + LATEST_AHEAD_MS))
    copy = Record(2, first.value, NOON_MS + FILTER_LOOKS_BACK_MS)
    return [[first, *two_records()[0][1:], copy]]


def a_large_world(random: Random) -> list[list[Record]]:
    """Two partitions of two days: accesses, copies, conflicts, records that are none, in any order."""
    return [[_at(place, record) for record in _records(random, place)] for place in range(2)]


def _records(random: Random, place: int) -> list[Record]:
    midnight, jump = random.randrange(LARGE), random.randrange(LARGE)
    received_ms = NOON_MS + JUMP_BACK_MS
    accesses: list[tuple[int, dict[str, Any]]] = []
    records: list[Record] = []
    for offset in range(LARGE):
        received_ms += (
            random.choice(PAUSES_MS) + DAY_MS * (offset == midnight) - JUMP_BACK_MS * (offset == jump)
        )
        if not accesses or random.random() > 0.3:
            accesses.append(_an_access(random, 100 * place + offset, received_ms))
        record = _a_record_of_any_kind(random, *random.choice(accesses[-1:] * 3 + accesses))
        records.append(record._replace(offset=offset, timestamp=received_ms))
    return records


def _an_access(random: Random, number: int, received_ms: int) -> tuple[int, dict[str, Any]]:
    """Make the number of an access and what it says; one id in ten does not say when it was made."""
    changes: dict[str, Any] = PENDING if random.random() < 0.3 else {}
    made = event_id(number, received_ms + random.choice(AHEAD_MS))
    return number, {**changes, "id": made if random.random() < 0.9 else f"{made[:14]}5{made[15:]}"}


def _a_record_of_any_kind(random: Random, number: int, said: dict[str, Any]) -> Record:
    kind = random.random()
    if kind < 0.1:
        return Record(0, b"no JSON")
    if kind < 0.2:
        return a_record(number, **{**said, "actor_id": "e-9"})
    return a_record(number, **said)


def _at(place: int, record: Record) -> Record:
    return record._replace(partition=place)
