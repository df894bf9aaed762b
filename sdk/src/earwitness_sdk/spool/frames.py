"""How a record lies in a segment, and how it is found again next to bytes that are damaged. Pure.

A frame is a mark, the length of its body, its number within the segment, a checksum of all of these and
of the segment's name, and the body. So neither a flipped bit nor a frame that strayed here from elsewhere
is taken for a record, and the frame after a damaged one is found by its mark.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from earwitness_sdk.outbox import Outgoing
from earwitness_sdk.wire import EventHeaders

MARK: Final = b"\xffEW\x03"
"""Its first byte is in no UTF-8 text, so in no event; its last is the version of this format.

Whoever changes how frames or bodies are laid out counts it up, and reads what was written before: a spool
outlives the process, and with it the version of the SDK, that filled it.
"""

_FIRST_MARK: Final = b"\xffEW\x01"
_SECOND_MARK: Final = b"\xffEW\x02"
"""Its bodies hold the headers of events as well, as JSON."""
_MARK_BEGINS: Final = MARK[:-1]
_MARKS: Final = frozenset({MARK, _SECOND_MARK, _FIRST_MARK})

LARGEST_BODY_BYTES: Final = 2 * 1024 * 1024
"""Twice what Kafka takes unless told otherwise."""

_HEAD: Final = struct.Struct(">4sIII")
_LENGTHS: Final = struct.Struct(">HII")
_FIRST_LENGTHS: Final = struct.Struct(">HHI")

FRAME_BYTES: Final = _HEAD.size
"""What a frame takes besides its body."""


class Intact(NamedTuple):
    """One record as it was written. `start` and `end` are offsets into the bytes that were scanned."""

    number: int
    start: int
    end: int
    body: bytes


class Damaged(NamedTuple):
    """Bytes that are no record. `lost` counts the records that are known to have been there."""

    start: int
    end: int
    lost: int


def encode(record: Outgoing) -> bytes:
    """Write one record as the body of a frame; of an event's headers what its value does not tell."""
    topic = record.topic.encode()
    if isinstance(record.headers, EventHeaders):
        headers = record.headers.schema.encode()
    else:
        headers = json.dumps(record.headers).encode()
    lengths = _LENGTHS.pack(len(topic), len(record.key), len(headers))
    return b"".join((lengths, topic, record.key, headers, record.value))


def decode(body: bytes) -> Outgoing:
    """Read the body of an intact frame. Raises ValueError or struct.error where nothing here wrote it."""
    topic_ends, key_length, headers_length = _LENGTHS.unpack_from(body)
    topic_ends += _LENGTHS.size
    key_ends = topic_ends + key_length
    headers_end = key_ends + headers_length
    headers, value = body[key_ends:headers_end], body[headers_end:]
    return Outgoing(
        topic=body[_LENGTHS.size : topic_ends].decode(),
        key=body[topic_ends:key_ends],
        value=value,
        headers=json.loads(headers)
        if headers[:1] == b"{"
        else EventHeaders.of_value(headers.decode(), value),
    )


def frame(body: bytes, name: str, number: int) -> bytes:
    """Frame a body as the record of that number in the segment of that name."""
    return _HEAD.pack(MARK, len(body), number, _checksum(MARK, body, name, number)) + body


def scan(data: bytes, name: str, number: int) -> Iterator[Intact | Damaged]:
    """Find every record in bytes of a segment that begin at the record of that number."""
    position = 0
    while position < len(data):
        found = _frame_at(data, position, name)
        if found is None:
            found = _next_frame(data, position + 1, name)
            if found is None:
                yield Damaged(position, len(data), 1)
                return
            yield Damaged(position, found.start, max(0, found.number - number))
        yield found
        position, number = found.end, found.number + 1


def _next_frame(data: bytes, position: int, name: str) -> Intact | None:
    while (position := data.find(_MARK_BEGINS, position)) >= 0:
        found = _frame_at(data, position, name)
        if found is not None:
            return found
        position += 1
    return None


def _frame_at(data: bytes, start: int, name: str) -> Intact | None:
    if len(data) - start < FRAME_BYTES:
        return None
    mark, length, number, checksum = _HEAD.unpack_from(data, start)
    begins = start + FRAME_BYTES
    if mark not in _MARKS or length > min(LARGEST_BODY_BYTES, len(data) - begins):
        return None
    body = data[begins : begins + length]
    if checksum != _checksum(mark, body, name, number):
        return None
    return Intact(number, start, begins + length, _laid_out_anew(body) if mark == _FIRST_MARK else body)


def _laid_out_anew(body: bytes) -> bytes:
    """Give the body of a frame of the first version as this one lays it out."""
    lengths = _LENGTHS.pack(*_FIRST_LENGTHS.unpack_from(body))
    return lengths + body[_FIRST_LENGTHS.size :]


def _checksum(mark: bytes, body: bytes, name: str, number: int) -> int:
    """Sum up a frame. The first version left its mark out, which one flipped byte would then turn into it."""
    told = b"%s %d %d" % (name.encode(), number, len(body))
    return zlib.crc32(body, zlib.crc32(told if mark == _FIRST_MARK else mark + told))
