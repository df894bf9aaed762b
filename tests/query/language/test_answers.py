"""The answer of a real ClickHouse is the one that the query means, for queries and rows of every kind."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.query.language import condition_of, parse
from earwitness.query.language.fields import FIELDS
from earwitness.query.language.moments import Day, Instant
from earwitness.query.language.tree import (
    Between,
    Compared,
    During,
    FreeText,
    Position,
    Prefix,
    Query,
    Term,
    Text,
    negation,
)
from tests.query.language import strategies
from tests.query.language.conftest import Past
from tests.query.language.past import NOW, ROWS, TEXTS, TOPIC

pytestmark = pytest.mark.stack

MANY = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))

parts_of_texts = st.sampled_from(TEXTS).flatmap(
    lambda text: st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))).map(
        lambda cut: text[cut[0] : cut[0] + cut[1]]
    )
)
texts = st.sampled_from(TEXTS) | parts_of_texts | strategies.texts
near = st.integers(-8 * 86_400_000_000, 86_400_000_000).map(lambda us: NOW + timedelta(microseconds=us))
moments = near.map(Instant) | near.map(lambda at: Day(at.date())) | strategies.agos
times = st.one_of(
    st.builds(During, near.map(lambda at: Day(at.date()))),
    st.builds(Compared, strategies.SIGNS, moments),
    st.builds(Between, moments, moments),
)


def _terms(name: str) -> st.SearchStrategy[Term]:
    field = FIELDS[name]
    if field.kind == "instant":
        return st.builds(
            Term, st.just(field), st.lists(times, min_size=1, max_size=2, unique=True).map(tuple)
        )
    if field.kind == "position":
        place = st.builds(Position, st.just(TOPIC), st.integers(0, 2), st.integers(0, ROWS))
        return st.builds(
            Term, st.just(field), st.lists(place, min_size=1, max_size=9, unique=True).map(tuple)
        )
    return strategies.terms_of(field, texts)


terms = st.sampled_from(tuple(FIELDS)).flatmap(_terms)
free_texts = st.builds(FreeText, texts.filter(lambda text: len(text) >= 3))
queries = strategies.trees(terms | terms | terms | free_texts)


@MANY
@given(queries)
def test_a_query_finds_the_rows_that_it_means_and_no_others(past: Past, query: Query) -> None:
    """Against a second reading of the same tree, on values with all that means something to SQL."""
    assert past.found(query) == past.meant(query)


@MANY
@given(terms)
def test_each_term_and_its_negation_part_the_trail(past: Past, term: Term) -> None:
    """No row is in both, none in neither: an absent value is not equal to anything, and not unknown."""
    found, rest = past.found(term), past.found(negation(term))
    assert found == past.meant(term)
    assert sorted(found + rest) == list(range(ROWS))


@pytest.mark.parametrize("text", TEXTS)
def test_every_character_stands_for_itself(past: Past, text: str) -> None:
    """% and _ are no wildcards, a NUL ends nothing, case counts: what is in the row is what is found."""
    exact, beginning = Term(FIELDS["actor_id"], (Text(text),)), Term(FIELDS["evidence_used"], (Prefix(text),))
    assert past.found(exact) == [row["offset"] for row in past.rows if row["actor_id"] == text] != []
    assert past.found(beginning) == past.meant(beginning) != []


def test_the_question_that_the_contract_shows_is_answered(past: Past) -> None:
    """All of it at once, as it is typed."""
    query = parse(
        'actor:e-1,e-10* -verdict:justified resource_type:sms_content,call_recording time:>=-7d "ck-1"'
    )
    assert past.found(query) == past.meant(query)


@pytest.mark.parametrize(
    ("query", "used"),
    [
        ("evidence:ticket:TCK-1", "by_evidence"),
        ("id:0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a", "by_id"),
        ("customer:e-1", "customer_id in 1-element set"),
        ("customer:e-1*", "customer_id in ['e-1', 'e-2')"),
        ("time:>=2021-05-18", "received_day in [18764, +Inf)"),
        ("resource:e-1 OR id:0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a", "<Combined skip indexes>"),
    ],
)
def test_indexes_and_partitions_spare_reading(past: Past, query: str, used: str) -> None:
    """ClickHouse says itself what it can leave out for each kind of question."""
    condition = condition_of(parse(query))
    plan = past.store.ask(
        f"EXPLAIN indexes = 1 SELECT id FROM trail WHERE {condition.sql}",  # noqa: S608 - a compiled condition
        condition.parameters,
    )
    assert used in "\n".join(line for (line,) in plan.rows)
