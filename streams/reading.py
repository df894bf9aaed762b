"""Batches of records as aiokafka reads them, whatever their headers are called.

Kafka takes any bytes for the name of a header, and aiokafka gives up on a batch in which one is not
UTF-8: its consumer would fail at it for ever, and with it the partition. `forgive_names` has such a
batch read once more, with those bytes written as backslash, x and two digits.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_PLACE = struct.Struct(">qi")
"""Where each batch begins: its first offset, and how many bytes follow."""


def forgive_names() -> None:
    """Have every consumer of this process read so. May be called again."""
    fetcher.MemoryRecords = ForgivingRecords


class ForgivingRecords:
    """The batches of one partition in one answer of the broker, as the consumer walks through them."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._at = 0
        self._batches = MemoryRecords(content)

    def size_in_bytes(self) -> int:
        """Say how much the broker sent."""
        size: int = self._batches.size_in_bytes()
        return size

    def has_next(self) -> bool:
        """Say whether there is another whole batch."""
        return bool(self._batches.has_next())

    def next_batch(self) -> Any:  # noqa: ANN401 - aiokafka's batch, or ours in its place
        """Give the next batch."""
        batch = self._batches.next_batch()
        if batch is None:
            return None
        begins = self._at
        self._at += _PLACE.size + _PLACE.unpack_from(self._content, begins)[1]
        return _Batch(batch, self._content[begins : self._at])


class _Batch:
    """A batch of aiokafka's, which is read in another way from the record on at which that fails."""

    def __init__(self, batch: Any, content: memoryview) -> None:  # noqa: ANN401 - see above
        self._batch = batch
        self._content = content

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the batch has
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        count = 0
        try:
            for record in self._batch:
                yield record
                count += 1
        except UnicodeDecodeError:
            yield from islice(_read_forgivingly(self._content), count, None)

    def __next__(self) -> Any:  # noqa: ANN401 - see above
        return next(self._batch)


def _read_forgivingly(content: memoryview) -> Iterator[Any]:
    batch = _DefaultRecordBatchPy(content)
    batch._maybe_uncompress()  # noqa: SLF001 - pinned by tests/streams/test_reading.py
    batch._buffer = _Buffer(batch._buffer)  # noqa: SLF001 - as above
    return iter(batch)


class _Buffer(bytearray):
    """Bytes whose parts can always be read as text."""

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as bytearray's
        part = super().__getitem__(index)
        return _Part(part) if isinstance(index, slice) else part


class _Part(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)
