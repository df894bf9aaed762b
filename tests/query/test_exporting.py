"""An export holds each row that its query finds once, in every format, from wherever it goes on."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.devstack.scratch import Server
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.clickhouse_http import HttpAddress, HttpStore
from earwitness.query.csv_cells import neutral, neutral_sql, original
from earwitness.query.export_columns import Format
from earwitness.query.exporting import Exports, Place, Wanted
from earwitness.query.language import condition_of, fixed, parse
from earwitness.query.rows import ROW_COLUMNS, ROW_FIELDS, rows_of
from models.errors import QueryRejected, SinkUnavailable
from tests.query.months import END, a_month

QUERIES = [
    "",
    "verdict:unjustified",
    "-reason:clause_met time:2026-03-05..2026-03-20",
    "actor:a-1 customer:c-1,c-2,*",
    "late:true",
    "actor:nobody",
]
NASTY = st.text("'\"\\\t\n\r\0{}:%=,[] aé\u202e", max_size=8)


class Month(NamedTuple):
    """A month of accesses, on a server of its own."""

    server: Server
    store: ClickHouseStore
    http: HttpStore
    exports: Exports


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    with a_month(tmp_path_factory.mktemp("exports") / "data", seed=5) as (server, store):
        http = HttpStore(server.http("earwitness_api"), query_timeout_s=60, connections=2)
        yield Month(server, store, http, Exports(store, http))
        http.close()


def wanted_of(query: str, after: Place | None = None) -> Wanted:
    return Wanted(fixed(parse(query), END), after)


def expected(month: Month, query: str) -> list[dict[str, Any]]:
    condition = condition_of(fixed(parse(query), END))
    rows = rows_of(
        month.store.ask(f"SELECT {ROW_COLUMNS} FROM trail WHERE {condition.sql}", condition.parameters)  # noqa: S608 - compiled
    )
    return sorted(rows, key=in_order)


def in_order(row: dict[str, Any]) -> tuple[Any, ...]:
    """Sort as the trail is stored; ClickHouse compares UUIDs by their second half first."""
    halves = row["id"].replace("-", "")
    return (row["received_at"][:10], row["customer_id"], row["time"], halves, row["source"])


def exported(month: Month, wanted: Wanted, form: Format, rows: int) -> tuple[bytes, int]:
    content, count = b"", 0
    for portion in month.exports.plan(wanted, rows):
        with month.exports.fetch(wanted, portion, form) as formatted:
            content += b"".join(formatted.pieces)
            count += formatted.row_count
    return content, count


@pytest.mark.parametrize(
    ("query", "rows"),
    [*((query, rows) for query in QUERIES for rows in (400, 1_000_000)), ("actor:a-1 customer:c-1,c-2,*", 7)],
)
def test_lines_are_the_rows_of_the_trail_each_once(month: Month, query: str, rows: int) -> None:
    """Whatever portions it comes in, with the newest verdicts."""
    content, count = exported(month, wanted_of(query), "jsonl", rows)
    lines = [json.loads(line) for line in content.splitlines()]
    assert sorted(lines, key=in_order) == expected(month, query)
    assert count == len(lines)
    keys = [(line["received_at"][:10], line["customer_id"], line["time"]) for line in lines]
    assert keys == sorted(keys)


@pytest.mark.parametrize("query", QUERIES)
def test_csv_and_parquet_hold_the_same(month: Month, query: str, tmp_path: Path) -> None:
    """A table for every tool."""
    rows = expected(month, query)
    content, _ = exported(month, wanted_of(query), "csv", 300)
    table = [
        {name: original(cell) for name, cell in zip(ROW_FIELDS, cells, strict=True)}
        for cells in csv.reader(io.StringIO(content.decode(), newline=""))
    ]
    assert sorted(table, key=in_order) == [{name: as_cell(row[name]) for name in ROW_FIELDS} for row in rows]
    wanted = wanted_of(query)
    for number, portion in enumerate(month.exports.plan(wanted, 500)):
        with month.exports.fetch(wanted, portion, "parquet") as formatted:
            (tmp_path / f"{number}.parquet").write_bytes(b"".join(formatted.pieces))
    found = [row for path in tmp_path.iterdir() for row in read_parquet(path)]
    assert sorted(found, key=in_order) == [
        {name: row[name] for name in ("id", "source", "customer_id", "verdict", "clause", "evidence_used")}
        | {"time": row["time"], "received_at": row["received_at"]}
        for row in rows
    ]


def as_cell(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (list, bool)) else str(value)


def read_parquet(path: Path) -> list[dict[str, Any]]:
    reader = pytest.importorskip("pyarrow.parquet", reason="comes with the embedded stack")
    names = ["id", "source", "customer_id", "verdict", "clause", "evidence_used", "time", "received_at"]
    rows = reader.read_table(path, columns=names).to_pylist()
    for row in rows:
        for name in ("time", "received_at"):
            row[name] = row[name].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return list(rows)


@given(at=st.integers(0, 3_999))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("query", ["", "verdict:unjustified"])
def test_it_goes_on_after_any_row(month: Month, query: str, at: int) -> None:
    """Two rows may share day, customer, time and id: their sources tell them apart."""
    whole, _ = exported(month, wanted_of(query), "jsonl", 800)
    lines = whole.splitlines(keepends=True)
    at %= len(lines)
    rest, _ = exported(month, wanted_of(query, Place.after(json.loads(lines[at]))), "jsonl", 800)
    assert rest == b"".join(lines[at + 1 :])


def test_it_goes_on_at_the_begin_of_any_portion(month: Month) -> None:
    """How Parquet goes on, whose parts are had whole."""
    planned = month.exports.plan(wanted_of(""), 40)
    assert len({portion.begin for portion in planned}) == len(planned)
    whole, _ = exported(month, wanted_of(""), "jsonl", 800)
    for portion in planned[::40]:
        rest, _ = exported(month, wanted_of("", Place.read(portion.begin.written())), "jsonl", 800)
        assert whole.endswith(rest)
        with month.exports.fetch(wanted_of(""), portion, "jsonl") as formatted:
            assert rest.startswith(b"".join(formatted.pieces))


def test_the_customers_of_whom_there_are_rows_are_named(month: Month) -> None:
    """Before the first byte, for the record of who was read about."""
    for query in ("actor:a-1", "verdict:unjustified time:2026-03-04", "actor:nobody"):
        names = {row["customer_id"] for row in expected(month, query)}
        assert month.exports.customers(wanted_of(query)) == sorted(names)


@pytest.mark.parametrize("text", ["", "x", "W10=", "WzEsMl0=", "bnVsbA=="])
def test_a_place_of_somebody_elses_is_refused(text: str) -> None:
    """It comes from a URL."""
    with pytest.raises(QueryRejected, match="none of ours"):
        Place.read(text)


@given(text=NASTY, listed=st.lists(NASTY, max_size=3), number=st.integers(-(2**62), 2**62))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_reach_the_server_as_they_are(month: Month, text: str, listed: list[str], number: int) -> None:
    """Over HTTP as over the native protocol, no value is ever read as SQL."""
    sql = (
        "SELECT {t:String}, {l:Array(String)}, {n:Int64}, "
        + neutral_sql("{t:String}")
        + " FORMAT JSONCompactEachRow"
    )
    with month.http.fetch(sql, {"t": text, "l": list(listed), "n": number}) as formatted:
        assert json.loads(b"".join(formatted.pieces)) == [text, listed, number, neutral(text)]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT * FROM access_log FORMAT CSV", SinkUnavailable),
        ("SELECT * FROM file('/etc/passwd', 'LineAsString') FORMAT CSV", SinkUnavailable),
        ("SELECT sleepEachRow(1) FROM trail LIMIT 50 FORMAT CSV", QueryRejected),
        ("SELECT throwIf(number = 900000) FROM numbers(1000000) FORMAT CSV", SinkUnavailable),
    ],
)
def test_what_the_server_refuses_comes_before_the_first_byte(
    month: Month, sql: str, error: type[Exception]
) -> None:
    """The rights of the HTTP interface are those of the user, and half an answer is none."""
    limits = {
        "max_execution_time": 1,
        "max_block_size": 1_000,
        "function_sleep_max_microseconds_per_block": 0,
    }
    with pytest.raises(error), month.http.fetch(sql, {}, limits=limits):
        pytest.fail("it was answered")


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"port": 1}, {"user": "default", "password": ""}])
def test_nobody_is_let_in_by_http_who_has_no_password(month: Month, change: dict[str, Any]) -> None:
    """The user that keeps the embedded server running has none, and must not be a way in."""
    address: HttpAddress = month.server.http("earwitness_api")._replace(**change)
    http = HttpStore(address, query_timeout_s=5, connections=1)
    with pytest.raises(SinkUnavailable), http.fetch("SELECT 1 FORMAT CSV", {}):
        pytest.fail("it was answered")
    http.close()
