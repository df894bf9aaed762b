"""Queries as hypothesis makes them: every kind of value of every field, and texts that try to break out."""

import string
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from earwitness.query.language.fields import FIELDS, Field
from earwitness.query.language.limits import LARGEST_NUMBER, MOST_FREE_TEXTS
from earwitness.query.language.moments import Ago, Day, Instant, Moment, NearDay, Now, fixed_moment, span_of
from earwitness.query.language.tree import (
    EVERYTHING,
    Absent,
    Between,
    Compared,
    During,
    Flag,
    FreeText,
    Number,
    Position,
    Prefix,
    Present,
    Query,
    Term,
    Text,
    Value,
    all_of,
    any_of,
    leaves,
    negation,
)
from models.fields import EARLIEST_TIME, LATEST_TIME

NOW = datetime(2026, 11, 27, 10, 15, 30, 123456, tzinfo=UTC)
HOSTILE = "'\"\\`%_*?-:,()[]{}<>=.;#/ \t\n\x00\x1b\u00a0\u2028\u202e\u201c\u201d\u2019😀é\u0130ßK"
SIGNS = st.sampled_from((">=", "<=", ">", "<"))

characters = st.one_of(
    st.sampled_from(HOSTILE), st.sampled_from(string.ascii_letters), st.characters(exclude_categories=["Cs"])
)
texts = st.text(characters, min_size=1, max_size=12)
numbers = st.integers(-LARGEST_NUMBER, LARGEST_NUMBER) | st.integers(-2, 12)

_naive = st.datetimes(EARLIEST_TIME.replace(tzinfo=None), LATEST_TIME.replace(tzinfo=None))
instants = _naive.map(lambda one: Instant(one.replace(tzinfo=UTC)))
days = st.builds(Day, st.dates(date(1900, 1, 1), date(2299, 12, 30)))
agos = st.builds(Ago, st.integers(0, 5000), st.sampled_from("smhdw"))
moments: st.SearchStrategy[Moment] = st.one_of(
    instants, days, agos, st.just(Now()), st.builds(NearDay, st.sampled_from(("today", "yesterday")))
)


def begins(moment: Moment) -> datetime:
    return span_of(fixed_moment(moment, NOW)).begin


@st.composite
def ranges(draw: st.DrawFn, of: st.SearchStrategy[Any]) -> Between:
    first, last = sorted((draw(of), draw(of)), key=lambda end: end if isinstance(end, int) else begins(end))
    return Between(first, last)


def _can_be_absent(field: Field, values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return values if field.absence == "never" else values | st.sampled_from((Absent(), Present()))


def values_of(field: Field, texts: st.SearchStrategy[str] = texts) -> st.SearchStrategy[Value]:  # noqa: PLR0911 - one way for each kind
    match field.kind:
        case "text" | "list":
            return _can_be_absent(field, st.builds(Text, texts) | st.builds(Prefix, texts))
        case "choice":
            choices = st.sampled_from(field.choices)
            beginnings = choices.flatmap(lambda one: st.integers(1, len(one)).map(lambda size: one[:size]))
            return st.builds(Text, choices) | st.builds(Prefix, beginnings)
        case "uuid":
            ids = st.uuids().map(str)
            return st.builds(Text, ids) | st.builds(Prefix, ids.map(lambda one: one[:7]))
        case "number":
            compared = st.builds(Compared, SIGNS, numbers)
            return _can_be_absent(field, st.builds(Number, numbers) | compared | ranges(numbers))
        case "flag":
            return st.builds(Flag, st.booleans())
        case "instant":
            during = st.builds(During, instants | days | st.just(NearDay("today")))
            between = ranges(instants | days) | ranges(agos) | ranges(moments)
            return during | st.builds(Compared, SIGNS, moments) | between
        case "position":
            whole = st.integers(0, LARGEST_NUMBER)
            return st.builds(Position, texts.map(lambda one: one.replace("/", "|")), whole, whole)


def terms_of(field: Field, texts: st.SearchStrategy[str] = texts) -> st.SearchStrategy[Term]:
    values = st.lists(values_of(field, texts), min_size=1, max_size=4, unique=True).map(tuple)
    return st.builds(Term, st.just(field), values)


terms = st.sampled_from(tuple(FIELDS.values())).flatmap(terms_of)
free_texts = st.builds(FreeText, st.text(characters, min_size=3, max_size=12))


def trees(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Query]:
    """Make queries of such leaves, as deep and as long as a person's."""
    whole = st.recursive(
        leaf,
        lambda part: st.one_of(
            part.map(negation),
            st.lists(part, min_size=1, max_size=3).map(all_of),
            st.lists(part, min_size=1, max_size=3).map(any_of),
        ),
        max_leaves=8,
    )
    return whole.filter(lambda one: _free(one) <= MOST_FREE_TEXTS)


def _free(query: Query) -> int:
    return sum(isinstance(leaf, FreeText) for leaf in leaves(query))


queries: st.SearchStrategy[Query] = trees(terms | terms | free_texts) | st.just(EVERYTHING)
