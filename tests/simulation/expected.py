"""What must be true of a simulated world: at each step, and when nothing is left to happen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from models.topics import DEAD_LETTERS, FINDINGS
from sinks.base import Content, Identity, content_of
from streams.judge import read_records
from streams.offsets import Committed

if TYPE_CHECKING:
    from tests.simulation.world import World


class Fates(NamedTuple):
    """What must become of the records of a partition, by offset."""

    rows: set[int]
    letters: set[int]
    copies: set[int]


def fates_of(records: Sequence[Any]) -> Fates:
    """Say it in the simplest way: the first of an identity is the row, whatever batches they came in."""
    read = read_records(records)
    fates = Fates(set(), {letter.position.offset for letter in read.refused}, set())
    first: dict[Identity, Content] = {}
    for event, _, record, _ in read.accepted:
        identity, content = (event.source, event.id), content_of(event)
        if identity not in first:
            first[identity] = content
            fates.rows.add(record.offset)
        elif first[identity] == content:
            fates.copies.add(record.offset)
        else:
            fates.letters.add(record.offset)
    return fates


def assert_nothing_skipped(world: "World") -> None:
    """Whatever lies before a committed offset is a row, or kept as a dead letter, or a copy of a row.

    That no access is stored twice is watched by the store itself, at each insert.
    """
    for place, committed in enumerate(world.broker.committed):
        if committed.offset:
            fates = world.fates[place]
            rows = {offset for offset in fates.rows if offset < committed.offset}
            assert rows <= _rows(world, place), f"{place} skipped {rows - _rows(world, place)}"
            letters = {offset for offset in fates.letters if offset < committed.offset}
            assert letters <= _letters(world, place), f"{place} skipped {letters - _letters(world, place)}"


def assert_complete(world: "World") -> None:
    """Everything is stored once, accounted for once and told of; the group has committed the end."""
    for place in range(len(world.broker.partitions)):
        fates = world.fates[place]
        rows, letters = _rows(world, place), _letters(world, place)
        assert rows == fates.rows, f"{place} has the rows {rows}, not {fates.rows}"
        assert letters == fates.letters, f"{place} has the dead letters {letters}, not {fates.letters}"
        end = world.broker.end_of(place)
        committed = world.broker.committed[place]
        assert committed == Committed(end, ""), f"{place} stands at {committed}, not {end}"
        _assert_accounted(world, place, fates)
    _assert_told(world)


def _assert_accounted(world: "World", place: int, fates: Fates) -> None:
    """The ledger goes from the first record to the last, and says what became of each."""
    entries = sorted(entry for entry in world.store.entries if entry.range.partition == place)
    expected = int(world.broker.partitions[place][0].offset)
    for entry in entries:
        assert entry.range.first == expected, (
            f"the ledger of {place} goes on at {entry.range.first}, not {expected}"
        )
        expected = entry.range.last + 1
        counts = tuple(
            sum(entry.range.first <= offset <= entry.range.last for offset in offsets) for offsets in fates
        )
        rows, letters, copies = counts
        told = (rows, letters, copies, letters + copies)
        assert entry[1:] == told, f"{entry} should count {told}"
    assert expected == world.broker.end_of(place), f"the ledger of {place} ends at {expected}"


def _assert_told(world: "World") -> None:
    told = world.broker.told()
    refused = {
        (DEAD_LETTERS, str(letter.position))
        for letters in world.store.dead_letters.values()
        for letter in letters
    }
    assert refused <= told, f"not told: {refused - told}"
    rows: set[tuple[str, Any]] = {
        (FINDINGS, f"{block.range.topic}/{block.range.partition}/{row.offset}:{row.verdict.outcome}")
        for block in world.store.blocks.values()
        for row in block.rows
        if row.verdict.outcome != "justified"
    }
    found = {(topic, what) for topic, what in told if topic == FINDINGS and not what.endswith("id_conflict")}
    assert found == rows, f"told, or not told, against the rows: {found ^ rows}"


def _rows(world: "World", place: int) -> set[int]:
    return {
        row.offset
        for block in world.store.blocks.values()
        if block.range.partition == place
        for row in block.rows
    }


def _letters(world: "World", place: int) -> set[int]:
    return {
        letter.position.offset
        for letters in world.store.dead_letters.values()
        for letter in letters
        if letter.position.partition == place
    }
