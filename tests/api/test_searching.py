"""What the API makes of a question: one query, recorded in full, the same on every page."""

from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import pytest

from earwitness.api.searching import TrailQuestion, whole_question
from earwitness.query.language import parse, write
from earwitness.query.rows import ROW_FIELDS
from earwitness.query.store import Answer
from earwitness.query.trail import Mark
from models.errors import QueryRejected
from tests.api.serving import NOTHING, TOKEN, CannedStore, Kept, client_of

NOW = datetime(2026, 11, 27, 10, 15, tzinfo=UTC)
SOON_S = 5.0
DAY_BEFORE = "time:>=2026-11-26T10:15:00Z"


def recorded(**question: str) -> str:
    """Give what is recorded of a question; it always says the same as what is asked."""
    whole = whole_question(TrailQuestion(**question), NOW)
    assert write(whole.query) == whole.text
    assert parse(whole.text) == whole.query
    return whole.text


def a_row(minute: int) -> tuple[Any, ...]:
    columns = (*ROW_FIELDS[:-1], "unknown_fields", "topic", "partition", "offset")
    row = dict.fromkeys(columns, "") | {
        "id": f"0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b{minute:02d}",
        "sequence": 0,
    }
    return tuple((row | {"time": NOW - timedelta(minutes=minute)}).values())


ROWS = Answer((*ROW_FIELDS[:-1], "unknown_fields", "topic", "partition", "offset"), (), [a_row(1), a_row(2)])


class SearchedStore(CannedStore):
    """Finds two accesses, and gives the same rows for each."""

    def ask(self, sql: str, *arguments: Any, **options: Any) -> Answer:
        rows = super().ask(sql, *arguments, **options)
        if "AS identifier" not in sql:
            return rows
        key = (NOW.date(), "acme", 0, "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a")
        return Answer(("received_day", "customer_id", "at", "identifier"), (), [key, key])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ({}, DAY_BEFORE),
        ({"q": "actor:e-1"}, f"actor_id:e-1 {DAY_BEFORE}"),
        ({"query": "actor:e-1"}, f"actor_id:e-1 {DAY_BEFORE}"),
        ({"q": "actor:e-1 OR org:x"}, f"(actor_id:e-1 OR organization:x) {DAY_BEFORE}"),
        ({"q": "actor:e-1", "since": "7d"}, "actor_id:e-1 time:>=2026-11-20T10:15:00Z"),
        ({"since": "7d", "until": "2026-11-24"}, "time:>=2026-11-20T10:15:00Z time:<2026-11-24T00:00:00Z"),
        ({"until": "2026-11-27"}, f"{DAY_BEFORE} time:<2026-11-27T00:00:00Z"),
        ({"q": "time:>=-7d"}, "time:>=2026-11-20T10:15:00Z"),
        ({"q": "time:yesterday"}, "time:2026-11-26"),
        ({"q": "judged_at:>=-1h"}, "judged_at:>=2026-11-27T09:15:00Z"),
        ({"q": "time:>=-7d", "until": "-1d"}, "time:>=2026-11-20T10:15:00Z time:<2026-11-26T10:15:00Z"),
    ],
)
def test_what_is_recorded_is_all_that_was_asked_as_one_query(question: dict[str, str], text: str) -> None:
    """Asked again next year it finds the same; without any time named, a question is about the last day."""
    assert recorded(**question) == text


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("time:2026-11-01..2026-11-08", "2026-11-01T00:00:00.000000Z", "2026-11-09T00:00:00.000000Z"),
        ("time:<2026-11-01", None, "2026-11-01T00:00:00.000000Z"),
        ("received_at:today", None, None),
    ],
)
def test_an_answer_says_which_time_it_is_about(query: str, since: str | None, until: str | None) -> None:
    """As `since` and `until`, however the query names it."""
    whole = whole_question(TrailQuestion(q=query), NOW)
    assert (whole.since, whole.until) == (since, until)


@pytest.mark.parametrize(
    "question",
    [
        {"until": "2026-11-20"},
        {"since": "2026-11-20", "until": "2026-11-20"},
        {"q": "time:2026-11-01", "since": "2026-11-20"},
        {"q": "time:2026-11-01 time:>=now"},
    ],
)
def test_a_time_that_ends_before_it_begins_is_refused(question: dict[str, str]) -> None:
    """That nothing was found in it would be true, and misleading."""
    with pytest.raises(QueryRejected, match="ends before"):
        recorded(**question)


def test_both_names_of_the_query_at_once_are_refused() -> None:
    """One of them would be ignored."""
    with pytest.raises(QueryRejected, match="two names for the same"):
        recorded(q="actor:e-1", query="actor:e-2")


def test_the_query_is_what_the_activity_log_holds() -> None:
    """Before the answer, in the language in which it was asked."""
    activity = Kept()
    with client_of(CannedStore(NOTHING), activity) as client:
        answer = client.get("/api/v1/search", params={"q": "actor:e-1* time:2026-11-01"}).json()
    (kept,) = activity.activities
    assert (kept.action, kept.query) == ("search", "actor_id:e-1* time:2026-11-01")
    assert answer["query"] == kept.query


def test_a_relative_time_means_the_same_on_every_page() -> None:
    """Else rows at the edge would be in one page's time and not in the next one's."""
    question = {"q": "customer:acme time:>=-7d", "limit": 1}
    with client_of(SearchedStore(ROWS), Kept()) as client:
        first = client.get("/api/v1/search", params=question).json()
        second = client.get("/api/v1/search", params={**question, "after": first["next"]}).json()
    assert first["query"] == second["query"]
    assert Mark.read(second["next"]).asked_at == Mark.read(first["next"]).asked_at


@pytest.mark.parametrize("mark", ["nonsense", "W10=", "WzEsMiwzLDRd", "é", "[" * 5000])
def test_a_mark_that_is_none_of_ours_is_refused(mark: str) -> None:
    """It comes from the network."""
    with pytest.raises(QueryRejected, match="none of ours"):
        Mark.read(mark)


def test_a_mark_is_read_back() -> None:
    """To the microsecond: it decides where the next page begins."""
    mark = Mark(NOW + timedelta(microseconds=1), "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a", "/s'\"", NOW)
    assert Mark.read(mark.written()) == mark


def test_an_error_points_into_the_query() -> None:
    """A console underlines the characters, and offers the query as it was probably meant."""
    with client_of(CannedStore(NOTHING), Kept()) as client:
        answer = client.get("/api/v1/search", params={"q": "actor:e-1 verdct:pending"})
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        {
            "code": "query_rejected",
            "message": "there is no field 'verdct'",
            "hint": 'did you mean verdict? (for the text itself write "verdct:pending")',
            "begin": 10,
            "end": 16,
            "suggestion": "actor:e-1 verdict:pending",
        },
    )


def test_what_cannot_be_read_asks_nothing_of_the_store() -> None:
    """Neither a broken query nor one of ten megabytes gets further than the parser."""
    store = CannedStore(NOTHING)
    with client_of(store, Kept()) as client:
        assert client.get("/api/v1/search", params={"q": "x" * 60_000}).status_code == 400
        # httpx itself sends no address of that length.
        connection = HTTPConnection(client.base_url.host, client.base_url.port or 0, timeout=SOON_S)
        try:
            connection.request(
                "GET", f"/api/v1/search?q={'x' * 10_000_000}", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            assert connection.getresponse().status == 400
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has hung up before it heard all of it
        finally:
            connection.close()
        assert store.asked == []
        assert client.get("/api/v1/search").status_code == 200
    assert store.asked


def test_completions_are_offered_and_not_recorded() -> None:
    """They are asked for at each key, and tell nothing of the trail."""
    activity, store = Kept(), CannedStore(NOTHING)
    with client_of(store, activity) as client:
        answer = client.get("/api/v1/search/completions", params={"q": "actor:e-1 verdict:un", "cursor": 20})
        at_the_end = client.get("/api/v1/search/completions", params={"q": "ver"}).json()
    assert answer.json() == {"begin": 18, "end": 20, "candidates": [{"text": "unjustified", "meaning": ""}]}
    assert at_the_end["candidates"][0]["text"] == "verdict:"
    assert (activity.activities, store.asked) == ([], [])


def test_counts_by_fields_are_recorded_with_the_customers_that_they_name() -> None:
    """A list of customers is a reading of each of them."""
    activity = Kept()
    counted = Answer((), (), [("customer_id", "acme", 7, 2), ("customer_id", "globex", 1, 2)])
    with client_of(FacetStore(counted), activity) as client:
        answer = client.get(
            "/api/v1/search/facets", params={"q": "org:v time:2026-11-01", "fields": "customer,late"}
        )
    assert answer.json() == {
        "total": 8,
        "facets": [
            {
                "field": "customer_id",
                "distinct": 2,
                "values": [{"value": "acme", "accesses": 7}, {"value": "globex", "accesses": 1}],
            },
            {"field": "late", "distinct": 0, "values": []},
        ],
        "query": "organization:v time:2026-11-01",
        "since": "2026-11-01T00:00:00.000000Z",
        "until": "2026-11-02T00:00:00.000000Z",
    }
    (kept,) = activity.activities
    assert (kept.action, kept.query) == (
        "search.facets",
        "organization:v time:2026-11-01 --fields customer_id,late",
    )
    assert (kept.customer_ids, kept.row_count) == (("acme", "globex"), 8)


class FacetStore(CannedStore):
    """Counts eight accesses in all, and answers alike when asked for values."""

    def ask(self, sql: str, *arguments: Any, **options: Any) -> Answer:
        if sql.startswith("SELECT sum(n)"):
            return Answer((), (), [(8,)])
        return super().ask(sql, *arguments, **options)


def test_a_histogram_without_an_end_ends_now() -> None:
    """By default the last day, an hour or less a bar; the query that was counted says so."""
    activity = Kept()
    with client_of(CannedStore(Answer((), (), [(0, "justified", 3), (1, "pending", 1)])), activity) as client:
        answer = client.get("/api/v1/search/histogram", params={"q": "actor:e-1", "bars": 50}).json()
    first = answer["bars"][0]
    assert (answer["total"], first["accesses"], first["verdicts"]) == (4, 3, {"justified": 3})
    assert first["begin"] <= answer["since"] < first["end"]
    assert answer["bars"][-1]["begin"] < answer["until"]
    assert len(answer["bars"]) <= 50
    (kept,) = activity.activities
    assert (kept.action, kept.query, kept.row_count) == ("search.histogram", answer["query"], 4)
    assert " time:<=" in kept.query


@pytest.mark.parametrize(
    "asked",
    [
        "facets?limit=0",
        "facets?limit=101",
        "facets?fields=id",
        "facets?fields=",
        "histogram?bars=1",
        "histogram?bars=501",
        "histogram?q=time:<2026-11-01",
        "facets?q=actr:e-1",
    ],
)
def test_counts_have_limits_too(asked: str) -> None:
    """Each is refused with what is possible, before anything is asked."""
    store = CannedStore(NOTHING)
    with client_of(store, Kept()) as client:
        answer = client.get(f"/api/v1/search/{asked}")
    assert (answer.status_code, store.asked) == (400, [])
    assert answer.json()["error"]["hint"]
