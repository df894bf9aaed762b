import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from earwitness.cli.output import lines, plain_table, visible, write_rows
from earwitness.wording import DONE, REASONS, shorten_times
from models.access import Action
from models.verdict import Reason


@given(st.text(max_size=50))
def test_shown_text_moves_nothing_and_hides_nothing(text: str) -> None:
    """No escape sequence, no change of direction, no invisible character, no line break."""
    assert all(character.isprintable() for character in visible(text).plain)


def test_readable_text_is_shown_as_it_is() -> None:
    """Names of the world are not escaped."""
    assert visible("Søren 佐藤 x").plain == "Søren 佐藤 x"
    assert visible(None).plain == ""
    assert visible("a\nb\x1b[2J\u200b").plain == "a\\nb\\x1b[2J\\u200b"


def test_empty_parts_take_no_line() -> None:
    """An access without a team has no blank line for it."""
    assert lines(Text("a"), Text(""), Text("b")).plain == "a\nb"


def test_csv_says_absent_and_structures_apart_from_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Absent is empty; lists, objects and booleans are JSON."""
    row = {"a": None, "b": ["x", 'y"'], "c": True, "d": "a,b", "e": 0}
    write_rows(iter([row]), tuple(row), "csv")
    assert capsys.readouterr().out == 'a,b,c,d,e\n,"[""x"", ""y\\""""]",true,"a,b",0\n'


def test_json_lines_come_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A reader of the pipe has the first row while the second is still being asked for."""

    def rows() -> object:
        yield {"n": 1}
        assert json.loads(capsys.readouterr().out) == {"n": 1}
        yield {"n": 2}

    write_rows(rows(), (), "jsonl")  # type: ignore[arg-type]
    assert json.loads(capsys.readouterr().out) == {"n": 2}


def test_a_table_is_no_format_for_programs() -> None:
    """Its layout belongs to a command."""
    with pytest.raises(ValueError, match="laid out"):
        write_rows(iter(()), (), "table")


def test_a_table_of_any_answer_shows_what_its_cells_hold() -> None:
    """Lists and booleans as JSON, absent as nothing."""
    table = plain_table(["a"], [[["x"]], [True], [None]])
    assert [cell.plain for cell in table.columns[0]._cells if isinstance(cell, Text)] == ['["x"]', "true", ""]


def test_every_reason_and_action_has_its_words() -> None:
    """A new one would stop `explain`."""
    assert set(REASONS) == set(get_args(Reason))
    assert set(DONE) == set(get_args(Action))


def test_times_in_words_are_shown_to_the_second() -> None:
    """Microseconds are for programs; JSON keeps them."""
    assert shorten_times("from 2026-01-31T09:30:00.123456Z to open") == "from 2026-01-31 09:30:00 to open"


def test_csv_holds_no_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    """What a producer names, a spreadsheet must not run."""
    write_rows(
        iter([{"resource_id": "=HYPERLINK(1)", "item_count": -1}]), ("resource_id", "item_count"), "csv"
    )
    assert capsys.readouterr().out == "resource_id,item_count\n'=HYPERLINK(1),-1\n"
