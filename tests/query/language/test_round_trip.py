"""Printing and parsing agree: what is recorded of a question is the question."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.language import fixed, names_a_time, parse, quote, write
from earwitness.query.language.fields import FIELDS
from earwitness.query.language.tree import EVERYTHING, FreeText, Query, Term, Text, all_of, any_of, negation
from tests.query.language.strategies import NOW, queries, texts


@given(queries)
def test_a_written_query_is_read_back_as_the_same(query: Query) -> None:
    """Whatever its values hold: quotes, commas, parentheses, stars, line ends, no character at all."""
    assert parse(write(query)) == query


@given(queries)
def test_writing_has_one_form(query: Query) -> None:
    """Two records of the same question are the same text, so they can be counted and compared."""
    assert write(parse(write(query))) == write(query)


@given(queries)
def test_a_query_made_fixed_is_a_query_too(query: Query) -> None:
    """What the activity log holds can be asked again, years later, and means the same."""
    absolute = fixed(query, NOW)
    assert parse(write(absolute)) == absolute
    assert fixed(absolute, NOW + timedelta(days=400)) == absolute
    assert names_a_time(absolute) == names_a_time(query)


@given(texts, st.sampled_from(sorted(name for name, field in FIELDS.items() if field.kind == "text")))
def test_a_quoted_value_is_read_back_exactly(value: str, field: str) -> None:
    """Whatever is in the trail can be asked for."""
    assert parse(f"{field}:{quote(value)}") == Term(FIELDS[field], (Text(value),))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("actor:e-1", "actor_id:e-1"),
        ("  actor:e-1\n\tcustomer:acme ", "actor_id:e-1 customer_id:acme"),
        ("actor:e-1 AND NOT customer:acme", "actor_id:e-1 -customer_id:acme"),
        ("NOT NOT -actor:e-1", "-actor_id:e-1"),
        ("-(-(actor:e-1))", "actor_id:e-1"),
        ("((actor:e-1) (customer:acme late:yes))", "actor_id:e-1 customer_id:acme late:true"),
        ("actor:e-1 OR (org:x OR team:y)", "actor_id:e-1 OR organization:x OR actor_team:y"),
        ("-(actor:e-1 org:x)", "-(actor_id:e-1 organization:x)"),
        ("actor:e-1,e-2,e-1", "actor_id:e-1,e-2"),
        ("TCK-1", '"TCK-1"'),
        ("time:>=7d", "time:>=-7d"),
        ("time:2026-01-31T09:30:00+01:00", "time:2026-01-31T08:30:00Z"),
        ("customer:*", 'customer_id:"*"'),
        ("id:0190B5A2*", "id:0190b5a2*"),
        ("", ""),
    ],
)
def test_the_canonical_form_has_full_names_and_nothing_idle(typed: str, written: str) -> None:
    """Full names are those of the rows, so that a record needs no explanation."""
    assert write(parse(typed)) == written


def test_a_tree_has_one_form_for_each_meaning() -> None:
    """So that comparing trees is comparing questions."""
    one, two, three = (Term(FIELDS["actor_id"], (Text(name),)) for name in ("e-1", "e-2", "e-3"))
    assert all_of((all_of((one, two)), three)) == all_of((one, two, three))
    assert any_of((one, any_of((two, three)))) == any_of((one, two, three))
    assert any_of((one,)) == all_of((one, EVERYTHING)) == negation(negation(one)) == one
    assert all_of(()) == EVERYTHING


def test_what_says_nothing_cannot_be_made() -> None:
    """A choice of nothing, or the opposite of everything, would have no text."""
    with pytest.raises(ValueError, match="says nothing"):
        negation(EVERYTHING)
    for parts in ((), (FreeText("TCK-1"), EVERYTHING)):
        with pytest.raises(ValueError, match="each must say something"):
            any_of(parts)
