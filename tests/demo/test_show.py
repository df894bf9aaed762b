import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from earwitness.demo import show
from earwitness.demo.commands import Suggestion
from earwitness.demo.compare import StoredVerdict, surprises
from earwitness.demo.day import Day, simulate

WIDTH = 110


@pytest.fixture(scope="module")
def day() -> Day:
    """Make the smallest day."""
    return simulate(datetime(2026, 3, 1, 12, tzinfo=UTC), seed=4, accesses=500)


@pytest.fixture
def console() -> Console:
    """Make a screen to read from."""
    return Console(file=io.StringIO(), width=WIDTH)


def _screen(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_tables_name_every_clause_and_reason_of_the_day(console: Console, day: Day) -> None:
    """Nothing that the day holds is cut off at the edge of a screen."""
    show.show_justified(console, day.accesses)
    show.show_not_justified(console, day.accesses)
    for access in day.accesses:
        label = access.label
        assert (label.clause if label.verdict == "justified" else label.reason) in _screen(console)


def test_the_totals_of_both_tables_make_up_the_day(console: Console, day: Day) -> None:
    """A person adds them up."""
    show.show_justified(console, day.accesses)
    show.show_not_justified(console, day.accesses)
    totals = [line.split()[1] for line in _screen(console).splitlines() if line.split()[:1] == ["all"]]
    assert sum(int(total.replace(",", "")) for total in totals) == len(day.accesses)


def test_each_example_of_misuse_stands_on_two_lines(console: Console, day: Day) -> None:
    """One line tells what happened and one holds the id, whole, to copy it from."""
    show.show_not_justified(console, day.accesses)
    lines = _screen(console).splitlines()
    ids = [access.id for access in day.accesses if access.id in _screen(console)]
    assert len(ids) == len({access.label for access in day.accesses if access.label.verdict != "justified"})
    for access_id in ids:
        (row,) = (number for number, line in enumerate(lines) if access_id in line)
        assert lines[row].split() == [access_id]
        assert lines[row - 1].split()[1].isdigit() or lines[row - 1].split()[2].isdigit()


def test_surprises_are_named_one_by_one_up_to_a_limit(console: Console, day: Day) -> None:
    """A wholly broken run must not bury its first lines under twenty thousand others."""
    show.show_surprises(console, surprises(day.accesses[:25], [StoredVerdict("x", "", "", "")]))
    screen = _screen(console)
    assert screen.startswith("25 accesses came out otherwise than labelled:\n")
    assert screen.count("found no row") == show.MOST_SURPRISES_SHOWN
    assert "and 5 more" in screen


def test_a_command_stands_on_one_line_however_long(console: Console) -> None:
    """It is there to be copied."""
    command = f"earwitness show 01 --data-dir /{'very-long/' * 20}"
    show.show_commands(console, [Suggestion("Look at one access", command)])
    assert command in _screen(console).replace("    ", "").splitlines()
