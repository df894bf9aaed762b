import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.conditions import condition_of
from earwitness.query.fields import FIELDS
from earwitness.query.language import Term, parse, quote

SINCE = datetime(2026, 3, 1, 0, 2, tzinfo=UTC)
UNTIL = datetime(2026, 3, 2, tzinfo=UTC)
PLACEHOLDER = re.compile(r"\{p[0-9]+:[A-Za-z0-9()]+\}")
TEXTS = sorted(name for name, field in FIELDS.items() if field.kind in ("text", "list"))
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


def compiled(query: str, since: datetime | None = None, until: datetime | None = None) -> str:
    return condition_of(parse(query), since=since, until=until).sql


@given(st.sampled_from(TEXTS), ANY_TEXT, ANY_TEXT, st.booleans())
def test_no_value_ever_becomes_text_of_the_statement(field: str, one: str, other: str, negated: bool) -> None:  # noqa: FBT001 - a case
    """An actor named `' OR 1=1 --` is an actor. The statement depends on the shape of the query alone."""
    sign = "-" if negated else ""
    first = compiled(f"{sign}{field}:{quote('x' + one)}")
    assert first == compiled(f"{sign}{field}:{quote('y' + other)}")
    assert field in first


@pytest.mark.parametrize(
    "query",
    [
        "id:0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
        "verdict:pending,unjustified",
        'item_count:3,""',
        "sequence:7",
        "late:true",
        'used:ticket:TCK-1,""',
        "judged_at:2026-01-31",
        "position:access.events.v1/3/1204",
    ],
)
def test_every_value_is_a_typed_parameter(query: str) -> None:
    """With the placeholders taken away, no literal is left but those that stand for absence."""
    condition = condition_of(parse(query), since=SINCE, until=UNTIL)
    assert len(condition.parameters) == len(PLACEHOLDER.findall(condition.sql))
    rest = PLACEHOLDER.sub("", condition.sql).replace("'UTC'", "").replace(", 0)", "")
    assert not re.search(r"[0-9']", rest.replace("fromUnixTimestamp64Micro", ""))


def test_since_spares_the_partitions_of_the_days_before() -> None:
    """An access is received at most five minutes before its own time, so this drops no row."""
    condition = condition_of((), since=SINCE, until=None)
    assert "received_day >= toDate(toDateTime({p1:Int64}, 'UTC'))" in condition.sql
    day_before = datetime(2026, 2, 28, 23, 57, tzinfo=UTC)
    assert condition.parameters["p1"] == int(day_before.timestamp())


def test_a_time_before_1970_prunes_nothing_and_breaks_nothing() -> None:
    """A Date cannot say it; everything was received later anyway."""
    condition = condition_of((), since=datetime(1900, 1, 1, tzinfo=UTC), until=None)
    assert condition.parameters["p1"] == 0


def test_nothing_asked_is_everything() -> None:
    """A WHERE needs an expression."""
    assert condition_of((), since=None, until=None).sql == "1"


@pytest.mark.parametrize("field", ["time", "position"])
def test_a_term_that_parse_cannot_make_is_a_fault_of_the_program(field: str) -> None:
    """Such a term is a defect of ours; a wrong answer would hide it."""
    with pytest.raises(TypeError):
        condition_of([Term(FIELDS[field], negated=False, values=("text",))], since=None, until=None)
