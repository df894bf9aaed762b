"""The way from segments to Kafka, without threads: whatever is damaged, and whatever fails."""

import tempfile
from collections import deque
from concurrent.futures import Future
from pathlib import Path

import pytest
from earwitness_sdk import NotRecorded
from earwitness_sdk.outbox import TAKEN_WITHIN_S, Outgoing
from earwitness_sdk.spool import lane
from earwitness_sdk.spool.frames import encode, frame
from earwitness_sdk.spool.journal import Extent, Segment
from earwitness_sdk.spool.lane import Lane
from earwitness_sdk.spool.quarantine import Quarantine
from earwitness_sdk.spool.sender import Accounts
from earwitness_sdk.testing import MemoryOutbox
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sdk.builders import outgoing

SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MOST_TURNS = 2_000


class Moody(MemoryOutbox):
    """A Kafka that takes, refuses or fails records as it is told, and then takes everything."""

    def __init__(self, moods: list[str]) -> None:
        super().__init__()
        self._moods = moods

    def send(self, record: Outgoing, timeout_s: float = TAKEN_WITHIN_S) -> "Future[None]":
        mood = self._moods.pop() if self._moods else "takes"
        if mood == "refuses":
            raise NotRecorded("not now")
        if mood == "fails":
            failed: Future[None] = Future()
            failed.set_exception(NotRecorded("it may have arrived"))
            return failed
        return super().send(record, timeout_s)


def a_segment(folder: Path, index: int, values: list[bytes]) -> tuple[Segment, list[int]]:
    """Write a segment as a process left it; give it, and where each record ends."""
    name = f"{index:08d}-abcd.records"
    ends, content = [], b""
    for number, value in enumerate(values):
        content += frame(encode(outgoing(value=value)), name, number)
        ends.append(len(content))
    (folder / name).write_bytes(content)
    return Segment(folder / name, Extent(len(content), None), sealed=True), ends


def send_all(folder: Path, segments: deque[Segment], broker: MemoryOutbox) -> Accounts:
    accounts = Accounts()
    sending = Lane(segments, Quarantine(folder), passed=accounts.add, wake=lambda: None)
    for _ in range(MOST_TURNS):
        if sending.is_done:
            return accounts
        sending.turn(broker)
    raise AssertionError("the lane came to no end")


def sent_by(broker: MemoryOutbox) -> list[bytes]:
    return [record.value for record in broker.records]


@SLOWLY
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    place=st.floats(0, 1, exclude_max=True),
    stretch=st.binary(min_size=1, max_size=300),
    how=st.sampled_from(["overwritten", "cut off"]),
)
def test_damage_costs_what_it_hit_and_every_bad_byte_is_kept(
    sizes: list[int], place: float, stretch: bytes, how: str
) -> None:
    """Overwritten or cut off, anywhere: the rest is sent, once and in its order, and nothing else is."""
    values = [b"%d:" % number + b"x" * size for number, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        segment, ends = a_segment(folder, 1, values)
        whole = segment.path.read_bytes()
        start = int(place * len(whole))
        broken = whole[:start]
        if how == "overwritten":
            broken = (broken + stretch + whole[start + len(stretch) :])[: len(whole)]
        segment.path.write_bytes(broken)
        segment.extent = Extent(len(broken), None)
        broker = MemoryOutbox()
        accounts = send_all(folder, deque([segment]), broker)
        kept = b"".join(path.read_bytes() for path in sorted((folder / "quarantine").glob("*")))
    begins = [0, *ends]
    intact = [
        (value, end - begin)
        for value, begin, end in zip(values, begins, ends, strict=False)
        if broken[begin:end] == whole[begin:end]
    ]
    assert sent_by(broker) == [value for value, _ in intact]
    assert accounts.sent == len(intact)
    assert len(kept) == len(broken) - sum(size for _, size in intact)


@SLOWLY
@given(
    counts=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    moods=st.lists(st.sampled_from(["takes", "refuses", "fails"]), max_size=20),
)
def test_whatever_fails_everything_arrives_in_its_order(counts: list[int], moods: list[str]) -> None:
    """Some of it twice; each record for the last time after the one before it."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as name:
        patched.setattr(lane, "FIRST_REST_S", 0.0)
        patched.setattr(lane, "LONGEST_REST_S", 0.0)
        folder = Path(name)
        values = [
            [b"%d/%d" % (index, number) for number in range(count)] for index, count in enumerate(counts)
        ]
        segments = deque(a_segment(folder, index, some)[0] for index, some in enumerate(values))
        broker = Moody(moods)
        accounts = send_all(folder, segments, broker)
        left = list(folder.iterdir())
    everything = [value for some in values for value in some]
    assert list(dict.fromkeys(reversed(sent_by(broker)))) == everything[::-1]
    assert accounts.sent == len(everything)
    assert left == []
