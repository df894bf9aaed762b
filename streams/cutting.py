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
        part = records[start : start + largest]
        if (
            len({day_of(timestamp) for timestamp in _extremes(part)}) > 1
            or size_of(part) > LARGEST_RANGE_BYTES
        ):
            part = part[: _fitting(part)]
        yield Range(topic, partition, part[0].offset, part[-1].offset, day_of(part[0].timestamp)), part
        start += len(part)


def size_of(records: Sequence[Any]) -> int:
    """Count the bytes of their values."""
    return sum([len(record.value or b"") for record in records])


def _extremes(records: Sequence[Any]) -> tuple[int, int]:
    timestamps = [record.timestamp for record in records]
    return min(timestamps), max(timestamps)


def _fitting(records: Sequence[Any]) -> int:
    """Count the records that are of the first one's day and have room beside it; it is always one of them."""
    day, room = day_of(records[0].timestamp), LARGEST_RANGE_BYTES - size_of(records[:1])
    for index, record in enumerate(records[1:], start=1):
        room -= size_of((record,))
        if room < 0 or day_of(record.timestamp) != day:
            return index
    return len(records)
