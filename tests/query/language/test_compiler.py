"""A query becomes a condition: no input is text of the statement, and indexes can be used."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.language import between, condition_of, fixed, parse
from earwitness.query.language.fields import FIELDS
from earwitness.query.language.limits import LARGEST_NUMBER
from earwitness.query.language.moments import Day, Instant
from earwitness.query.language.tree import (
    EVERYTHING,
    All,
    AnyOf,
    Between,
    Bound,
    Compared,
    During,
    Flag,
    FreeText,
    Not,
    Number,
    Position,
    Prefix,
    Query,
    Term,
    Text,
    Value,
)
from tests.query.language.strategies import NOW, queries

SINCE = datetime(2026, 3, 1, 0, 2, tzinfo=UTC)
UNTIL = datetime(2026, 3, 2, tzinfo=UTC)
PLACEHOLDER = re.compile(r"\{p[0-9]+:(?:Array\()?(?:String|UUID|Int64|UInt8|Date)\)?\}")
WORDS = {
    *(name for name, field in FIELDS.items() if field.kind != "position"),
    *("topic", "partition", "offset", "received_day", "element"),
    *("AND", "OR", "NOT", "IN", "BETWEEN"),
    *("startsWith", "positionCaseInsensitive", "toString", "fromUnixTimestamp64Micro", "ifNull", "isNull"),
    *("isNotNull", "hasAny", "arrayExists", "empty", "notEmpty"),
    *("0", "1", "UTC"),
}
"""All that a condition is made of, beside signs and placeholders."""


def compiled(query: str) -> str:
    return condition_of(fixed(parse(query), NOW)).sql


def other(query: Query) -> Query:
    """Give a query of the same shape in which no value is the same."""
    match query:
        case Term(field, values):
            return Term(field, tuple(_other_value(value, field.choices) for value in values))
        case FreeText(text):
            return FreeText(f"x' OR 1=1 -- {text}")
        case Not(part):
            return Not(other(part))
        case All(parts):
            return All(tuple(map(other, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(other, parts)))


def _other_value(value: Value, choices: tuple[str, ...]) -> Value:  # noqa: PLR0911 - one way for each kind
    match value:
        case Text(text):
            return Text(choices[choices.index(text) - 1] if choices else f"' OR 1=1 -- {text}")
        case Prefix(text):
            return Prefix(choices[-1] if choices else f"' OR 1=1 -- {text}")
        case Number(number):
            return Number(number - 1 if number > 0 else number + 1)
        case Flag(holds):
            return Flag(not holds)
        case Position(topic, partition, offset):
            return Position(f"'{topic}", LARGEST_NUMBER - partition, LARGEST_NUMBER - offset)
        case During(moment):
            return During(_other_bound(moment))
        case Compared(sign, bound):
            return Compared(sign, _other_bound(bound))
        case Between(first, last):
            return Between(_other_bound(first), _other_bound(last))
        case _:
            return value


def _other_bound(bound: Bound) -> Bound:
    return -7 if isinstance(bound, int) else Instant(UNTIL)


@given(queries)
def test_no_value_ever_becomes_text_of_the_statement(query: Query) -> None:
    """An actor named `' OR 1=1 --` is an actor. The statement depends on the shape of the query alone."""
    absolute = fixed(query, NOW)
    assert condition_of(absolute).sql == condition_of(other(absolute)).sql


@given(queries)
def test_a_statement_is_made_of_a_closed_list_of_words(query: Query) -> None:
    """Beside names of columns and functions it holds placeholders, one for each parameter."""
    condition = condition_of(fixed(query, NOW))
    names = [found.group() for found in PLACEHOLDER.finditer(condition.sql)]
    assert {name[1:].partition(":")[0] for name in names} == set(condition.parameters)
    rest = PLACEHOLDER.sub("", condition.sql)
    assert set(re.findall(r"\w+", rest)) <= WORDS
    assert not re.search(r"[^\w\s()<>=!,'-]", rest)
    assert re.findall(r"'[^']*'", rest) == re.findall(r"'UTC'|''", rest)


@pytest.mark.parametrize(
    ("query", "sql"),
    [
        ("actor:e-1,e-2", "(actor_id IN {p0:Array(String)})"),
        ("-actor:e-1*", "NOT (startsWith(actor_id, {p0:String}))"),
        ('purpose:"",own_use', "(purpose IN {p0:Array(String)})"),
        ("reason:evidence_*", "(reason IN {p0:Array(String)})"),
        ("id:0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a", "(id IN {p0:Array(UUID)})"),
        ("items:>3", "(((ifNull(((item_count > {p0:Int64})), 0))))"),
        ("late:true", "(late IN {p0:Array(UInt8)})"),
        ("actor:e-1 OR org:x", "((actor_id IN {p0:Array(String)}) OR (organization IN {p1:Array(String)}))"),
    ],
)
def test_columns_are_compared_as_they_are(query: str, sql: str) -> None:
    """A function around a column would hide it from its index."""
    assert compiled(query).replace("(", "").replace(")", "") == sql.replace("(", "").replace(")", "")


@pytest.mark.parametrize(
    ("query", "begin", "end"),
    [
        ("time:>=2026-03-01T00:02:00Z", "2026-02-28", None),
        ("time:2026-03-01..2026-03-05", "2026-02-28", None),
        ("time:>2026-03-01", "2026-03-01", None),
        ("time:<2026-03-01", None, None),
        ("time:>=-7d", "2026-11-20", None),
        ("time:2026-03-05,2026-03-01T12:00:00Z", "2026-03-01", None),
        ("time:2026-03-05,<2026-03-01", None, None),
        ("-time:2026-03-05", None, None),
        ("(time:>=2026-03-05 actor:e-1) OR time:2026-03-03", "2026-03-02", None),
        ("time:>=2026-03-05 OR actor:e-1", None, None),
        ("received_at:2026-03-05", "2026-03-05", "2026-03-05"),
        ("received_at:<=2026-03-05 time:>=2026-03-02", "2026-03-01", "2026-03-05"),
        ("received_at:>=2026-03-05 time:>=2026-03-02", "2026-03-05", None),
        ("time:>=1900-01-01", "1970-01-01", None),
        ("time:>=2290-01-01", "2149-06-06", None),
        ("judged_at:today", None, None),
    ],
)
def test_times_spare_the_partitions_in_which_nothing_can_be(
    query: str, begin: str | None, end: str | None
) -> None:
    """An access is received at most five minutes before its own time, so this drops no row."""
    condition = condition_of(fixed(parse(query), NOW))
    days = re.findall(r"received_day ([<>]=) \{(\w+):Date\}", condition.sql)
    assert {sign: condition.parameters[name] for sign, name in days} == {
        sign: day for sign, day in ((">=", begin), ("<=", end)) if day
    }


def test_nothing_asked_is_everything() -> None:
    """A WHERE needs an expression."""
    assert condition_of(EVERYTHING).sql == condition_of(between(None, None)).sql == "1"


def test_since_is_included_and_until_is_not() -> None:
    """So that one interval ends where the next begins."""
    condition = condition_of(between(SINCE, UNTIL))
    assert re.findall(r"time (\S+) from", condition.sql) == [">=", "<"]


@pytest.mark.parametrize(
    "term",
    [
        Term(FIELDS["time"], (Text("now"),)),
        Term(FIELDS["sequence"], (Compared(">", Instant(SINCE)),)),
        parse("time:>=-7d"),
    ],
)
def test_a_query_that_cannot_be_compiled_is_a_fault_of_the_program(term: Query) -> None:
    """Such a query is a defect of ours, or was not fixed; a wrong answer would hide it."""
    with pytest.raises(TypeError):
        condition_of(term)


@given(st.dates(min_value=datetime(1970, 1, 2).date(), max_value=datetime(2149, 1, 1).date()))  # noqa: DTZ001 - days
def test_a_day_reaches_from_its_first_instant_to_its_last(day: object) -> None:
    """Both ends belong to it."""
    first, last = Day(day), Day(day)  # type: ignore[arg-type]
    condition = condition_of(Term(FIELDS["received_at"], (Between(first, last),)))
    begin, end = (value for value in condition.parameters.values() if isinstance(value, int))
    assert end - begin == timedelta(days=1) // timedelta(microseconds=1) - 1
