"""Where one range ends and the next begins: by day, by count and by bytes. No I/O here."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from models.ranges import Range, day_of

LARGEST_RANGE_BYTES: Final = 32 * 1024 * 1024
"""Values of one range at most, unless a single record is larger: what was compressed on its way here
unfolds in this process, and again in the store."""


def split_at(records: list[Any], last: int) -> tuple[list[Any], list[Any]]:
    """Part records into those up to offset `last` and those behind it. Offsets may be missing between."""
    behind = next((index for index, record in enumerate(records) if record.offset > last), len(records))
    return records[:behind], records[behind:]


def cut(topic: str, partition: int, records: list[Any], largest: int) -> Iterator[tuple[Range, list[Any]]]:
    """Cut records into ranges of one day, of at most `largest` records and `LARGEST_RANGE_BYTES`."""
    start = 0
    while start < len(records):
        day, end = day_of(records[start].timestamp), start + 1
        room = LARGEST_RANGE_BYTES - size_of(records[start : start + 1])
        while end < len(records) and end - start < largest and day_of(records[end].timestamp) == day:
            room -= size_of(records[end : end + 1])
            if room < 0:
                break
            end += 1
        yield Range(topic, partition, records[start].offset, records[end - 1].offset, day), records[start:end]
        start = end


def size_of(records: Sequence[Any]) -> int:
    """Count the bytes of their values."""
    return sum(len(record.value or b"") for record in records)
