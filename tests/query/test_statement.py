import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from earwitness.query.conditions import Parameter
from earwitness.query.statement import (
    LONGEST_STATEMENT,
    UNDERSTOOD,
    Table,
    check_statement,
    customers_in,
    run_statement,
    texts_in,
)
from earwitness.query.store import Answer
from models.errors import QueryRejected


class OneAnswer:
    """A store that answers whatever it is asked with the same rows."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self.rows = rows
        self.limits: Mapping[str, Any] = {}

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Answer:
        if sql == UNDERSTOOD and parameters:
            known = (parameters["statement"], ["count", "arraymap", "lower"], ["if", "ornull"])
            return Answer(("", "", ""), ("", "", ""), [known])
        self.limits = limits or {}
        columns = tuple(f"c{at}" for at, _ in enumerate(self.rows[0]))
        return Answer(columns, columns, self.rows)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "  select 1 ;  ",
        "WITH 1 AS x SELECT x",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "-- why\nSELECT /* ; */ ';' AS a, \"b;\", `c;`, $x$;$x$",
        "SELECT settings FROM trail",
        "SELECT 'a''b;' , 'a\\';'",
    ],
)
def test_one_select_is_accepted(text: str) -> None:
    """A semicolon in a string or a comment ends no statement."""
    assert check_statement(text).strip().rstrip(";").strip()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (" ; ", "empty"),
        ("-- nothing", "empty"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("DROP TABLE trail", "begins with DROP"),
        ("INSERT INTO trail SELECT 1", "begins with INSERT"),
        ("/* SELECT */ SYSTEM SHUTDOWN", "begins with SYSTEM"),
        ("SELECT 1 SETTINGS max_execution_time = 0", "cannot change settings"),
        ("SELECT * FROM (SELECT 1 settings/**/max_threads=9)", "cannot change settings"),
        ("SELECT " + "1" * LONGEST_STATEMENT, "characters"),
    ],
)
def test_anything_else_is_refused_before_it_runs(text: str, said: str) -> None:
    """ClickHouse would refuse most of it too; a person gets a plain word, and limits stay ours."""
    with pytest.raises(QueryRejected, match=said):
        check_statement(text)


def test_the_answer_says_when_rows_were_left_out() -> None:
    """A cut answer that looks whole is a wrong answer."""
    store = OneAnswer((1,), (2,), (3,))
    assert run_statement(store, "SELECT 1", 2) == Table(("c0",), [[1], [2]], truncated=True)
    assert store.limits["limit"] == 3
    assert not run_statement(store, "SELECT 1", 3).truncated


def test_values_of_every_type_become_json() -> None:
    """The answer to a person's own SQL may hold any type of ClickHouse."""
    row = (
        datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        datetime(2026, 1, 31, 9, 30),  # noqa: DTZ001 - as ClickHouse gives a DateTime without a zone
        date(2026, 1, 31),
        UUID(int=1),
        Decimal("1.50"),
        math.nan,
        1.5,
        b"\xff",
        (1, ["a", None]),
        {1: True},
        None,
        "",
    )
    assert run_statement(OneAnswer(row), "SELECT 1", 1).rows == [
        [
            "2026-01-31T09:30:00.000000Z",
            "2026-01-31T09:30:00",
            "2026-01-31",
            "00000000-0000-0000-0000-000000000001",
            "1.50",
            "nan",
            1.5,
            "\\xff",
            [1, ["a", None]],
            {"1": True},
            None,
            "",
        ]
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("SELECT file('/etc/passwd')", "file cannot be used"),
        ("SELECT * APPLY file FROM trail", "file cannot be used"),
        ("SELECT arrayMap(x -> file(x), ['a'])", "file cannot be used"),
        ("SELECT `file`('/etc/passwd')", "file cannot be used"),
        ("SELECT AIGenerate('a', 'b')", "AIGenerate cannot be used"),
        ("SELECT dictGetString('a', 'b', 1)", "dictGetString cannot be used"),
        ("SELECT * FROM python('x')", "python is no function"),
        ("SELECT * FROM (SELECT 1), remote('127.0.0.1', 'a', 'b')", "remote is no function"),
        ("SELECT '\\'', url('http://x')", "url is no function"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "where its answer goes"),
        ("SELECT 1 FORMAT JSON", "nor its format"),
    ],
)
def test_what_reaches_beyond_the_views_is_refused(written: str, said: str) -> None:
    """As ClickHouse writes it out: functions need no grant, and one of them reads any file of the server."""
    with pytest.raises(QueryRejected, match=said):
        run_statement(OneAnswer((1,)), written, 1)


@pytest.mark.parametrize(
    "written",
    [
        "SELECT count(), countIf(1), lowerOrNullIf(1), COUNT(*) FROM trail",
        "SELECT 'file(', 'a\\'file(b', ' INTO OUTFILE ', ' FORMAT JSON' FROM trail",
        "SELECT * EXCEPT(id) FROM numbers(3) WHERE exists((SELECT 1))",
        "SELECT count() AS format, profile FROM trail",
    ],
)
def test_what_computes_may_be_called(written: str) -> None:
    """Also under the names that sums are made of; and texts are no names."""
    assert run_statement(OneAnswer((1,)), written, 1).rows == [[1]]


def test_every_text_of_an_answer_may_be_a_customer() -> None:
    """Whatever a column is called, and however deep it lies: a record is of whose content was seen."""
    table = Table(("c", "n"), [["acme", 1], [["globex", {"initech": ["x" * 129]}], ""]], truncated=False)
    assert texts_in(table) == ["acme", "globex", "initech"]


def test_the_customers_in_an_answer_are_those_of_its_customer_columns() -> None:
    """Of a register too, which may name customers whose content nobody has touched."""
    table = Table(
        ("customer_id", "t.customer_ids", "n"),
        [["acme", ["globex", "acme"], 1], [None, [], 2], ["*", ["initech"], 3]],
        truncated=False,
    )
    assert customers_in(table) == ["acme", "*", "globex", "initech"]
