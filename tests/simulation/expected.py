"""What must be true of a simulated world: at each step, and when nothing is left to happen."""

from typing import TYPE_CHECKING, Any

from models.topics import DEAD_LETTERS, FINDINGS
from streams.judge import read_records
from tests.simulation.store import overlaps

if TYPE_CHECKING:
    from tests.simulation.world import World


def assert_nothing_skipped(world: "World") -> None:
    """Whatever lies before a committed offset is stored, or refused and kept, or a copy of what is stored.

    That nothing is stored twice is watched by the store itself, at each insert.
    """
    for place, committed in enumerate(world.broker.committed):
        if committed.offset is None:
            continue
        records = [record for record in world.broker.partitions[place] if record.offset < committed.offset]
        read = read_records(records)
        stored, letters = world.store.identities, _letters(world, place)
        for item in read.accepted:
            assert stored[item.event.source, item.event.id] == 1, f"{place}/{item.record.offset} was skipped"
        for letter in read.refused:
            assert letter.position.offset in letters, f"{letter.position} was skipped"


def assert_complete(world: "World") -> None:
    """Everything is stored once, accounted for once and told of; the group has committed the end."""
    for place, records in enumerate(world.broker.partitions):
        end = world.broker.end_of(place)
        committed = world.broker.committed[place]
        assert (committed.offset, committed.metadata) == (end, ""), f"{place} stands at {committed}, not {end}"
        first = int(records[0].offset)
        covered = sorted(
            (entry.range.first, entry.range.last)
            for entry in world.store.entries
            if entry.range.partition == place
        )
        for start, last in covered:
            assert start == first, f"the ledger of {place} goes on at {start}, not {first}: {covered}"
            first = last + 1
        assert first == end, f"the ledger of {place} ends at {first}, not {end}"
    assert overlaps(world.store.entries) == []
    _assert_counted(world)
    _assert_told(world)


def _assert_counted(world: "World") -> None:
    """The ledger says how many rows, dead letters and copies there are, and each record is one of them."""
    entries = world.store.entries
    assert sum(entry.row_count for entry in entries) == sum(world.store.identities.values())
    for entry in entries:
        held = entry.range.last - entry.range.first + 1
        accounted = entry.row_count + entry.dead_letter_count + entry.duplicate_count
        assert accounted == held, f"{entry} accounts for {accounted} of {held} records"


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
    assert rows <= told, f"not told: {rows - told}"


def _letters(world: "World", place: int) -> set[int]:
    return {
        letter.position.offset
        for letters in world.store.dead_letters.values()
        for letter in letters
        if letter.position.partition == place
    }
