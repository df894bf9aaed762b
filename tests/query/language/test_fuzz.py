"""Whatever text comes from a person or the network: read, or refused at a place, and soon."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.language import MalformedQuery, complete, parse, write
from earwitness.query.language.fields import ALIASES, FIELDS
from earwitness.query.language.limits import LONGEST_QUERY
from tests.query.language.strategies import HOSTILE, queries

SOON_S = 1.0
FRAGMENTS = st.one_of(
    st.sampled_from((*FIELDS, *ALIASES)).map(lambda name: f"{name}:"),
    st.sampled_from(
        ("(", ")", "-", ",", '"', "*", "..", ">=", "<", " ", " OR ", " AND ", " NOT ", "\\", ":")
    ),
    st.sampled_from(
        ("e-1", "7", "-7d", "now", "today", "2026-11-01", "true", "justified", "TCK-1", "listen")
    ),
    st.text(st.sampled_from(HOSTILE), max_size=3),
)
HALF_QUERIES = st.lists(FRAGMENTS, max_size=20).map("".join)


def refused(text: str) -> MalformedQuery | None:
    try:
        parse(text)
    except MalformedQuery as error:
        return error
    return None


@st.composite
def broken_queries(draw: st.DrawFn) -> str:
    text = write(draw(queries))
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(FRAGMENTS) + text[at + draw(st.integers(0, 3)) :]


@given(st.text(st.characters()) | HALF_QUERIES | broken_queries())
def test_any_text_is_read_or_refused_at_a_place(text: str) -> None:
    """No other exception, no place outside of the text, and what is read can be written."""
    error = refused(text)
    if error is None:
        assert parse(write(parse(text))) == parse(text)
        return
    assert error.text == text
    assert 0 <= error.place.begin <= error.place.end <= len(text)
    assert error.message
    assert error.suggestion != text


@given(HALF_QUERIES)
def test_following_the_suggestions_comes_to_an_end(text: str) -> None:
    """Each mends one fault; a circle would make a fool of whoever clicks on them."""
    seen: set[str] = set()
    suggestion: str | None = text
    while suggestion is not None and (error := refused(suggestion)) is not None:
        assert suggestion not in seen
        seen.add(suggestion)
        suggestion = error.suggestion


@pytest.mark.parametrize(
    "part",
    ["(", ")", "-", "- ", "a", "a:", "actor:x,", '"', "\\", "NOT ", "OR ", "abc ", "..", "time:1..", "é,"],
)
def test_a_query_as_long_as_any_is_read_or_refused_soon(part: str) -> None:
    """Time grows with the length, not with its square."""
    begin = time.perf_counter()
    refused((part * LONGEST_QUERY)[:LONGEST_QUERY])
    complete((part * LONGEST_QUERY)[:LONGEST_QUERY], LONGEST_QUERY)
    assert time.perf_counter() - begin < SOON_S


def test_ten_megabytes_are_refused_at_once() -> None:
    """Nothing of them is read, nor repeated in the message."""
    query = "actor:e-1 " * 1_000_000
    begin = time.perf_counter()
    with pytest.raises(
        MalformedQuery, match="the query has 10000000 characters; at most 8192 are read"
    ) as caught:
        parse(query)
    assert time.perf_counter() - begin < SOON_S / 10
    assert len(str(caught.value)) < 200
