"""Contenders are measured, or given up with a word: a benchmark never hangs."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import psutil
import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError

from benchmarks import arena
from benchmarks.arena import Arena, Contender, Round
from earwitness.settings import Settings

SLEEPS = ("-c", "import time; time.sleep(60)")
ENDS = ("-c", "raise SystemExit(3)")
EVENTS = 1_000


class Counts:
    """A table as the arena sees it: each look at it gives the next count, then the last one for ever."""

    def __init__(self, counts: Sequence[int | Exception]) -> None:
        self._counts = iter(counts)
        self._count: int | Exception = 0

    def execute(self, _: str) -> list[tuple[int]]:
        self._count = next(self._counts, self._count)
        if isinstance(self._count, Exception):
            raise self._count
        return [(self._count,)]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "LONGEST_STANDSTILL_S", 1.0)
    monkeypatch.setattr(arena, "POLL_S", 0.01)
    monkeypatch.setattr(arena, "account_for_evidence", lambda *_: None)
    spent_s = itertools.count()
    monkeypatch.setattr(arena, "cpu_s", lambda _: next(spent_s))


def a_round(*counts: int | Exception, command: tuple[str, ...] = SLEEPS) -> Round:
    place = Arena(
        admin=Settings(),
        client=cast("Client", Counts(counts)),
        servers={"kafka": psutil.Process()},
        data_dir=Path(),
        events=EVENTS,
    )
    return arena._one_round(place, Contender("slowpoke", command, "its_table", ()), "a-group")


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_a_contender_that_stores_everything_has_its_rates() -> None:
    """Rows of the first look are not counted, nor the time before it: the start is no part of the work.

    What the server takes is counted: here, each process takes as many seconds as were looked at before.
    """
    before = children()
    measured = a_round(0, 100, 500, EVENTS)
    assert measured.events_per_cpu_s == 900 / 4
    assert measured.resident_mb > 1
    assert children() == before


def test_rows_that_are_there_at_once_are_counted_from_the_start() -> None:
    """Few rows may make one block; a rate over no time would be none."""
    assert 0 < a_round(0, 0, EVENTS).events_per_s < EVENTS / arena.POLL_S


def test_a_contender_that_ended_ends_the_benchmark() -> None:
    """Its own words stand above; the benchmark says how far it came."""
    with pytest.raises(SystemExit, match=r"slowpoke, which writes its_table, ended after 7 of 1,000 rows"):
        a_round(7, command=ENDS)


def test_a_contender_that_stands_still_ends_the_benchmark() -> None:
    """It may wait for something for ever; nobody is to wait for it. It is stopped with it."""
    before = children()
    with pytest.raises(SystemExit, match=r"slowpoke.* has stood still at 42 of 1,000 rows for 1 s"):
        a_round(0, 42)
    assert children() == before


def test_a_server_that_is_gone_ends_the_benchmark() -> None:
    """Figures of a broken stack are no figures."""
    with pytest.raises(SystemExit, match=r"the stack broke under slowpoke: .*connection refused"):
        a_round(0, 5, NetworkError("connection refused"))
