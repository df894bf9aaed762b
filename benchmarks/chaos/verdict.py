"""Whether a round is right: pure comparisons of what was acknowledged with what is stored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from benchmarks.chaos.store import LedgerRow, Reached


class Acknowledged(NamedTuple):
    """What producers were told is durable: ids of accesses, and how many records of each other kind."""

    identities: frozenset[bytes]
    copies: int
    conflicts: int
    malformed: int


class Trail(NamedTuple):
    """What a round left in the store and in the group; `counted` is of each partition, rows and letters."""

    rows: Sequence[bytes]
    ledger: Sequence[LedgerRow]
    reached: Mapping[int, Reached]
    since: Mapping[int, int]
    counted: Mapping[int, tuple[int, int]]


class Verdict(NamedTuple):
    """What came of the comparison; the round is right where nothing is lost, doubled or wrong."""

    acknowledged: int
    rows: int
    unacknowledged_rows: int
    """Rows whose producer was never told: it was killed, or had given up."""
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    wrong: tuple[str, ...]
    offsets: int
    duplicates: int
    letters: int
    acknowledged_copies: int
    ranges: int

    @property
    def right(self) -> bool:
        """Whether nothing is lost, doubled, or unaccounted for."""
        return not (self.lost or self.doubled or self.wrong)


def judge_round(told: Acknowledged, trail: Trail) -> Verdict:
    """Compare. `trail.rows` are of this round alone; ledger and offsets go on from the round before."""
    counts = Counter(trail.rows)
    ledger = [row for row in trail.ledger if row.first >= trail.since.get(row.partition, 0)]
    return Verdict(
        acknowledged=len(told.identities),
        rows=len(trail.rows),
        unacknowledged_rows=len(counts.keys() - told.identities),
        lost=_named(told.identities - counts.keys()),
        doubled=_named(identity for identity, times in counts.items() if times > 1),
        wrong=tuple(_what_is_wrong(told, trail, ledger)),
        offsets=sum(each.end - trail.since.get(number, 0) for number, each in trail.reached.items()),
        duplicates=sum(row.duplicates for row in ledger),
        letters=sum(row.letters for row in ledger),
        acknowledged_copies=told.copies,
        ranges=len(ledger),
    )


def _what_is_wrong(told: Acknowledged, trail: Trail, ledger: Sequence[LedgerRow]) -> Iterator[str]:
    for number, reached in sorted(trail.reached.items()):
        mine = [row for row in ledger if row.partition == number]
        yield from _of_the_group(number, reached)
        yield from _of_the_ledger(number, mine, trail.since.get(number, 0), reached.end)
        yield from _of_the_tables(number, mine, trail.counted[number])
    straddling = [row for row in trail.ledger if row.first < trail.since.get(row.partition, 0)]
    for row in straddling:
        yield f"{_name(row)} reaches into the round before, which was drained"
    duplicates, letters = sum(row.duplicates for row in ledger), sum(row.letters for row in ledger)
    if duplicates < told.copies:
        yield f"{told.copies} copies were acknowledged, {duplicates} duplicates are counted"
    if letters < told.malformed:
        yield f"{told.malformed} malformed records were acknowledged, {letters} dead letters are counted"


def _of_the_group(number: int, reached: Reached) -> Iterator[str]:
    if reached.committed != reached.end:
        yield f"partition {number}: committed {reached.committed}, the topic ends at {reached.end}"
    if reached.intent:
        yield f"partition {number}: {reached.intent!r} is still announced"


def _of_the_ledger(number: int, ledger: Sequence[LedgerRow], since: int, end: int) -> Iterator[str]:
    expected = since
    for row in ledger:
        if row.first > expected:
            yield f"partition {number}: the ledger has nothing of offsets {expected} to {row.first - 1}"
        elif row.first < expected:
            yield f"partition {number}: {_name(row)} overlaps the range before, which ends at {expected - 1}"
        if row.rows + row.letters + row.duplicates != row.last - row.first + 1:
            yield (
                f"{_name(row)}: {row.rows} rows, {row.letters} dead letters and {row.duplicates} duplicates"
                f" do not make {row.last - row.first + 1} offsets"
            )
        expected = max(expected, row.last + 1)
    if expected != end:
        yield f"partition {number}: the ledger ends at {expected - 1}, the topic at {end - 1}"


def _of_the_tables(number: int, ledger: Sequence[LedgerRow], counted: tuple[int, int]) -> Iterator[str]:
    rows, letters = sum(row.rows for row in ledger), sum(row.letters for row in ledger)
    if (rows, letters) != counted:
        yield (
            f"partition {number}: the ledger tells of {rows} rows and {letters} dead letters, the tables hold"
            f" {counted[0]} and {counted[1]}"
        )


def _name(row: LedgerRow) -> str:
    return f"range {row.partition}:{row.first}-{row.last}"


def _named(identities: Iterator[bytes] | frozenset[bytes] | set[bytes]) -> tuple[str, ...]:
    return tuple(sorted(str(UUID(bytes=identity)) for identity in identities))
