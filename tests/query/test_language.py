from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.fields import ALIASES, FIELDS
from earwitness.query.language import LONGEST_QUERY, MOST_TERMS, MOST_VALUES, Place, Span, Term, parse, quote
from earwitness.query.rows import ROW_FIELDS
from models.errors import QueryRejected

TEXTS = sorted(name for name, field in FIELDS.items() if field.kind == "text")
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


def only_term(query: str) -> Term:
    (term,) = parse(query)
    return term


def refusal(query: str) -> str:
    with pytest.raises(QueryRejected) as caught:
        parse(query)
    return str(caught.value)


def test_every_field_of_a_row_can_be_asked_for() -> None:
    """What a reader sees in a row is what they will type next."""
    assert set(FIELDS) == set(ROW_FIELDS)


def test_short_names_stand_for_fields_and_hide_none() -> None:
    """A short name that is a field's own name would make that field unreachable."""
    assert set(ALIASES.values()) <= set(FIELDS)
    assert not set(ALIASES) & set(FIELDS)


def test_a_query_is_terms_that_all_hold() -> None:
    """The contract's own example."""
    actor, verdict, resource_type = parse(
        "actor:e-1 -verdict:justified resource_type:sms_content,call_recording"
    )
    assert (actor.field.name, actor.negated, actor.values) == ("actor_id", False, ("e-1",))
    assert (verdict.field.name, verdict.negated, verdict.values) == ("verdict", True, ("justified",))
    assert resource_type.values == ("sms_content", "call_recording")


def test_an_empty_query_restricts_nothing() -> None:
    """`search` without a query shows the last day."""
    assert parse("") == parse(" \t\n") == ()


def test_quotes_hold_a_value_with_spaces_commas_and_quotes() -> None:
    """User agents and resource ids hold anything."""
    term = only_term(r'user_agent:"Mozilla/5.0 (X11, \"Linux\") \\ x",curl')
    assert term.values == (r'Mozilla/5.0 (X11, "Linux") \ x', "curl")


def test_a_value_may_hold_colons() -> None:
    """References and times do."""
    assert only_term("evidence:ticket:TCK-1").values == ("ticket:TCK-1",)


def test_an_empty_value_finds_what_has_none() -> None:
    """Which accesses declared no purpose is a question that people have."""
    assert only_term('purpose:""').values == (None,)
    assert only_term('item_count:""').values == (None,)


@given(ANY_TEXT, st.sampled_from(TEXTS))
def test_a_quoted_value_is_read_back_exactly(value: str, field: str) -> None:
    """Whatever is in the trail can be asked for."""
    assert only_term(f"{field}:{quote(value)}").values == (value or None,)


@given(st.text(max_size=200))
def test_nonsense_gets_a_message_and_never_a_crash(query: str) -> None:
    """The text comes from a person or from the network."""
    with suppress(QueryRejected):
        parse(query)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("id:0190B5A2-7C1D-7E5F-8A3B-2F1E0D9C8B7A", "id", "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"),
        ("sequence:7", "sequence", 7),
        ("bytes:0", "content_bytes", 0),
        ("evidence_version:-1", "evidence_version", -1),
        ("derived:true", "derived", True),
        ("late:No", "late", False),
        ("position:access.events.v1/3/1204", "position", Place("access.events.v1", 3, 1204)),
        (
            "judged_at:2026-01-31T09:30:00+01:00",
            "judged_at",
            Span(datetime(2026, 1, 31, 8, 30, tzinfo=UTC), datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        ),
        (
            "time:2026-01-31",
            "time",
            Span(
                datetime(2026, 1, 31, tzinfo=UTC),
                datetime(2026, 2, 1, tzinfo=UTC) - timedelta(microseconds=1),
            ),
        ),
    ],
)
def test_a_value_has_its_fields_type(query: str, field: str, value: object) -> None:
    """A number is compared as a number, a day is all its instants."""
    term = only_term(query)
    assert (term.field.name, term.values) == (field, (value,))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("actr:e-1", "no field 'actr' (character 1 of the query); did you mean actor?"),
        ("actor:e-1 verdct:pending", "no field 'verdct' (character 11 of the query); did you mean verdict?"),
        ("qqqqq:1", "the fields are id,"),
        ("verdict:justifed", "'justifed' is no verdict; did you mean justified?"),
        ("reason:evidence_wrong_custmer", "did you mean evidence_wrong_customer?"),
        ("resource_type:fax", "resource_type is one of call_recording"),
        ("TCK-1", "'TCK-1' at character 1 names no field; write field:value"),
        ("actor:", 'actor has no value at character 7; write actor:value, or actor:""'),
        ("actor:a, b", "actor has no value at character 9"),
        ('actor:"e-1', "the quote at character 7 is not closed"),
        ('actor:"e-1"x', "'x' at character 12 stands right after the value of actor"),
        ("id:123", "id:123 at character 1: must be a UUID"),
        ("sequence:many", "must be a whole number within 64 bits"),
        ("sequence:99999999999999999999", "must be a whole number within 64 bits"),
        ("sequence:٣", "must be a whole number within 64 bits"),
        ("derived:maybe", "must be true or false"),
        ("time:2026-02-30", "must be an RFC 3339 time"),
        ("time:0001-01-01", "must lie in the years 1900 to 2299"),
        ("position:access.events.v1/3", "must be topic/partition/offset"),
        ("actor:\ud800", "the character at 7 of the query is not Unicode text"),
    ],
)
def test_a_refusal_says_what_where_and_what_to_write(query: str, said: str) -> None:
    """An investigator mends the query and goes on; a typo finds nothing silently nowhere."""
    assert said in refusal(query)


def test_a_query_has_limits() -> None:
    """A query is typed, or made by a program that can ask twice."""
    assert "characters" in refusal("actor:" + "x" * LONGEST_QUERY)
    assert "terms" in refusal("actor:x " * (MOST_TERMS + 1))
    assert "values" in refusal("actor:" + ",".join("x" * (MOST_VALUES + 1)))
