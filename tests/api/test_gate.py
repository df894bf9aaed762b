import httpx
import pytest

from earwitness.api.app import create_app
from earwitness.api.gate import LARGEST_BODY_BYTES
from models.errors import ConfigurationError, SinkUnavailable
from tests.api.serving import NOTHING, CannedStore, Kept, client_of, sources

DOWN = SinkUnavailable("ClickHouse 127.0.0.1:9000 did not answer: refused", retry_after_s=1.5)


def error_of(answer: httpx.Response) -> dict[str, str]:
    """Read an error, which has this shape and no other key, unless it points into a query."""
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) - {"begin", "end", "suggestion"} == {"code", "message", "hint"}
    return dict(body["error"])


@pytest.mark.parametrize("token", [None, "wrong", "a-token-of-a-tes", "a-token-of-a-test2"])
@pytest.mark.parametrize(
    "path", ["/api/v1/search", "/api/v1/nowhere", "/docs", "/openapi.json", "/", "/metrics"]
)
def test_without_the_token_there_is_nothing_to_see_anywhere(token: str | None, path: str) -> None:
    """Not even which paths exist. Nothing was read, so nothing was asked of the store."""
    store, activity = CannedStore(NOTHING), Kept()
    with client_of(store, activity, token) as client:
        answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert error_of(answer)["code"] == "unauthorized"
    assert (store.asked, activity.activities) == ([], [])


@pytest.mark.parametrize("authorization", [b"Basic a-token-of-a-test", b"a-token-of-a-test", b"Bearer \xff"])
def test_only_a_bearer_token_counts(authorization: bytes) -> None:
    """The comparison covers the scheme too, and takes any bytes."""
    with client_of(CannedStore(NOTHING), Kept(), token=None) as client:
        answer = client.get("/api/v1/search", headers=[(b"authorization", authorization)])
    assert answer.status_code == 401


def test_an_api_without_a_token_does_not_start() -> None:
    """An empty token would let everyone in."""
    with pytest.raises(ConfigurationError, match="EARWITNESS_API__TOKEN"):
        create_app(sources(CannedStore(NOTHING), Kept()), token="", largest_page=10)


def test_whoever_watches_the_api_needs_no_token_and_learns_one_bit() -> None:
    """A supervisor or an orchestrator asks it."""
    with client_of(CannedStore(NOTHING), Kept(), token=None) as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True})


def test_an_api_that_cannot_ask_clickhouse_is_not_ready() -> None:
    """A ready API that answers 503 to everything would be a lie."""
    with client_of(CannedStore(DOWN), Kept()) as client:
        answer = client.get("/api/v1/healthz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False})


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("DELETE", "/api/v1/search", 405, "method_not_allowed"),
        ("GET", "/api/v1/search?limit=many", 400, "invalid_request"),
        ("GET", "/api/v1/search?limit=0", 400, "query_rejected"),
        ("GET", "/api/v1/search?limit=1001", 400, "query_rejected"),
        ("GET", "/api/v1/search?sinse=7d", 400, "invalid_request"),
        ("GET", "/api/v1/search?since=tomorrow", 400, "query_rejected"),
        ("GET", "/api/v1/search?query=actr:e-1", 400, "query_rejected"),
        ("GET", "/api/v1/search?after=nonsense", 400, "query_rejected"),
        ("GET", "/api/v1/accesses/123", 400, "query_rejected"),
        ("GET", "/api/v1/evidence?kind=rumour", 400, "invalid_request"),
        ("GET", "/api/v1/dead-letters?reason=ugly", 400, "query_rejected"),
        ("GET", "/api/v1/dead-letters/a/b/c", 400, "query_rejected"),
        ("POST", "/api/v1/sql", 400, "invalid_request"),
    ],
)
def test_every_error_has_one_shape(method: str, path: str, status: int, code: str) -> None:
    """A program reads one shape, whoever noticed: the router, the validation, or we."""
    with client_of(CannedStore(NOTHING), Kept()) as client:
        answer = client.request(method, path)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)


def test_a_misspelt_parameter_is_named() -> None:
    """Ignored, it would widen the answer without a word."""
    with client_of(CannedStore(NOTHING), Kept()) as client:
        assert "there is no parameter sinse" in error_of(client.get("/api/v1/search?sinse=7d"))["message"]


def test_a_body_has_a_largest_size() -> None:
    """Loopback does not make a gigabyte welcome."""
    with client_of(CannedStore(NOTHING), Kept()) as client:
        answer = client.post("/api/v1/sql", json={"query": "x" * LARGEST_BODY_BYTES})
    assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")


def test_a_store_that_is_down_is_said_to_be() -> None:
    """503 names the address and says what to check; a client knows when to come back."""
    with client_of(CannedStore(DOWN), Kept()) as client:
        answer = client.get("/api/v1/search")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "127.0.0.1:9000" in error_of(answer)["message"]
    assert "earwitness status" in error_of(answer)["hint"]


def test_a_fault_of_ours_shows_nothing_of_the_inside() -> None:
    """The log has the stack trace; the answer has none."""
    with client_of(CannedStore(NOTHING._replace(rows=((1, 2),))), Kept()) as client:
        answer = client.get("/api/v1/search")
    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal")
    assert "Traceback" not in answer.text
