"""What is offered while somebody types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.language import MalformedQuery, complete, parse
from earwitness.query.language.completion import MOST_CANDIDATES
from earwitness.query.language.fields import ALIASES, FIELDS
from earwitness.query.language.limits import LONGEST_QUERY


def offered(before: str, after: str = "") -> list[str]:
    """Give the whole queries that taking each candidate makes."""
    text = before + after
    found = complete(text, len(before))
    return [text[: found.place.begin] + one.text + text[found.place.end :] for one in found.candidates]


@pytest.mark.parametrize(
    ("before", "first"),
    [
        ("", "actor:"),
        ("ver", "verdict:"),
        ("actor:e-1 -ver", "actor:e-1 -verdict:"),
        ("(res", "(resource:"),
        ("VER", "verdict:"),
        ("ref", "evidence_ref:"),
        ("verdict:", "verdict:justified"),
        ("verdict:un", "verdict:unjustified"),
        ("-verdict:pending,jus", "-verdict:pending,justified"),
        ("reason:customer", "reason:evidence_wrong_customer"),
        ("type:sms", "type:sms_content"),
        ("late:", "late:true"),
        ("time:", "time:>=-24h"),
        ("time:>", "time:>=-24h"),
        ("purpose:", "purpose:*"),
        ('user_agent:"a b" act', 'user_agent:"a b" actor:'),
    ],
)
def test_what_begins_so_is_offered_first(before: str, first: str) -> None:
    """Fields with their short names, and the values of those that have few."""
    assert offered(before)[0] == first


def test_the_word_under_the_cursor_is_replaced_and_the_rest_stays() -> None:
    """The cursor may stand in the middle of a word."""
    assert offered("actor:e-1 ver", "dct:pending")[0] == "actor:e-1 verdict:pending"


def test_a_value_that_is_there_already_is_not_offered_again() -> None:
    """Twice is no other question."""
    assert "verdict:pending,pending" not in offered("verdict:pending,")


@pytest.mark.parametrize("before", ["actor:", "nofield:", 'user_agent:"unj', "x" * (LONGEST_QUERY + 1)])
def test_nothing_is_offered_that_only_the_trail_knows(before: str) -> None:
    """To read who there is would be a search, and searches are recorded."""
    assert offered(before) == []


def test_each_choice_of_each_field_is_offered() -> None:
    """The sets are those of the contract, so none can be missing."""
    for name, field in FIELDS.items():
        if field.choices:
            assert set(offered(f"{name}:")) >= {f"{name}:{choice}" for choice in field.choices}
    names = {candidate[:-1] for letter in "abcdefghijklmnopqrstuvwxyz" for candidate in offered(letter)}
    assert names >= {*FIELDS, *ALIASES} - {""}


@given(st.text(max_size=40), st.integers(-5, 50))
def test_any_text_and_cursor_has_an_answer(text: str, cursor: int) -> None:
    """It is asked at each key that is pressed, on text that is not yet a query."""
    found = complete(text, cursor)
    assert 0 <= found.place.begin <= found.place.end <= len(text)
    assert len(found.candidates) <= MOST_CANDIDATES


@pytest.mark.parametrize("before", ["verdict:", "reason:", "time:", "late:", "items:", "used:", "outcome:"])
def test_what_is_offered_as_a_value_can_be_asked(before: str) -> None:
    """Each candidate is right as it stands."""
    for query in offered(before):
        try:
            parse(query)
        except MalformedQuery as error:
            pytest.fail(str(error))
