"""Spools in a folder of the test, and what may stand behind them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from earwitness_sdk import NotRecorded, Recorder, Spool, SpoolOutbox
from earwitness_sdk.outbox import TAKEN_WITHIN_S, Outgoing, Rejected
from earwitness_sdk.testing import MemoryOutbox

from tests.sdk.builders import SOURCE, fields, outgoing

SOON_S = 20.0


class Broker(MemoryOutbox):
    """A Kafka that can be away, and that may refuse single records for ever."""

    def __init__(self, *, up: bool = True) -> None:
        super().__init__()
        self.up = up
        self.hated = b""

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        if not self.up:
            raise NotRecorded("Kafka is away")
        if self.hated and self.hated in record.value:
            raise Rejected("Kafka will never take it")
        return super().send(record, timeout_s)

    @property
    def values(self) -> list[bytes]:
        return [record.value for record in self.records]


@contextmanager
def a_spool(folder: Path, broker: Broker, **limits: int) -> Iterator[SpoolOutbox]:
    outbox = SpoolOutbox(Spool(folder, **limits), broker)
    try:
        yield outbox
    finally:
        outbox.close(SOON_S if broker.up else 0)


def put(outbox: SpoolOutbox, *values: bytes) -> None:
    """Hand records over, and wait until they are on disk."""
    for future in [outbox.send(outgoing(value=value)) for value in values]:
        future.result(SOON_S)


def leave(folder: Path, *values: bytes) -> list[Path]:
    """Leave records in a spool as a process does that ends while Kafka is away; name the segments."""
    with a_spool(folder, Broker(up=False)) as outbox:
        put(outbox, *values)
    return segments_in(folder)


def sent_from(folder: Path) -> Broker:
    """Begin a new process on that folder, and give what it sent."""
    broker = Broker()
    with a_spool(folder, broker) as outbox:
        outbox.flush(SOON_S)
    return broker


def segments_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*/*.records"))


def kept_aside(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("quarantine/*"))]


@contextmanager
def a_recorder(folder: Path, broker: Broker, **limits: int) -> Iterator[Recorder]:
    with a_spool(folder, broker, **limits) as outbox:
        yield Recorder(source=SOURCE, outbox=outbox)


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


__all__ = [
    "SOON_S",
    "Broker",
    "a_recorder",
    "a_spool",
    "fields",
    "kept_aside",
    "leave",
    "outgoing",
    "put",
    "segments_in",
    "sent_from",
    "wait_for",
]
