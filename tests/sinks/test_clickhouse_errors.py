import socket
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ErrorCodes, NetworkError, ServerException, SocketTimeoutError

from earwitness.cli import wiring
from models.errors import SinkRejected, SinkUnavailable
from sinks.clickhouse.client import PASSING, Address, ClickHouse, StoredBefore
from sinks.clickhouse.schema import migrate
from tests.conftest import Stack

OF_A_CONDITION = ErrorCodes.FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
CODES = sorted({code for name, code in vars(ErrorCodes).items() if name.isupper()} - {OF_A_CONDITION})


@pytest.fixture
def clickhouse() -> ClickHouse:
    return ClickHouse(Address("127.0.0.1", 9, "earwitness", "earwitness_writer", "", secure=False))


@pytest.mark.parametrize("code", CODES)
def test_every_server_error_says_whether_to_ask_again(clickhouse: ClickHouse, code: int) -> None:
    """Retrying what will never work is a hang; giving up on what passes is a loss."""
    refused = ServerException("DB::Exception: no. Stack trace:\n0. deep inside", code)
    with (
        patch.object(Client, "execute", side_effect=refused),
        pytest.raises((SinkUnavailable, SinkRejected)) as raised,
    ):
        clickhouse.execute("SELECT 1")
    assert isinstance(raised.value, SinkUnavailable) == (code in PASSING)
    assert "deep inside" not in str(raised.value)
    assert "127.0.0.1:9" in str(raised.value)


def test_a_condition_that_refuses_an_insert_is_no_failure(clickhouse: ClickHouse) -> None:
    """What it brings is stored: asking again and giving up would both be wrong."""
    refused = ServerException("DB::Exception: Value passed to 'throwIf' function is non-zero", OF_A_CONDITION)
    with patch.object(Client, "execute", side_effect=refused), pytest.raises(StoredBefore):
        clickhouse.execute("SELECT 1")


@pytest.mark.parametrize(
    "error", [NetworkError("gone"), SocketTimeoutError("late"), EOFError(), ConnectionResetError()]
)
def test_a_lost_connection_may_have_done_its_work(clickhouse: ClickHouse, error: Exception) -> None:
    """The outcome of the insert is unknown, so the same one is made again."""
    with patch.object(Client, "execute", side_effect=error), pytest.raises(SinkUnavailable):
        clickhouse.execute("SELECT 1")


def test_a_server_that_is_not_there_is_named() -> None:
    """Whoever reads the log must know which address to look at."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        address = Address("127.0.0.1", port, "earwitness", "earwitness_writer", "", secure=False)
        with pytest.raises(SinkUnavailable, match=f"127.0.0.1:{port}"):
            ClickHouse(address).execute("SELECT 1")
        with pytest.raises(SinkUnavailable, match=f"127.0.0.1:{port}"):
            migrate(address)


@pytest.fixture
def writer(stack: Stack) -> Iterator[ClickHouse]:
    clickhouse = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    yield clickhouse
    clickhouse.close()


@pytest.mark.stack
def test_a_statement_that_makes_no_sense_is_rejected(writer: ClickHouse) -> None:
    """The connection goes on working after it."""
    with pytest.raises(SinkRejected, match="nonsense"):
        writer.execute("SELECT nonsense FROM access_log")
    assert writer.execute("SELECT 1") == [(1,)]


@pytest.mark.stack
def test_migrations_are_applied_once(stack: Stack) -> None:
    """`up` runs them at every start."""
    assert migrate(wiring.clickhouse(stack.settings("admin").clickhouse)) == []
