"""The worlds that are gone through: small ones in every way, large ones at random."""

from random import Random
from typing import Any, Final

from tests.streams.records import DAY_MS, NOON_MS, Record, a_record

PENDING: Final = {"evidence_ref": "ticket:unknown", "purpose": "resolve_complaint"}
LARGE: Final = 14
"""Records of each partition of a large world."""


def two_records() -> list[list[Record]]:
    """One partition and one range: an access, and one that is told of."""
    return [[a_record(0), a_record(1, **PENDING)]]


def one_record() -> list[list[Record]]:
    """One partition and one range: an access that is told of."""
    return [two_records()[0][:1]]


def three_records() -> list[list[Record]]:
    """One partition and two ranges: as above, and a copy of the first access."""
    return [[*two_records()[0], a_record(2)._replace(value=a_record(0).value)]]


def a_large_world(random: Random) -> list[list[Record]]:
    """Two partitions of two days: accesses, copies, conflicts, records that are none, in any order."""
    return [[_at(place, record) for record in _records(random, place)] for place in range(2)]


def _records(random: Random, place: int) -> list[Record]:
    midnight = random.randrange(LARGE)
    records: list[Record] = []
    for offset in range(LARGE):
        timestamp = NOON_MS + (DAY_MS if offset >= midnight else 0)
        records.append(_a_record_of_any_kind(random, 100 * place, offset)._replace(timestamp=timestamp))
    return records


def _a_record_of_any_kind(random: Random, base: int, offset: int) -> Record:
    changes: dict[str, Any] = PENDING if random.random() < 0.3 else {}
    number = base + (random.randrange(offset + 1) if random.random() < 0.3 else offset)
    kind = random.random()
    if kind < 0.1:
        return Record(offset, b"no JSON")
    if kind < 0.2:
        return a_record(number, actor_id="e-9")._replace(offset=offset)
    return a_record(number, **changes)._replace(offset=offset)


def _at(place: int, record: Record) -> Record:
    return record._replace(partition=place)
