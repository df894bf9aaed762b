"""What is too much: each limit, its answer, and what it tells the caller to do."""

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from earwitness.api.app import create_app
from earwitness.api.limits import LARGEST_HEAD_BYTES, LARGEST_URL_BYTES, Limits
from earwitness.cli import api as command
from earwitness.cli import api_server
from earwitness.policy import PolicySet
from earwitness.query.clickhouse import MOST_CONNECTIONS
from earwitness.query.conditions import Parameter
from earwitness.query.language.limits import LONGEST_QUERY
from earwitness.query.store import Answer
from earwitness.settings import ApiSettings
from tests.api.serving import NOTHING, TOKEN, CannedStore, Kept, serving, sources
from tests.api.test_gate import error_of
from tests.api.world import World
from tests.conftest import Stack

SENT_AT_ONCE = 65_536
MEGABYTES_10 = 10_000_000


@contextmanager
def limited(limits: Limits, store: CannedStore) -> Iterator[httpx.Client]:
    app = create_app(sources(store, Kept()), token=TOKEN, largest_page=1_000, limits=limits)
    with serving(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


@pytest.mark.parametrize("q", ["time:>=-30d", "time:<2026-01-01", "time:2026-01-01..2026-01-20"])
@pytest.mark.parametrize("path", ["search", "search/facets", "search/histogram"])
def test_a_question_about_too_much_time_is_told_where_to_begin(q: str, path: str) -> None:
    """An operator of billions of accesses may set it; before ClickHouse is asked anything."""
    store = CannedStore(NOTHING)
    with limited(Limits(longest_range=timedelta(days=7)), store) as client:
        answer = client.get(f"/api/v1/{path}", params={"q": q})
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (422, "range_too_long")
    assert "at most 7 days" in error["message"]
    assert error["hint"].startswith("begin at 20")
    assert store.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "exports?since=-30d",
        "reports/vendor/org-1?since=-30d",
        "reports/clause/own-use?since=-30d",
        "pages/actor/e-1?since=-30d",
    ],
)
def test_exports_reports_and_pages_are_about_no_more_time_than_a_search(path: str) -> None:
    """An export is the longest question there is."""
    with limited(Limits(longest_range=timedelta(days=7)), CannedStore(NOTHING)) as client:
        answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, error_of(answer)["code"]) == (422, "range_too_long")


def test_a_page_that_names_no_begin_goes_back_as_far_as_it_may() -> None:
    """It is refused nothing that it did not ask for."""
    now = datetime(2026, 3, 8, tzinfo=UTC)
    limits = Limits(longest_range=timedelta(days=7))
    assert limits.begin(None, None, now) == datetime(2026, 3, 1, tzinfo=UTC)
    assert Limits().begin(None, None, now) is None


@pytest.mark.parametrize("q", ["", "time:>=-7d", "time:2026-01-01..2026-01-07"])
def test_a_question_about_as_much_time_as_may_be_is_answered(q: str) -> None:
    """The whole of it, to the day."""
    with limited(Limits(longest_range=timedelta(days=7)), CannedStore(NOTHING)) as client:
        assert client.get("/api/v1/search", params={"q": q}).status_code == 200


class SlowStore(CannedStore):
    """Answers once it is told to."""

    def __init__(self) -> None:
        super().__init__(NOTHING)
        self.go_on = threading.Event()
        self.under_way = threading.Semaphore(0)

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Answer:
        self.under_way.release()
        assert self.go_on.wait(30)
        return NOTHING


def test_too_many_at_once_are_told_to_come_back() -> None:
    """At once, not after a wait; health is told all the same, and those under way are answered."""
    store = SlowStore()
    with limited(Limits(most_requests=2), store) as client, ThreadPoolExecutor(2) as pool:
        under_way = [pool.submit(client.get, "/api/v1/search") for _ in range(2)]
        for _ in under_way:
            assert store.under_way.acquire(timeout=10)
        answer = client.get("/api/v1/search")
        alive = client.get("/livez")
        store.go_on.set()
        assert [each.result().status_code for each in under_way] == [200, 200]
        assert client.get("/api/v1/search").status_code == 200
    assert (answer.status_code, error_of(answer)["code"]) == (503, "busy")
    assert (answer.headers["retry-after"], alive.status_code) == ("1", 200)


@pytest.mark.stack
def test_a_long_address_is_refused_in_the_one_shape_of_an_error(stack: Stack) -> None:
    """What is too long to be a question, and short enough to be read."""
    answer = raw(stack, "GET /api/v1/search?q=FILLER HTTP/1.1", LARGEST_URL_BYTES + SENT_AT_ONCE // 8)
    assert answer.startswith(b"HTTP/1.1 414 ")
    assert b'{"error":{"code":"too_large"' in answer


@pytest.mark.stack
def test_the_longest_query_gets_through(stack: Stack) -> None:
    """Each of its characters may be twelve bytes of the address."""
    emoji = "\N{TELEPHONE RECEIVER}" * 256
    query = " OR ".join(f"actor:{emoji}" for _ in range(30))
    assert LONGEST_QUERY - 300 < len(query) <= LONGEST_QUERY
    answer = raw(stack, f"GET /api/v1/search?q={quote(query)} HTTP/1.1", 0)
    assert answer.startswith(b"HTTP/1.1 200 ")


@contextmanager
def of(stack: Stack) -> Iterator[httpx.Client]:
    api = stack.settings("api").api
    with httpx.Client(base_url=str(api.url), trust_env=False, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {api.token.get_secret_value()}"
        yield client


def raw(stack: Stack, head: str, filler: int) -> bytes:
    """Send a request as nobody's library would, all of it before reading, and give what comes back."""
    url = httpx.URL(str(stack.settings("api").api.url))
    token = stack.settings("api").api.token.get_secret_value()
    with socket.create_connection((url.host, url.port or 80), timeout=20) as sending:
        begin, _, end = head.partition("FILLER")
        sending.sendall(begin.encode())
        for sent in range(0, filler, SENT_AT_ONCE):
            sending.sendall(b"a" * min(SENT_AT_ONCE, filler - sent))
        sending.sendall(
            f"{end}\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        answer = b""
        while part := sending.recv(65_536):
            answer += part
    return answer


@pytest.mark.stack
def test_a_query_of_ten_megabytes_is_refused_and_the_client_learns_why(stack: Stack) -> None:
    """Even one who sends it all before it listens."""
    answer = raw(stack, "GET /api/v1/search?q=FILLER HTTP/1.1", MEGABYTES_10)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert f"larger than {LARGEST_HEAD_BYTES} bytes".encode() in answer
    assert b'{"error": {"code": "too_large"' in answer


@pytest.mark.stack
def test_what_is_no_http_is_answered_in_the_one_shape_as_well(stack: Stack) -> None:
    """A program that reads JSON alone reads this."""
    answer = raw(stack, "NONSENSE", 0)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error": {"code": "invalid_request"' in answer


@pytest.mark.stack
def test_a_body_of_ten_megabytes_is_refused(stack: Stack) -> None:
    """And not kept in memory before that is known."""
    with of(stack) as client:
        answer = client.post("/api/v1/sql", json={"query": "x" * MEGABYTES_10})
    assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")


@pytest.fixture
def hasty(stack: Stack) -> Iterator[httpx.Client]:
    """The API on the real ClickHouse, whose questions may run for one second."""
    given = stack.settings("api")
    settings = given.model_copy(update={"api": given.api.model_copy(update={"query_timeout_s": 1})})
    stores = command.Stores(settings)
    app = create_app(stores.sources(lambda: PolicySet([])), token=TOKEN, largest_page=1_000)
    with serving(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client
    stores.close()


@pytest.mark.stack
def test_a_question_that_takes_too_long_is_to_be_narrowed(hasty: httpx.Client, world: World) -> None:
    """Not 504: what stands between would ask it again, and it would take as long."""
    began_s = time.monotonic()
    long = "SELECT sum(sleepEachRow(0.9)) FROM (SELECT arrayJoin(range(9)) FROM trail LIMIT 20)"
    answer = hasty.post("/api/v1/sql", json={"query": long})
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (422, "too_slow"), error
    assert error["hint"].startswith("narrow it")
    assert time.monotonic() - began_s < 20


@pytest.mark.stack
def test_an_answer_that_needs_too_much_memory_is_to_be_narrowed(hasty: httpx.Client, world: World) -> None:
    """It is refused by ClickHouse, before it is sent here."""
    large = "SELECT groupArray(repeat('x', 1000000)) FROM (SELECT arrayJoin(range(9000)) FROM trail)"
    answer = hasty.post("/api/v1/sql", json={"query": large})
    error = error_of(answer)
    assert (answer.status_code, error["code"]) in {(422, "answer_too_large"), (422, "too_slow")}, error


@pytest.mark.stack
def test_readers_who_take_nothing_hold_nobody_up(stack: Stack, world: World) -> None:
    """More of them than there are connections to ClickHouse: each answer was finished before it was sent."""
    url = httpx.URL(str(stack.settings("api").api.url))
    token = stack.settings("api").api.token.get_secret_value()
    statement = (
        b'{"query": "SELECT repeat(\'x\', 1000000) FROM (SELECT arrayJoin(range(9)) FROM trail LIMIT 9)"}'
    )
    head = f"POST /api/v1/sql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(statement)}\r\n\r\n"
    slow = [socket.create_connection((url.host, url.port or 80)) for _ in range(MOST_CONNECTIONS + 4)]
    try:
        for each in slow:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            each.sendall(head.encode() + statement)
        for each in slow:
            each.settimeout(30)
            assert each.recv(12) == b"HTTP/1.1 200"
        began_s = time.monotonic()
        with of(stack) as client:
            found = client.get("/api/v1/search", params={"q": f"customer:{world.customer_id}"})
        assert (found.status_code, len(found.json()["rows"])) == (200, 3)
        assert time.monotonic() - began_s < 5
    finally:
        for each in slow:
            each.close()


def test_a_reader_who_takes_nothing_for_too_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system ends the connection: its answer would lie in our memory for as long as the reader likes."""
    monkeypatch.setattr(api_server, "SLOWEST_READER_S", 1)
    listening = api_server.listen(ApiSettings(port=free_port()))
    address = listening.getsockname()
    with listening, socket.create_connection(address) as reader:
        accepted, _ = listening.accept()
        with accepted:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            accepted.settimeout(20)
            with pytest.raises(OSError, match=os.strerror(errno.ETIMEDOUT)):
                accepted.sendall(b"x" * MEGABYTES_10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
