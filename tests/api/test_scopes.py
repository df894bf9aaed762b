"""What a scoped token is shown, through the API and the real ClickHouse, and what it cannot get at."""

import json
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from earwitness.api.withholding import WITHHELD
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from tests.api.holders import holder, http
from tests.api.world import World, encode, send, wait_for
from tests.conftest import Stack

pytestmark = pytest.mark.stack

UNKNOWN = "0190b5a2-7c1d-7e5f-8a3b-000000000000"


@pytest.fixture(scope="module")
def insider(stack: Stack, world: World) -> Iterator[httpx.Client]:
    """An auditor of the world's customer, the widest role that has a scope."""
    with holder(stack, "auditor", customers=[world.customer_id]) as client:
        yield client


@pytest.fixture(scope="module")
def outsider(stack: Stack) -> Iterator[httpx.Client]:
    """The same of another customer: whoever stole that token, too."""
    with holder(stack, "auditor", customers=["globex-of-nobody"]) as client:
        yield client


def ids(client: httpx.Client, query: str) -> set[str]:
    answer = client.get("/search", params={"q": query})
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()["rows"]}


def exported(client: httpx.Client) -> set[str]:
    answer = client.get("/exports", params={"format": "jsonl"})
    assert answer.status_code == 200, answer.text
    return {json.loads(line)["id"] for line in answer.text.splitlines()}


def test_within_its_scope_a_token_is_answered_as_without_one(insider: httpx.Client, world: World) -> None:
    """A scope leaves out, and does not change what is there."""
    engaged = world.engaged["id"]
    assert ids(insider, f"customer:{world.customer_id}") == {event["id"] for event in world.events}
    assert ids(insider, "verdict:justified") == {engaged}
    assert insider.get(f"/accesses/{engaged}").json()["accesses"][0]["verdict"] == "justified"
    assert insider.get(f"/reports/customer/{world.customer_id}").json()["total"] == len(world.events)
    assert insider.get("/search/facets", params={"fields": "verdict"}).json()["total"] == len(world.events)
    assert insider.get(f"/evidence/{world.contract}").status_code == 200
    assert insider.get(f"/pages/customer/{world.customer_id}").json()["total"] == len(world.events)
    assert exported(insider) == {event["id"] for event in world.events}
    explanation = insider.get(f"/accesses/{engaged}/explanation").json()["explanations"][0]
    assert (explanation["differences"], explanation["clause"]["id"]) == ([], "third-party.process-sms")


def test_what_lies_outside_is_not_there(outsider: httpx.Client, world: World) -> None:
    """Nor is it counted: a number tells as well."""
    assert ids(outsider, f"customer:{world.customer_id}") == set()
    assert outsider.get("/search/facets", params={"fields": "customer"}).json()["total"] == 0
    assert outsider.get("/search/histogram").json()["total"] == 0
    assert outsider.get(f"/reports/customer/{world.customer_id}").status_code == 403
    assert outsider.get("/evidence").json()["items"] == []
    assert outsider.get(f"/pages/customer/{world.customer_id}").json()["total"] == 0
    assert outsider.get(f"/pages/evidence/{world.contract}").json()["total"] == 0
    vendor = outsider.get(f"/reports/vendor/{world.organization}").json()
    assert (vendor["total"], vendor["scope"]) == (0, {"customers": ["globex-of-nobody"], "vendors": []})
    html = outsider.get(f"/reports/vendor/{world.organization}", params={"format": "html"}).text
    assert "only accesses of globex-of-nobody" in html
    assert set(outsider.get("/reports/vendor/smsco").json()["completeness"]) == {"complete", "through"}
    assert exported(outsider) == set()


@pytest.mark.parametrize("path", ["/accesses/{}", "/accesses/{}/explanation", "/evidence/{}"])
def test_a_guessed_id_of_another_scope_is_answered_as_an_unknown_one(
    outsider: httpx.Client, world: World, path: str
) -> None:
    """To say that it exists would be an answer."""
    there, unknown = (
        (world.contract, "contract:none") if "evidence" in path else (world.engaged["id"], UNKNOWN)
    )
    guessed, made_up = outsider.get(path.format(there)), outsider.get(path.format(unknown))
    assert (guessed.status_code, made_up.status_code) == (404, 404)
    assert guessed.text.replace(there, unknown) == made_up.text


def test_a_vendor_is_a_scope_as_well(stack: Stack, world: World) -> None:
    """Both named, an access must be within both."""
    mine = {event["id"] for event in world.events}
    with holder(stack, "reader", vendors=[world.organization]) as client:
        assert ids(client, "") == mine
    with holder(stack, "reader", vendors=[world.organization], customers=[world.customer_id]) as client:
        assert ids(client, "") == mine
    with holder(stack, "reader", vendors=[world.organization], customers=["globex"]) as client:
        assert ids(client, "") == set()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'earwitness', 'access_log')",
        "SELECT * FROM executable('ls', 'LineAsString')",
        "SELECT * FROM merge('earwitness', 'access_log|token_log')",
        "SELECT name FROM system.users",
        "SELECT query FROM system.processes",
        "SELECT * FROM system.row_policies",
        "SELECT * FROM access_log",
        "SELECT * FROM verdict_log",
        "SELECT * FROM evidence_log",
        "SELECT * FROM activity",
        "SELECT * FROM activity_log",
        "SELECT * FROM token_log",
        "SELECT * FROM scope_log",
        "SELECT * FROM dead_letters",
        "SELECT count() FROM trail SETTINGS max_execution_time = 1000",
        "SELECT count() FROM trail // '\n SETTINGS max_execution_time = 50 -- '",
        "SELECT \u2018'\u2019, count() FROM trail SETTINGS max_execution_time = 50 -- '",
        "SELECT file('/etc/hostname')",
        "SELECT `fi\\x6ce`('/etc/hostname')",
        "SELECT \"file\"/**/('/etc/hostname')",
        "SELECT * APPLY(file) FROM (SELECT '/etc/hostname' AS name)",
        "SELECT arrayMap(name -> file(name), ['/etc/hostname'])",
        "SELECT $$ ' $$, file('/etc/hostname') -- '",
        "SELECT 1 // '\n, file('/etc/hostname') -- '",
        "SELECT \u2018a\u2019, file('/etc/hostname')",
        "SELECT * FROM python('x')",
        "SELECT * FROM (SELECT 1), `pyt\\x68on`('x')",
    ],
)
def test_sql_of_a_scoped_token_reaches_its_views_alone(insider: httpx.Client, statement: str) -> None:
    """What it may not read is refused by ClickHouse, whatever we overlook."""
    answer = insider.post("/sql", json={"query": statement})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "query_rejected")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT COUNT(*), countIf(verdict = 'justified'), quantiles(0.5, 0.9)(item_count) FROM trail",
        "SELECT uniqExactIf(actor_id, 1), argMaxOrNull(id, time), sumArrayIf([1], 1) FROM trail",
        "SELECT * EXCEPT (id), COLUMNS('^i') APPLY toString FROM trail LIMIT 1 -- done",
        "SELECT rank() OVER (PARTITION BY actor_id ORDER BY time) FROM trail",
        "SELECT number FROM numbers(3) WHERE number IN (SELECT 1) AND EXISTS (SELECT 1)",
        "WITH file_names AS (SELECT 'file(' AS name) SELECT format('{}', name) FROM file_names;",
        "SELECT CAST('1' AS UInt8), INTERVAL 1 DAY, CASE WHEN 1 THEN 2 END, extract(YEAR FROM now()), [1][1]",
        "SELECT actor_id, grouping(actor_id) FROM trail GROUP BY GROUPING SETS ((actor_id), ())",
    ],
)
def test_sql_of_a_scoped_token_may_compute_whatever_it_likes(insider: httpx.Client, statement: str) -> None:
    """What is let through is what ClickHouse says it understood, so no way to write SQL is lost."""
    assert insider.post("/sql", json={"query": statement}).status_code == 200


def test_the_record_of_sql_names_the_customers_in_its_answer(
    stack: Stack, insider: httpx.Client, world: World
) -> None:
    """Under whatever name the statement shows them."""
    query = f"SELECT DISTINCT [customer_id] AS c, '{uuid4().hex}' FROM trail"  # noqa: S608 - ours
    assert insider.post("/sql", json={"query": query}).status_code == 200
    with http(stack) as admin:
        (recorded,) = (row for row in admin.get("/activity").json()["rows"] if row["query"] == query)
    assert recorded["customer_ids"] == [world.customer_id]


@pytest.mark.parametrize("view", ["trail", "accesses", "verdicts", "later_verdicts", "evidence"])
def test_sql_of_a_scoped_token_is_shown_no_row_of_another(
    insider: httpx.Client, outsider: httpx.Client, world: World, view: str
) -> None:
    """Row policies are part of every reading of a view."""
    count = {"query": f"SELECT count() FROM {view}"}  # noqa: S608 - names of ours
    seen = {"trail": 3, "accesses": 3, "verdicts": 3, "later_verdicts": 0, "evidence": 1}
    assert insider.post("/sql", json=count).json()["rows"] == [[seen[view]]]
    joined = {"query": f"SELECT count() FROM (SELECT 1 AS one) AS a CROSS JOIN {view} AS b"}  # noqa: S608 - names of ours
    assert outsider.post("/sql", json=joined).json()["rows"] == [[0]]
    assert outsider.post("/sql", json=count).json()["rows"] == [[0]]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT throwIf(customer_id = '{0}') FROM trail",
        "SELECT count() FROM trail WHERE intDiv(1, customer_id != '{0}') = 1",
        "SELECT count() FROM (SELECT * FROM trail UNION ALL SELECT * FROM trail) WHERE customer_id = '{0}'",
        "SELECT count() FROM viewExplain('EXPLAIN', '', (SELECT id FROM trail WHERE customer_id = '{0}'))",
        "SELECT count() FROM trail AS a JOIN accesses AS b ON a.id = b.id WHERE b.customer_id = '{0}'",
        "WITH x AS (SELECT id FROM accesses WHERE customer_id = '{0}') SELECT count() FROM x",
    ],
)
def test_no_statement_tells_whether_a_row_of_another_is_there(
    outsider: httpx.Client, world: World, statement: str
) -> None:
    """An error that depends on a hidden row would tell of it, so the answer is that about a made-up name."""
    real, made_up = (
        outsider.post("/sql", json={"query": statement.format(name)})
        for name in (world.customer_id, f"none-{uuid4().hex[:8]}")
    )
    assert real.status_code == made_up.status_code
    if real.status_code == 200 and "EXPLAIN" not in statement:
        assert real.json()["rows"] == made_up.json()["rows"]


def test_a_scope_user_is_shown_its_own_scope_alone(insider: httpx.Client, world: World) -> None:
    """Which customers others look after is theirs."""
    answer = insider.post("/sql", json={"query": "SELECT kind, value FROM scopes ORDER BY kind"})
    assert answer.json()["rows"] == [["customer", world.customer_id], ["every_vendor", ""]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/dead-letters"),
        ("GET", "/activity"),
        ("POST", "/dead-letters/replays"),
    ],
)
def test_what_belongs_to_no_customer_is_not_for_a_scoped_token(
    insider: httpx.Client, method: str, path: str
) -> None:
    """Dead letters and activity may be about anyone."""
    body = {"positions": []} if method == "POST" else None
    assert insider.request(method, path, json=body).status_code == 403


def test_the_same_role_and_scope_are_one_clickhouse_user(stack: Stack, world: World) -> None:
    """There are as many users as pairs of role and scope, not as tokens."""
    who = {"query": "SELECT currentUser()"}
    users = []
    for _ in range(2):
        with holder(stack, "auditor", customers=[world.customer_id]) as client:
            users.append(client.post("/sql", json=who).json()["rows"][0][0])
    assert users[0] == users[1]
    assert users[0].startswith("earwitness_scope_")


def test_an_explanation_does_not_name_the_other_customers_of_its_evidence(stack: Stack, world: World) -> None:
    """A real one, of a contract that another customer is in as well."""
    suffix = uuid4().hex[:8]
    mine, other, ref = f"mine-{suffix}", f"other-{suffix}", f"contract:mixed-{suffix}"
    # A vendor of its own: other tests count what the world's vendor did.
    vendor = {"organization": f"vendor-{suffix}", "actor_id": f"v-{suffix}"}
    ours = {"id": str(uuid4()), "evidence_ref": ref, "customer_id": mine, "producer": suffix}
    event = world.engaged | vendor | ours
    record = {
        "ref": ref,
        "kind": "engagement",
        "organization": vendor["organization"],
        "functions": ["process_sms"],
        "customer_ids": [mine, other],
        "valid_from": "2026-01-01T00:00:00Z",
    }
    send(stack, "register", EVIDENCE_RECORDS, [encode(record)])
    send(stack, "producer", ACCESS_EVENTS, [encode(event)])
    path = f"/accesses/{event['id']}/explanation"
    with http(stack) as admin, holder(stack, "reader", customers=[mine]) as client:
        wait_for(lambda: other in admin.get(path).text)
        shown = client.get(path)
    assert shown.status_code == 200
    assert other not in shown.text
    assert WITHHELD in shown.text
