"""What a range's records came to that did not become a row: each keeps its place in its producer's count.

Without it a copy that was counted, or a dead letter, would look like a hole in that count: a lost event.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from models.access import LARGEST_EVENT_BYTES
from models.dead_letter import DeadLetter
from models.fields import microseconds
from sinks.base import SetAside
from streams.copies import Accepted


class _Count(msgspec.Struct):
    """What even an event that cannot be accepted may say readably."""

    producer: Annotated[str, msgspec.Meta(max_length=128)] = ""
    sequence: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None


_decode_count: Final = msgspec.json.Decoder(_Count).decode
_UNCOUNTED: Final = _Count()


def set_aside(duplicates: Sequence[Accepted], letters: Sequence[DeadLetter]) -> list[SetAside]:
    """Account for copies and dead letters, each by its offset."""
    return [*map(_copy, duplicates), *map(_letter, letters)]


def _copy(item: Accepted) -> SetAside:
    record, event = item.record, item.event
    return SetAside(record.offset, record.timestamp, "copy", event.producer or "", event.sequence or 0)


def _letter(letter: DeadLetter) -> SetAside:
    count = _count_in(letter.value)
    received_at_ms = microseconds(letter.received_at) // 1_000
    return SetAside(
        letter.position.offset, received_at_ms, letter.reason, count.producer, count.sequence or 0
    )


def _count_in(value: bytes) -> _Count:
    if len(value) > LARGEST_EVENT_BYTES:
        return _UNCOUNTED
    try:
        return _decode_count(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _UNCOUNTED
