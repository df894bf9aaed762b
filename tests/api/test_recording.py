import re
from datetime import UTC, datetime

import httpx
import pytest

from earwitness.api.app import create_app
from earwitness.api.gate import OPEN_PATHS
from earwitness.api.judging import EXAMPLE
from earwitness.query.store import Answer
from models.errors import QueryRejected, SinkUnavailable
from sinks.clickhouse.activity import MOST_CUSTOMERS
from tests.api.serving import NOTHING, TOKEN, CannedStore, Kept, client_of, serving, sources

UNKNOWN_ID = "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"
CANNOT_WRITE = SinkUnavailable("the activity log was not written within 15 s")
READINGS = [
    ("GET", "/api/v1/search", None, "search"),
    ("GET", "/api/v1/search/facets", None, "search.facets"),
    ("GET", "/api/v1/search/histogram", None, "search.histogram"),
    ("GET", f"/api/v1/accesses/{UNKNOWN_ID}", None, "show"),
    ("GET", f"/api/v1/accesses/{UNKNOWN_ID}/explanation", None, "explain"),
    ("GET", "/api/v1/reports/customer/acme", None, "report.customer"),
    ("GET", "/api/v1/activity", None, "activity"),
    ("GET", "/api/v1/reports/vendor/smsco", None, "report.vendor"),
    ("GET", "/api/v1/reports/clause/related-company", None, "report.clause"),
    ("GET", "/api/v1/pages/actor/e-1", None, "page.actor"),
    ("GET", "/api/v1/pages/customer/acme", None, "page.customer"),
    ("GET", "/api/v1/pages/resource/rec-1", None, "page.resource"),
    ("GET", "/api/v1/pages/evidence/ticket:TCK-1", None, "page.evidence"),
    ("POST", "/api/v1/sql", {"query": "SELECT 1"}, "sql"),
    ("GET", "/api/v1/evidence", None, "evidence.list"),
    ("GET", "/api/v1/evidence/ticket:TCK-1", None, "evidence.get"),
    ("GET", "/api/v1/dead-letters", None, "dead-letters.list"),
    ("GET", "/api/v1/dead-letters/access.events.v1/0/0", None, "dead-letters.show"),
    ("POST", "/api/v1/dead-letters/replays", {"positions": []}, "dead-letters.replay"),
    ("GET", "/api/v1/searches", None, "searches.list"),
    ("GET", "/api/v1/searches/mine", None, "searches.show"),
    ("POST", "/api/v1/judge", EXAMPLE, "judge"),
    ("GET", "/api/v1/alerts", None, "alerts.list"),
    ("GET", f"/api/v1/alerts/{UNKNOWN_ID}", None, "alerts.show"),
    ("GET", f"/api/v1/alerts/{UNKNOWN_ID}/members", None, "alerts.members"),
    ("GET", "/api/v1/silences", None, "silences.list"),
]
CHANGES = [
    ("PUT", "/api/v1/searches/mine", {"query": "actor:e-1"}, "searches.save"),
    ("DELETE", "/api/v1/searches/mine", None, "searches.delete"),
]

NO_READINGS = {
    ("get", "/api/v1/registers"),
    ("get", "/api/v1/search/completions"),
    ("post", "/api/v1/registers/{name}/heartbeat"),
    ("post", "/api/v1/registers/{name}/retirement"),
}
"""They tell nothing of an access. Monitors ask and registers beat each minute, which would bury the rest."""

OF_TOKENS = {
    ("get", "/api/v1/tokens"),
    ("post", "/api/v1/tokens"),
    ("post", "/api/v1/tokens/{name}/revocation"),
}
"""tests/api/test_tokens.py shows that they record."""


OF_ALERTS = {
    ("post", "/api/v1/alerts/{identifier}/acknowledgement"),
    ("post", "/api/v1/alerts/{identifier}/assignment"),
    ("post", "/api/v1/alerts/{identifier}/notes"),
    ("post", "/api/v1/alerts/{identifier}/closure"),
    ("post", "/api/v1/alerts/{identifier}/reopening"),
    ("post", "/api/v1/silences"),
    ("delete", "/api/v1/silences/{identifier}"),
}
"""tests/api/test_alerts.py shows that they record, on alerts that there are."""

STREAMED = {("get", "/api/v1/exports")}
"""They are recorded twice, when they begin and when they end: tests/api/test_exports.py."""


@pytest.mark.parametrize(("method", "path", "body", "action"), READINGS)
def test_each_reading_is_recorded(
    method: str, path: str, body: dict[str, object] | None, action: str
) -> None:
    """That there is nothing of that name is an answer as well."""
    activity = Kept()
    with client_of(CannedStore(NOTHING), activity) as client:
        answer = client.request(method, path, json=body)
    assert answer.status_code in (200, 404)
    (kept,) = activity.activities
    assert (kept.action, kept.principal, kept.surface, kept.row_count) == (action, "api-token", "api", 0)


@pytest.mark.parametrize(("method", "path", "body", "action"), READINGS)
def test_what_cannot_be_recorded_is_not_answered(
    method: str, path: str, body: dict[str, object] | None, action: str
) -> None:
    """Otherwise breaking the activity log would be the way to read unseen."""
    answer_with_data = Answer(("customer_id",), ("String",), ())
    with client_of(CannedStore(answer_with_data), Kept(CANNOT_WRITE)) as client:
        answer = client.request(method, path, json=body)
    assert answer.status_code == 503, action
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(("method", "path", "body", "action"), CHANGES)
def test_a_change_that_cannot_be_recorded_is_not_made(
    method: str, path: str, body: dict[str, object] | None, action: str
) -> None:
    """It is recorded first, and then made: nobody changes unseen what others ask."""
    saved = Answer((), (), (("mine", "actor_id:e-2", datetime(2026, 1, 1, tzinfo=UTC), "api-token"),))
    made: list[str] = []
    for activity, status, changes in ((Kept(), 200, 1), (Kept(CANNOT_WRITE), 503, 0)):
        made.clear()
        there = sources(CannedStore(saved), activity)._replace(keep_search=lambda *of: made.append(of[0]))
        app = create_app(there, token=TOKEN, largest_page=10)
        with serving(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answer = client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, len(made)) == (status, changes)
        assert [kept.action for kept in activity.activities] == [action] * changes


def test_the_readings_above_are_all_there_are() -> None:
    """Whoever adds a route adds it to the list, and so shows that it records. A webhook reads nothing."""
    app = create_app(sources(CannedStore(NOTHING), Kept()), token="t", largest_page=1)
    paths = {path: of for path, of in app.openapi()["paths"].items() if "/webhooks/" not in path}
    routes = {
        (method, path) for path, methods in paths.items() for method in methods if path not in OPEN_PATHS
    }
    elsewhere = NO_READINGS | OF_TOKENS | OF_ALERTS | STREAMED
    assert routes >= elsewhere
    listed = (*READINGS, *CHANGES)
    asked = {route for route in routes if any(_is_of(route, method, path) for method, path, _, _ in listed)}
    assert asked == routes - elsewhere


def _is_of(route: tuple[str, str], method: str, path: str) -> bool:
    return route[0] == method.lower() and re.fullmatch(re.sub(r"{\w+}", ".+", route[1]), path) is not None


def test_the_record_names_what_was_asked_and_the_customers_that_were_seen() -> None:
    """At most a hundred of them; the number of rows says if there were more."""
    many = [(f"c-{number}",) for number in range(MOST_CUSTOMERS + 50)]
    activity = Kept()
    with client_of(CannedStore(Answer(("customer_id",), ("String",), many)), activity) as client:
        client.headers["User-Agent"] = "earwitness-cli/1"
        client.post("/api/v1/sql", json={"query": "SELECT customer_id FROM trail"})
    (kept,) = activity.activities
    assert (kept.surface, kept.query) == ("cli", "SELECT customer_id FROM trail")
    assert (len(kept.customer_ids), kept.row_count) == (MOST_CUSTOMERS, MOST_CUSTOMERS + 50)


def test_a_relative_time_is_recorded_as_the_instant_it_meant() -> None:
    """Next year, "24h" says nothing of what was read."""
    activity = Kept()
    with client_of(CannedStore(NOTHING), activity) as client:
        since = client.get("/api/v1/search?query=actor:e-1&since=7d").json()["since"]
    assert activity.activities[0].query == f"actor_id:e-1 time:>={since}"


def test_a_statement_that_clickhouse_refuses_is_recorded_too() -> None:
    """Its error can tell something of the data (throwIf, a failed cast), so it is a reading."""
    activity = Kept()
    with client_of(CannedStore(QueryRejected("ClickHouse refused")), activity) as client:
        answer = client.post("/api/v1/sql", json={"query": "SELECT throwIf(count() > 5) FROM trail"})
    assert answer.status_code == 400
    assert [(kept.action, kept.row_count) for kept in activity.activities] == [("sql", None)]
