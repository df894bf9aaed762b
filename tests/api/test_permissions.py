"""Which role may do what: said of every route, kept at every route."""

import itertools

import httpx
import pytest
from fastapi.routing import APIRoute

from earwitness.api import health, metrics
from earwitness.api.app import PAGE_ROUTERS, ROUTERS, create_app
from earwitness.api.gate import OPEN_PATHS
from earwitness.api.permissions import MAY, NEEDS, OF_EVERYTHING, Caller, Need, named
from earwitness.api.refusals import PER_MINUTE
from models.errors import SinkUnavailable
from models.tokens import ROLES, Role, Scope
from tests.api.serving import NOTHING, CannedStore, Kept, Purse, a_token, client_of, serving, sources
from tests.streams.records import an_event

SECRET = "ew_of-a-test"
FILLED = {
    "identifier": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
    "kind": "customer",
    "subject:path": "acme",
    "identifier:path": "acme",
    "ref:path": "ticket:T-1",
    "topic": "access.events.v1",
    "partition": "0",
    "offset": "0",
    "name": "zendesk",
}
BODIES = {
    "POST /sql": {"query": "SELECT 1"},
    "POST /dead-letters/replays": {"positions": []},
    "POST /registers/{name}/heartbeat": {"kinds": ["complaint"], "every_s": 60},
    "POST /tokens": {"name": "bob", "role": "reader"},
    "PUT /searches/{name}": {"query": "actor:e-1"},
    "POST /judge": an_event(1),
    "POST /alerts/{identifier}/assignment": {"assignee": "bea"},
    "POST /alerts/{identifier}/notes": {"text": "asked"},
    "POST /alerts/{identifier}/closure": {"outcome": "false", "note": "a test"},
    "POST /alerts/{identifier}/reopening": {"note": "it goes on"},
    "POST /silences": {"rule": "bulk-access", "reason": "a migration", "expires": "1h"},
}
CLOSED = sorted(route for route, need in NEEDS.items() if need is not Need.OPEN)


def test_every_route_says_what_it_needs() -> None:
    """A route that was forgotten would be the way around roles; and none is named that is not there."""
    routers = (*ROUTERS, *PAGE_ROUTERS, metrics.router, health.router)
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    found = {named(method, route.path) for route in routes for method in route.methods}
    assert found | {"GET /healthz"} == set(NEEDS)


def test_only_what_proves_itself_or_tells_nothing_is_open() -> None:
    """The gate lets these through without a token."""
    opened = {route for route, need in NEEDS.items() if need is Need.OPEN}
    proven = {"POST /webhooks/{register}", "GET /statements/{token}", "POST /statements/{token}"}
    assert opened == {named("GET", path) for path in OPEN_PATHS} | proven


def test_a_route_that_nobody_declared_is_refused_to_the_admin_too() -> None:
    """Until somebody has thought about it."""
    app = create_app(sources(CannedStore(NOTHING), Kept()), token="t", largest_page=1)
    app.add_api_route("/api/v1/new", lambda: "seen", methods=["GET"])
    with serving(app) as url:
        answer = httpx.get(f"{url}/api/v1/new", headers={"Authorization": "Bearer t"}, trust_env=False)
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", CLOSED)
def test_a_role_is_let_into_the_routes_it_may_and_into_no_other(route: str, role: Role) -> None:
    """403 says what is needed; and nothing was asked of the store, nor said to be read."""
    method, path = route.split(" ")
    for name, value in FILLED.items():
        path = path.replace(f"{{{name}}}", value)
    store, activity = CannedStore(NOTHING), Kept()
    purse = Purse(a_token(SECRET, role=role))
    where = path if path == "/metrics" else f"/api/v1{path}"
    with client_of(store, activity, SECRET, purse=purse) as client:
        answer = client.request(method, where, json=BODIES.get(route))
    if NEEDS[route] in MAY[role]:
        assert answer.status_code in (200, 201, 404), answer.text
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert "admin" in answer.json()["error"]["message"]
        assert store.asked == []
        assert [done.action for done in activity.activities] == ["refused"]
        assert activity.activities[0].query.startswith(f"{method} {where}")


def test_who_goes_on_asking_what_they_may_not_fills_no_table() -> None:
    """Somebody tried, and it is on record; a thousand times says no more than thirty."""
    activity, purse = Kept(), Purse(a_token(SECRET, role="reader"))
    with client_of(CannedStore(NOTHING), activity, SECRET, purse=purse) as client:
        codes = {client.get("/api/v1/activity").status_code for _ in range(4 * PER_MINUTE)}
    assert codes == {403}
    assert PER_MINUTE <= len(activity.activities) < 3 * PER_MINUTE


def test_each_role_may_what_the_one_before_may() -> None:
    """So that "more" has one meaning. Only of alerts, who audits how they were decided decides none."""
    for lower, higher in itertools.pairwise(ROLES):
        assert MAY[lower] - {Need.HANDLE} < MAY[higher]
    assert [role for role in ROLES if Need.HANDLE in MAY[role]] == ["investigator", "admin"]
    assert MAY["admin"] == frozenset(Need)


@pytest.mark.parametrize("need", sorted(OF_EVERYTHING))
def test_what_has_no_customer_is_not_for_a_scope(need: Need) -> None:
    """Whatever its role."""
    assert not Caller("ann", "admin", Scope(("acme",)), "u").may(need)
    assert Caller("ann", "admin").may(need)


def test_a_scope_that_cannot_be_kept_is_not_answered() -> None:
    """Without its own stores, the API would answer it from everything."""
    purse = Purse(a_token(SECRET, scope=Scope(("acme",)), scope_user="earwitness_scope_01"))
    with client_of(CannedStore(NOTHING), Kept(), SECRET, purse=purse) as client:
        assert client.get("/api/v1/search").status_code == 503


def test_where_tokens_cannot_be_looked_up_nobody_but_the_first_admin_is_let_in() -> None:
    """A store that is down must not make a revoked token good."""
    purse = Purse(a_token(SECRET), failure=SinkUnavailable("down"))
    with client_of(CannedStore(NOTHING), Kept(), SECRET, purse=purse) as client:
        assert client.get("/api/v1/search").status_code == 503
    with client_of(CannedStore(NOTHING), Kept(), purse=purse) as client:
        assert client.get("/api/v1/search").status_code == 200


def test_tokens_are_looked_up_seldom() -> None:
    """Not once a request."""
    purse = Purse(a_token(SECRET))
    with client_of(CannedStore(NOTHING), Kept(), SECRET, purse=purse) as client:
        assert {client.get("/api/v1/search").status_code for _ in range(5)} == {200}
    assert purse.looks == 1


@pytest.mark.parametrize(
    ("action", "path", "body"),
    [
        ("tokens.create", "/tokens", {"name": "bob", "role": "admin"}),
        ("tokens.revoke", "/tokens/ann/revocation", {}),
    ],
)
def test_a_token_that_cannot_be_recorded_does_not_change_hands(
    action: str, path: str, body: dict[str, str]
) -> None:
    """Neither made nor ended: the record comes first."""
    purse = Purse(a_token(SECRET))
    failing = Kept(SinkUnavailable("the activity log was not written within 15 s"))
    with client_of(CannedStore(NOTHING), failing, purse=purse) as client:
        assert client.post(f"/api/v1{path}", json=body).status_code == 503, action
    assert [(token.name, token.revoked_at) for token in purse.kept] == [("ann", None)]
