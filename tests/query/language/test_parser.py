"""What a person may type, and what they are told where it cannot be read."""

from datetime import UTC, date, datetime

import pytest

from earwitness.query.language import MalformedQuery, parse
from earwitness.query.language.fields import ALIASES, FIELDS
from earwitness.query.language.limits import (
    DEEPEST_NESTING,
    LONGEST_FREE_TEXT,
    LONGEST_QUERY,
    MOST_FREE_TEXTS,
    MOST_TERMS,
    MOST_VALUES,
)
from earwitness.query.language.moments import Ago, Day, Instant, NearDay, Now
from earwitness.query.language.tree import (
    EVERYTHING,
    Absent,
    All,
    AnyOf,
    Between,
    Compared,
    During,
    Flag,
    FreeText,
    Not,
    Number,
    Position,
    Prefix,
    Present,
    Term,
    Text,
    Value,
)
from earwitness.query.rows import ROW_FIELDS


def values(query: str) -> tuple[Value, ...]:
    term = parse(query)
    assert isinstance(term, Term)
    return term.values


def term(name: str, *texts: str) -> Term:
    return Term(FIELDS[name], tuple(Text(text) for text in texts))


def refusal(query: str) -> MalformedQuery:
    with pytest.raises(MalformedQuery) as caught:
        parse(query)
    return caught.value


def test_every_field_of_a_row_can_be_asked_for() -> None:
    """What a reader sees in a row is what they will type next."""
    assert set(FIELDS) == set(ROW_FIELDS)


def test_short_names_stand_for_fields_and_hide_none() -> None:
    """A short name that is a field's own name would make that field unreachable."""
    assert set(ALIASES.values()) <= set(FIELDS)
    assert not set(ALIASES) & set(FIELDS)


def test_a_query_is_terms_that_all_hold() -> None:
    """The contract's own example."""
    assert parse("actor:e-1 -verdict:justified resource_type:sms_content,call_recording") == All(
        (
            term("actor_id", "e-1"),
            Not(term("verdict", "justified")),
            term("resource_type", "sms_content", "call_recording"),
        )
    )


def test_or_joins_terms_and_parentheses_group_them() -> None:
    """Alternatives of one field are a comma; OR is for those of different fields."""
    assert parse("customer:acme (actor:e-1 OR team:night)") == All(
        (term("customer_id", "acme"), AnyOf((term("actor_id", "e-1"), term("actor_team", "night"))))
    )
    assert parse("-(actor:e-1 OR team:night)") == Not(parse("actor:e-1 OR team:night"))


def test_an_empty_query_restricts_nothing() -> None:
    """`search` without a query shows the last day."""
    assert parse("") == parse(" \t\n") == EVERYTHING


def test_quotes_hold_a_value_with_spaces_commas_and_quotes() -> None:
    """User agents and resource ids hold anything."""
    typed = r'user_agent:"Mozilla/5.0 (X11, \"Linux\") \\ x",curl'
    assert values(typed) == (Text(r'Mozilla/5.0 (X11, "Linux") \ x'), Text("curl"))


def test_a_value_may_hold_colons_backslashes_and_dots() -> None:
    """References, account names and addresses do; only numbers and times have ranges."""
    assert values(r"evidence:ticket:TCK-1") == (Text("ticket:TCK-1"),)
    assert values(r"actor:DOMAIN\user") == (Text(r"DOMAIN\user"),)
    assert values("resource:a..b") == (Text("a..b"),)


def test_absence_and_presence_can_be_asked_for() -> None:
    """Which accesses declared no purpose is a question that people have."""
    assert values('purpose:""') == values('item_count:""') == (Absent(),)
    assert values("purpose:*") == values("items:*") == (Present(),)


def test_a_star_at_the_end_means_whatever_begins_so() -> None:
    """In quotes a star is a star."""
    assert values("actor:e-1*") == (Prefix("e-1"),)
    assert values('actor:"night shift"*') == (Prefix("night shift"),)
    assert values('actor:"e-1*"') == (Text("e-1*"),)
    assert values("reason:evidence_*") == (Prefix("evidence_"),)


def test_a_star_as_customer_is_the_customer_of_wide_accesses() -> None:
    """The contract's own value; an access to any customer is found by not naming one."""
    assert values("customer:*") == values('customer:"*"') == (Text("*"),)


def test_text_without_a_field_is_looked_for_in_every_id() -> None:
    """What stands in a mail is pasted, whatever it is an id of."""
    assert parse("TCK-1") == FreeText("TCK-1")
    assert parse('-"free text in ids"') == Not(FreeText("free text in ids"))
    assert parse('"ticket:TCK-1"') == FreeText("ticket:TCK-1")


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("id:0190B5A2-7C1D-7E5F-8A3B-2F1E0D9C8B7A", Text("0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a")),
        ("sequence:7", Number(7)),
        ("bytes:0", Number(0)),
        ("bytes:>=1000000", Compared(">=", 1_000_000)),
        ("items:7..12", Between(7, 12)),
        ("evidence_version:-5..-1", Between(-5, -1)),
        ("derived:true", Flag(holds=True)),
        ("late:No", Flag(holds=False)),
        ("position:access.events.v1/3/1204", Position("access.events.v1", 3, 1204)),
        ("judged_at:2026-01-31T09:30:00+01:00", During(Instant(datetime(2026, 1, 31, 8, 30, tzinfo=UTC)))),
        ("time:2026-01-31", During(Day(date(2026, 1, 31)))),
        ("time:yesterday", During(NearDay("yesterday"))),
        ("time:>=-7d", Compared(">=", Ago(7, "d"))),
        ('time:<"2026-01-31"', Compared("<", Day(date(2026, 1, 31)))),
        ("time:2026-11-01..2026-11-08", Between(Day(date(2026, 11, 1)), Day(date(2026, 11, 8)))),
        ("time:-90m..now", Between(Ago(90, "m"), Now())),
        ("time:today..-1h", Between(NearDay("today"), Ago(1, "h"))),
        ("time:-1h..today", Between(Ago(1, "h"), NearDay("today"))),
    ],
)
def test_a_value_has_its_fields_type(query: str, value: Value) -> None:
    """A number is compared as a number, a day is all its instants, a relative time stays one."""
    assert values(query) == (value,)


@pytest.mark.parametrize(
    ("query", "at", "said"),
    [
        ("actr:e-1", "actr", "there is no field 'actr'|did you mean actor?"),
        ("actor:e-1 verdct:pending", "verdct", "did you mean verdict?"),
        ("Actor:e-1", "Actor", "did you mean actor?"),
        ("user:e-1", "user", "did you mean actor?"),
        ("ticket:TCK-1", "ticket", 'did you mean evidence:ticket:TCK-1?|write "ticket:TCK-1"'),
        ("since:-7d", "since", "did you mean time:>=-7d?"),
        ("qqqqq:1", "qqqqq", "the fields are id,"),
        ("https://x.example/a", "https://x.example/a", 'did you mean "https://x.example/a"?'),
        ("verdict:justifed", "justifed", "'justifed' is no verdict|did you mean justified?"),
        ("verdict:pending,Justified", "Justified", "did you mean justified?"),
        ("reason:evidence_wrong_custmer", "evidence_wrong_custmer", "did you mean evidence_wrong_customer?"),
        ("resource_type:fax", "fax", "resource_type is one of call_recording"),
        ("reason:fax*", "fax*", "no reason begins with 'fax'"),
        ("unjustified", "unjustified", "did you mean verdict:unjustified?"),
        ("actor e-1", "actor", "actor is a field|write actor:value"),
        ("actor=e-1", "actor=e-1", "did you mean actor:e-1?"),
        ("actor!=e-1", "actor!=e-1", "did you mean -actor:e-1?"),
        ("actor:", ":", "actor has no value here|write actor:value"),
        ("purpose:", ":", 'purpose:"" for accesses without one'),
        ("actor: e-1", " ", "no space stands before the value"),
        ("actor:a, b", " ", "no space stands before the value"),
        ("actor:(a OR b)", "(", "write actor:one,other"),
        ("actor:a b,c", "b,c", 'did you mean "b,c"?'),
        ('actor:"e-1', '"', "this quote is not closed"),
        ('actor:"e-1"x', "x", "'x' stands right after the end of a term"),
        ("actor:'e-1'", "'e-1'", "' is no quote here"),
        ("actor:“e 1”", "“e", '“ is no quote here|quotes are "straight and double"'),
        ("actor:e*1", "e*1", 'a * stands at the end|"e*1" means the * itself'),
        ("e-1*", "e-1*", "a text is found anywhere in an id, without a *|did you mean e-1?"),
        ('actor:""', '""', "every access has its actor_id"),
        ("actor:>5", ">5", 'actor_id is no number or time|did you mean ">5"?'),
        ("time:2026-11*", "2026-11*", "a * does not follow a value of time|a range finds several"),
        ("id:123", "123", "'123' is no id|123* finds the ids that begin so"),
        ("id:xyz*", "xyz*", "no id begins with 'xyz'"),
        ("sequence:many", "many", "is no whole number within 64 bits"),
        ("sequence:99999999999999999999", "99999999999999999999", "is no whole number within 64 bits"),
        ("sequence:٣", "٣", "is no whole number within 64 bits"),
        ("items:7..", "7..", "did you mean >=7?"),
        ("items:12..7", "12..7", "did you mean 7..12?"),
        ("derived:maybe", "maybe", "is neither true nor false"),
        ("time:2026-02-30", "2026-02-30", "is no time|write 2026-11-01, "),
        ("time:0001-01-01", "0001-01-01", "must lie in the years 1900 to 2299"),
        ("time:>=-99999d", ">=-99999d", "further than a hundred years"),
        ("time:-7d", "-7d", "did you mean >=-7d?"),
        ("time:now", "now", "did you mean <=now?"),
        ("time:>=", ">=", "nothing follows the >="),
        ("time:2026-11-01T09:30", "2026-11-01T09:30", "did you mean 2026-11-01T09:30:00Z?"),
        ("time:-1d..-7d", "-1d..-7d", "did you mean -7d..-1d?"),
        ("time:yesterday..-3d", "yesterday..-3d", "did you mean -3d..yesterday?"),
        ("position:access.events.v1/3", "access.events.v1/3", "write topic/partition/offset"),
        ("actor:\ud800", "\ud800", "this character is not Unicode text"),
        ("customer:acme actor:e-1 OR org:x", "OR", "two ways|write customer_id:acme (actor_id:e-1 OR "),
        ("actor:e-1 OR org:x customer:acme", "OR", "or actor_id:e-1 OR (organization:x customer_id:acme)"),
        ("actor:e-1 or org:x", "or", "did you mean OR?"),
        ("OR actor:e-1", "OR", "nothing stands before OR"),
        ("actor:e-1 OR", "OR", "nothing follows OR"),
        ("actor:e-1 OR OR org:x", "OR OR", "OR joins two terms"),
        ("--actor:e-1", "--", "one - negates a term"),
        ("- actor:e-1", "-", "write -field:value, without a space"),
        ("actor:e-1 NOT ", "NOT", "nothing follows NOT"),
        ("(actor:e-1", "(", "this ( is not closed"),
        ("actor:e-1)", ")", "there is no ( for this )"),
        ("actor:e-1 ()", "()", "nothing in these parentheses"),
        (":e-1", ":", "':' cannot begin a term"),
        ("ab", "ab", "has at least 3 characters"),
    ],
)
def test_a_refusal_says_what_where_and_what_to_write(query: str, at: str, said: str) -> None:
    """An investigator mends the query and goes on; a typo finds nothing silently nowhere."""
    error = refusal(query)
    assert query[slice(*error.place)] == at
    assert [part for part in said.split("|") if part not in f"{error.message}; {error.hint}"] == []


@pytest.mark.parametrize(
    ("query", "suggestion"),
    [
        ("actr:e-1 -verdict:justified", "actor:e-1 -verdict:justified"),
        ("-verdict:justifed time:-7d", "-verdict:justified time:-7d"),
        ("customer:acme since:2026-11-01", "customer:acme time:>=2026-11-01"),
        ("actor: e-1", "actor:e-1"),
        ("verdict!=justified", "-verdict:justified"),
        ("actor:“e-1”", 'actor:"e-1"'),
        ("qqqqq:1", None),
    ],
)
def test_a_suggestion_is_the_whole_query_mended(query: str, suggestion: str | None) -> None:
    """It can be taken as it is: by a click in the console, by copying in a terminal."""
    assert refusal(query).suggestion == suggestion


def test_in_one_line_an_error_says_its_place() -> None:
    """A log or another tool has no second line for a caret."""
    assert str(refusal("actor:e-1 verdct:x")).startswith(
        "there is no field 'verdct' (character 11 of the query); "
    )


def test_what_is_repeated_of_a_long_text_is_short() -> None:
    """A message is read by a person, whatever was pasted."""
    for query in ("x" * 4000 + ":1", "verdict:" + "x" * 4000, "time:" + "x" * 4000, "1" * 300 + "*"):
        assert len(str(refusal(query))) < 700


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("actor:" + "x" * LONGEST_QUERY, "characters; at most"),
        ("actor:x " * (MOST_TERMS + 1), "more than 64 terms"),
        ("actor:" + ",".join("x" * (MOST_VALUES + 1)), "more than 1000 values"),
        ("abc " * (MOST_FREE_TEXTS + 1), "at most 4 texts"),
        ("x" * (LONGEST_FREE_TEXT + 1), "no id is longer"),
        ("(" * (DEEPEST_NESTING + 1) + "actor:x" + ")" * (DEEPEST_NESTING + 1), "more than 8 deep"),
    ],
)
def test_a_query_has_limits(query: str, said: str) -> None:
    """A query is typed, or made by a program that can ask twice."""
    assert said in refusal(query).message


@pytest.mark.parametrize(
    "query",
    [
        "actor:x " * MOST_TERMS,
        "actor:" + ",".join(str(number) for number in range(MOST_VALUES)),
        "abc " * MOST_FREE_TEXTS,
        "x" * LONGEST_FREE_TEXT,
        "(" * DEEPEST_NESTING + "actor:x" + ")" * DEEPEST_NESTING,
        "actor:" + "x" * (LONGEST_QUERY - len("actor:")),
    ],
)
def test_what_just_keeps_a_limit_is_read(query: str) -> None:
    """A limit is where it is said to be."""
    parse(query)
