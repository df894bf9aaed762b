import os
import threading
from uuid import UUID

from earwitness_sdk.ids import IdMaker
from hypothesis import given
from hypothesis import strategies as st

MS = 1_000_000


@given(clocks=st.lists(st.integers(0, 2**47), min_size=1, max_size=50))
def test_ids_grow_whatever_the_clock_does(clocks: list[int]) -> None:
    """A clock that is set back must not make an old id, nor the same one again."""
    times = iter(clocks)
    maker = IdMaker(clock_ns=lambda: next(times) * MS)
    ids = [maker.new() for _ in clocks]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


@given(milliseconds=st.integers(1, 2**47))
def test_an_id_is_a_version_7_uuid_that_carries_its_time(milliseconds: int) -> None:
    """A copy of an old event is looked for where its id says it is."""
    made = UUID(IdMaker(clock_ns=lambda: milliseconds * MS).new())
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == milliseconds


def test_more_ids_than_a_millisecond_can_count_run_into_the_next() -> None:
    """4,096 fit; the next one must not wrap around."""
    maker = IdMaker(clock_ns=lambda: 7 * MS)
    ids = [UUID(maker.new()) for _ in range(5_000)]
    assert ids == sorted(ids)
    assert (ids[4_095].int >> 80, ids[4_096].int >> 80) == (7, 8)


def test_threads_never_share_an_id() -> None:
    """With source, the id is what an access is known by."""
    maker = IdMaker()
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend([maker.new() for _ in range(2_000)])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_a_forked_child_draws_other_ids_than_its_parent() -> None:
    """In the same millisecond both count from the same number: chance alone keeps them apart."""
    maker = IdMaker(clock_ns=lambda: 7 * MS)
    maker.new()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, maker.new().encode())
        os._exit(0)
    made = os.read(reading, 36).decode()
    assert os.waitpid(child, 0)[1] == 0
    mine = maker.new()
    assert made[:18] == mine[:18]
    assert made != mine


def test_ids_do_not_share_their_chance() -> None:
    """However many are made from one draw, and from the next."""
    maker = IdMaker(clock_ns=lambda: 7 * MS)
    assert len({maker.new()[19:] for _ in range(2_000)}) == 2_000
