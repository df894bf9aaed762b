"""A query that cannot be read, as the person who typed it sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from earwitness.cli.pointing import WIDEST, pointed
from earwitness.cli.search import joined
from earwitness.query.language import MalformedQuery, Place, parse


def shown(query: str) -> list[str]:
    with pytest.raises(MalformedQuery) as caught:
        parse(query)
    return pointed(caught.value)


def test_carets_stand_under_the_fault_and_the_mended_query_below() -> None:
    """What is wrong, where, and what to copy."""
    assert shown("actor:e-1 -verdict:justifed") == [
        "error: 'justifed' is no verdict",
        "  actor:e-1 -verdict:justifed",
        "                     ^^^^^^^^",
        "did you mean justified?",
        "try: actor:e-1 -verdict:justified",
    ]


def test_without_a_likely_meaning_nothing_is_suggested() -> None:
    """A guess that is wrong costs more than none."""
    assert shown('actor:"e-1') == [
        "error: this quote is not closed",
        '  actor:"e-1',
        "        ^",
        'end it with a "',
    ]


@pytest.mark.parametrize(
    ("query", "carets"),
    [
        ("resource:日本 verdct:x", " " * 14 + "^^^^^^"),
        ("resource:a\x1b[2Jb verdct:x", " " * 19 + "^^^^^^"),
    ],
)
def test_wide_characters_and_those_that_draw_nothing_do_not_move_the_carets(query: str, carets: str) -> None:
    """A pasted control character is shown, not obeyed."""
    lines = shown(query)
    assert "\x1b" not in "".join(lines)
    assert lines[2] == f"  {carets}"


def test_of_a_long_query_the_part_around_the_fault_is_shown() -> None:
    """It fits a terminal."""
    lines = shown(f"{'actor:e-1 ' * 30}verdct:pending {'org:x ' * 30}")
    assert lines[1].startswith("  …")
    assert lines[1].endswith("…")
    begin = lines[2].index("^")
    assert lines[1][begin : begin + lines[2].count("^")] == "verdct"


def test_what_stands_before_the_fault_is_cut_by_its_columns() -> None:
    """A character without a picture is drawn as its number, ten columns for one."""
    lines = pointed(MalformedQuery("\U000187f8" * 12 + " verdct:x", Place(13, 19), "wrong"))
    assert max(map(cell_len, lines[1:])) <= WIDEST
    begin = lines[2].index("^")
    assert lines[1][begin : begin + lines[2].count("^")] == "verdct"


@given(st.text(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_any_text_and_place_can_be_shown(text: str, begin: int, length: int) -> None:
    """A newer API may point at what this command would have read."""
    lines = pointed(MalformedQuery(text, Place(begin, begin + length), "wrong"))
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert max(map(cell_len, lines[1:])) <= WIDEST + len("  …")
    assert set(lines[2].strip(" ")) == {"^"}


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ((), ""),
        (("actor:e-1 OR org:x",), "actor:e-1 OR org:x"),
        (("actor:e-1", "-verdict:justified"), "actor:e-1 -verdict:justified"),
        (("customer:acme", "free text in ids"), 'customer:acme "free text in ids"'),
        (("customer:acme", "(actor:e-1 OR org:x)"), "customer:acme (actor:e-1 OR org:x)"),
        (("free text",), "free text"),
    ],
)
def test_words_of_the_shell_become_one_query(words: tuple[str, ...], query: str) -> None:
    """A shell takes the quotes off; what was one text stays one."""
    assert joined(words) == query
