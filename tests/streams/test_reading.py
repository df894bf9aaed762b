import struct
from typing import Any

import pytest
from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from earwitness.settings import ROOT
from streams.app import create_app
from streams.connection import KafkaConnection
from streams.reading import ForgivingRecords

CRC_AT, CRC_FROM = 17, 21
GZIP, NONE = 1, 0


def a_batch(first: int, names: list[bytes], compression: int = NONE) -> bytes:
    """Build a batch whose records have one header each, under these names."""
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 100_000)
    for number, name in enumerate(names):
        builder.append(number, 0, b"key", f"value {first + number}".encode(), [("n" * len(name), b"\xff")])
    content = bytearray(builder.build())
    for name in names:
        if compression == NONE:
            content = content.replace(b"n" * len(name), name, 1)
    struct.pack_into(">q", content, 0, first)
    struct.pack_into(">I", content, CRC_AT, calc_crc32c(bytes(content[CRC_FROM:])))
    return bytes(content)


def read(content: bytes) -> list[Any]:
    """Walk through the batches as aiokafka's fetcher does."""
    records, found = ForgivingRecords(content), []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        assert not batch.is_control_batch
        found += [(record.offset, record.value, record.headers) for record in batch]
        assert batch.next_offset == found[-1][0] + 1
    return found


def test_a_header_of_any_name_holds_nothing_up() -> None:
    """Whoever may produce could otherwise stop a partition of the trail for good, with one record."""
    content = a_batch(5, [b"good", b"\xff\xfe", b"fine"]) + a_batch(8, [b"next"])
    assert read(content) == [
        (5, b"value 5", [("good", b"\xff")]),
        (6, b"value 6", [("\\xff\\xfe", b"\xff")]),
        (7, b"value 7", [("fine", b"\xff")]),
        (8, b"value 8", [("next", b"\xff")]),
    ]


def test_other_batches_are_read_as_before() -> None:
    """Compressed ones too; the fast path stays aiokafka's own."""
    names = [b"a", b"b"]
    for compression in (NONE, GZIP):
        content = a_batch(0, names, compression)
        ours, theirs = ForgivingRecords(content), fetcher.MemoryRecords(content)
        assert ours.size_in_bytes() == theirs.size_in_bytes() == len(content)
        assert [record.value for record in ours.next_batch()] == [b"value 0", b"value 1"]
        assert not ours.has_next()


def test_every_consumer_of_a_worker_reads_so() -> None:
    """The name is aiokafka's, and private: it is replaced where a worker's app is made."""
    connection = KafkaConnection("127.0.0.1:9", "PLAINTEXT", "PLAIN", "", "")
    create_app(connection, group="names", session_timeout_s=6, scratch=ROOT)
    assert fetcher.MemoryRecords is ForgivingRecords


@pytest.mark.parametrize("name", ["gzip", "snappy", "lz4", "zstd"])
def test_a_producer_may_compress_as_it_likes(name: str) -> None:
    """Brokers keep batches as they came; a worker that could not read one would stop at it."""
    assert getattr(codec, f"has_{name}")()
