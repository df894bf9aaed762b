"""Exports of the real API: what they hold, that they are recorded first, and how they go on."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from earwitness.cli.client import ApiClient
from earwitness.query.csv_cells import original
from earwitness.query.exporting import MOST_AT_ONCE, NEXT_HEADER, QUERY_HEADER, Exports, Place
from earwitness.query.rows import ROW_FIELDS
from models.errors import QueryRejected, SinkUnavailable
from tests.api.serving import NOTHING, CannedStore, Kept, client_of
from tests.api.world import World
from tests.conftest import Stack

EXPORTS = "/api/v1/exports"


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    """Ask as anybody's own tool does."""
    api = stack.settings("api").api
    with httpx.Client(
        base_url=api.url or "",
        headers={"Authorization": f"Bearer {api.token.get_secret_value()}"},
        trust_env=False,
        timeout=60,
    ) as client:
        yield client


def activity(stack: Stack, text: str) -> list[tuple[str, list[str], int | None]]:
    client = stack.clickhouse("reader")
    rows = client.execute(
        "SELECT action, customer_ids, row_count FROM activity WHERE position(query, %(text)s) > 0"
        " AND action LIKE 'export%%' ORDER BY time, action",
        {"text": text},
    )
    client.disconnect()
    return list(rows)


@pytest.mark.stack
def test_lines_are_those_of_a_search(http: httpx.Client, api: ApiClient, world: World) -> None:
    """Value for value, nasty ones and the fields of newer producers included."""
    answer = http.get(EXPORTS, params={"q": f"customer:{world.customer_id}"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == api.get("search", q=f"customer:{world.customer_id}")["rows"][::-1]


@pytest.mark.stack
def test_a_table_has_the_columns_and_values_of_the_rows(
    http: httpx.Client, api: ApiClient, world: World
) -> None:
    """Read by any tool, or by a spreadsheet."""
    answer = http.get(EXPORTS, params={"q": f"customer:{world.customer_id}", "format": "csv"})
    table = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert tuple(table[0]) == ROW_FIELDS
    rows = api.get("search", q=f"customer:{world.customer_id}")["rows"][::-1]
    for cells, row in zip(table[1:], rows, strict=True):
        assert [original(cell) for cell in cells] == [_cell(row[name]) for name in ROW_FIELDS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (list, bool)) else str(value)


@pytest.mark.stack
def test_it_is_recorded_before_its_first_byte_and_after_its_last(
    http: httpx.Client, stack: Stack, world: World
) -> None:
    """Whose customers, and in the end how many rows."""
    http.get(EXPORTS, params={"q": f"customer:{world.customer_id} actor:v-*", "format": "csv"})
    begun, ended = activity(stack, f"{world.customer_id} actor_id:v-*")
    assert begun == ("export", [world.customer_id], None)
    assert ended == ("export.end", [], 3)


@pytest.mark.stack
def test_it_goes_on_after_a_row_with_the_query_that_it_told(http: httpx.Client, world: World) -> None:
    """Relative times mean then what they meant, and what came meanwhile stays out."""
    question = {"q": f"customer:{world.customer_id} time:>=-3h"}
    whole = http.get(EXPORTS, params=question)
    lines = whole.text.splitlines()
    told = httpx.URL(f"http://x/?q={whole.headers[QUERY_HEADER]}").params["q"]
    assert "received_at:<=" in told
    assert "-3h" not in told
    after = Place.after(json.loads(lines[0])).written()
    rest = http.get(EXPORTS, params={"q": told, "after": after})
    assert rest.text.splitlines() == lines[1:]
    assert rest.headers[QUERY_HEADER] == whole.headers[QUERY_HEADER]


@pytest.mark.stack
def test_parquet_comes_in_parts_each_of_which_names_the_next(http: httpx.Client, world: World) -> None:
    """A file of Parquet cannot be gone on with, so each is had whole."""
    question = {"q": f"customer:{world.customer_id}", "format": "parquet", "rows": "1"}
    parts, after = 0, None
    while True:
        answer = http.get(EXPORTS, params=question | ({"after": after} if after else {}))
        assert (answer.content[:4], answer.content[-4:]) == (b"PAR1", b"PAR1")
        parts += 1
        after = answer.headers.get(NEXT_HEADER)
        if after is None:
            break
    assert parts == 3


@pytest.mark.stack
@pytest.mark.parametrize(("form", "length"), [("jsonl", 0), ("csv", 1), ("parquet", None)])
def test_an_export_of_nothing_is_a_file_as_well(http: httpx.Client, form: str, length: int | None) -> None:
    """With its header, so that whatever reads it does not fail."""
    answer = http.get(EXPORTS, params={"q": "actor:nobody-of-this-name", "format": form})
    assert answer.status_code == 200
    if length is None:
        assert answer.content[:4] == b"PAR1"
    else:
        assert len(answer.text.splitlines()) == length


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"q": "actr:e-1"}, "actr"),
        ({"format": "xlsx"}, "format"),
        ({"after": "x"}, "none of ours"),
        ({"rows": "0"}, "rows is 0"),
        ({"limit": "5"}, "there is no parameter limit"),
    ],
)
def test_what_cannot_be_exported_is_said_in_the_one_shape(question: dict[str, str], said: str) -> None:
    """And nothing is recorded of it."""
    activity = Kept()
    with client_of(CannedStore(NOTHING), activity) as client:
        answer = client.get(EXPORTS, params=question)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert activity.activities == []


def test_what_cannot_be_recorded_is_not_exported() -> None:
    """Otherwise breaking the activity log would be the way to read unseen."""
    with client_of(CannedStore(NOTHING), Kept(SinkUnavailable("down"))) as client:
        answer = client.get(EXPORTS)
    assert answer.status_code == 503
    assert set(answer.json()) == {"error"}


def test_few_run_at_once() -> None:
    """Others are told to come again; a turn is given back however an export ends."""
    exports = Exports(CannedStore(NOTHING), None)  # type: ignore[arg-type] # nothing is fetched
    with exports.turn():
        for _ in range(MOST_AT_ONCE):
            with pytest.raises(QueryRejected), exports.turn():
                raise QueryRejected("x")
        with exports.turn(), pytest.raises(SinkUnavailable, match="already running"), exports.turn():
            pytest.fail("one too many")
