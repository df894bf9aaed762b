"""The way to a real ClickHouse: what goes through unchanged, and what each failure is called."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.query import clickhouse
from earwitness.query.clickhouse import MOST_CONNECTIONS, Author, ClickHouseStore
from models.errors import QueryRejected, SinkUnavailable
from tests.conftest import Stack

pytestmark = pytest.mark.stack

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def a_store(
    stack: Stack, *, timeout_s: int = 10, author: Author = "program", port: int | None = None
) -> ClickHouseStore:
    address = stack.settings("api").clickhouse
    return ClickHouseStore(
        address.host,
        port or address.port,
        database=address.database,
        user=address.username,
        password=address.password.get_secret_value(),
        secure=False,
        query_timeout_s=timeout_s,
        author=author,
    )


@pytest.fixture(scope="module")
def store(stack: Stack) -> Iterator[ClickHouseStore]:
    opened = a_store(stack)
    yield opened
    opened.close()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_TEXT, st.lists(ANY_TEXT, max_size=5), st.integers(-(2**63), 2**63 - 1))
def test_every_value_arrives_as_it_was_given(
    store: ClickHouseStore, text: str, texts: list[str], number: int
) -> None:
    """No quote, backslash, brace or control character means anything on the way."""
    answer = store.ask(
        "SELECT {a:String}, {b:Array(String)}, {c:Int64}", {"a": text, "b": texts, "c": number}
    )
    assert answer.rows == [(text, texts, number)]


def test_a_question_that_runs_too_long_is_stopped(stack: Stack) -> None:
    """The person is told to narrow it; the connection goes on to serve."""
    store = a_store(stack, timeout_s=1)
    with pytest.raises(QueryRejected, match="ran longer than 1 s"):
        store.ask("SELECT sleepEachRow(0.5) FROM numbers(100)", limits={"max_block_size": 1})
    assert store.ask("SELECT 1").rows == [(1,)]
    store.close()


def test_a_question_has_more_than_one_thread(store: ClickHouseStore) -> None:
    """ClickHouse would give it one alone where the server has less than a GiB for each, as it does here."""
    plan = store.ask(
        "EXPLAIN PIPELINE SELECT sum(number) FROM numbers_mt(100000000)", limits={"max_threads": 2}
    )
    assert any("× 2" in line for (line,) in plan.rows)


def test_a_persons_mistake_is_theirs_to_mend(stack: Stack) -> None:
    """ClickHouse's own words, without the stack trace that follows them."""
    store = a_store(stack, author="person")
    with pytest.raises(QueryRejected, match="refused the statement") as caught:
        store.ask("SELECT nonsense FROM trail")
    assert "nonsense" in str(caught.value)
    assert "Stack trace" not in str(caught.value)
    store.close()


def test_a_mistake_of_ours_is_not_blamed_on_the_person(store: ClickHouseStore) -> None:
    """A missing migration or grant is a fault of the installation: 503, not 400."""
    with pytest.raises(SinkUnavailable, match="are the migrations applied"):
        store.ask("SELECT * FROM access_log")


def test_a_clickhouse_that_is_not_there_is_named(stack: Stack) -> None:
    """The address is what an operator looks at first."""
    store = a_store(stack, port=1)
    with pytest.raises(SinkUnavailable, match=r"ClickHouse 127\.0\.0\.1:1 did not answer"):
        store.ask("SELECT 1")
    store.close()


def test_questions_wait_for_a_connection_but_not_for_ever(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More at once than connections: the last one is told that the API is busy."""
    monkeypatch.setattr(clickhouse, "WAIT_FOR_CONNECTION_S", 0.2)
    store = a_store(stack)
    with ExitStack() as running:
        for _ in range(MOST_CONNECTIONS):
            running.enter_context(store._connection())
        with pytest.raises(SinkUnavailable, match="questions are already running"):
            store.ask("SELECT 1")
    assert store.ask("SELECT 1").rows == [(1,)]
    store.close()


def test_a_stream_may_be_longer_than_any_answer(store: ClickHouseStore) -> None:
    """An answer is bounded because all of it is held; of a stream only the rows on their way are."""
    long = "SELECT repeat(toString(number % 10), 2000) FROM numbers({count:UInt64})"
    asked, blocks = {"count": 200_000}, {"max_block_size": 1_000}
    with pytest.raises(QueryRejected, match="too large"):
        store.ask(long, asked, limits=blocks)
    assert sum(1 for _ in store.stream(long, asked, limits=blocks)) == 200_000


def test_a_stream_that_nobody_reads_on_gives_its_connection_back(stack: Stack) -> None:
    """Its rest is not read into the next question."""
    store = a_store(stack)
    for number in range(MOST_CONNECTIONS + 1):
        rows = store.stream("SELECT number FROM numbers(1000000)", limits={"max_block_size": 100})
        assert next(rows) == (0,)
        del rows
        assert store.ask("SELECT {number:Int64}", {"number": number}).rows == [(number,)]
    store.close()


def test_a_stream_that_breaks_off_says_so(store: ClickHouseStore) -> None:
    """Rows that were given already must not look like all of them."""
    rows = store.stream(
        "SELECT throwIf(number = 500, 'enough') FROM numbers(1000)", limits={"max_block_size": 100}
    )
    with pytest.raises(SinkUnavailable, match="refused our question"):
        list(rows)
