"""The way of a question to ClickHouse: a bounded pool of connections, and errors for the one who asked."""

import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, NetworkError, ServerException, SocketTimeoutError

from earwitness.query.conditions import Parameter
from earwitness.query.store import Answer, AnswerTooLarge, Busy, TooSlow
from models.errors import QueryRejected, QuotaExceeded, SinkUnavailable

MOST_CONNECTIONS: Final = 8
"""Questions that run at once; further ones wait."""

CONNECT_TIMEOUT_S: Final = 5
WAIT_FOR_CONNECTION_S: Final = 10
ANSWER_MARGIN_S: Final = 10
"""How much longer than a question may run its answer is waited for."""

LARGEST_ANSWER_BYTES: Final = 256 * 1024 * 1024
LARGEST_GROUPS_BYTES: Final = 64 * 1024 * 1024
FREE_BYTES_A_THREAD: Final = 64 * 1024 * 1024
"""How much the server must have free for each thread of a question."""

_AUTHENTICATION_FAILED: Final = 516  # the driver does not name it
_TOO_SLOW: Final = frozenset({ErrorCodes.TIMEOUT_EXCEEDED, ErrorCodes.TOO_SLOW})
_TOO_LARGE: Final = frozenset(
    {
        ErrorCodes.MEMORY_LIMIT_EXCEEDED,
        ErrorCodes.TOO_MANY_ROWS,
        ErrorCodes.TOO_MANY_BYTES,
        ErrorCodes.TOO_MANY_ROWS_OR_BYTES,
    }
)
_NOT_ITS_FAULT: Final = frozenset(
    {
        ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES,
        ErrorCodes.QUERY_WAS_CANCELLED,
        ErrorCodes.ABORTED,
        ErrorCodes.NETWORK_ERROR,
        ErrorCodes.SOCKET_TIMEOUT,
        ErrorCodes.UNKNOWN_DATABASE,
        _AUTHENTICATION_FAILED,
    }
)
"""Server errors that say nothing about the question: an operator or time mends them."""


Author = Literal["program", "person"]
"""Who wrote the statements: what ClickHouse refuses in ours is a fault of the installation, in a
person's it is theirs to mend."""


class ClickHouseStore:
    """A `Store` as one ClickHouse user, safe to share between threads."""

    def __init__(  # noqa: PLR0913 - the parts of one address
        self,
        host: str,
        port: int,
        *,
        database: str,
        user: str,
        password: str,
        secure: bool,
        query_timeout_s: int,
        author: Author = "program",
    ) -> None:
        self._author = author
        self._address = f"{host}:{port}"
        self._query_timeout_s = query_timeout_s
        self._arguments: Mapping[str, Any] = {
            "host": host,
            "port": port,
            "database": database,
            "user": user,
            "password": password,
            "secure": secure,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "send_receive_timeout": query_timeout_s + ANSWER_MARGIN_S,
        }
        self._limits: Mapping[str, Any] = {
            "max_execution_time": query_timeout_s,
            "timeout_before_checking_execution_speed": 0,
            "max_result_bytes": LARGEST_ANSWER_BYTES,
            # Actors and resources are found by projections, into which ClickHouse by itself looks from a
            # million rows on; not by bloom filters, which it would read first and whole.
            "min_table_rows_to_use_projection_index": 0,
            "ignore_data_skipping_indices": "by_actor,by_resource",
            # By itself ClickHouse reads in one thread where a second one has no whole GiB to itself.
            "max_threads_min_free_memory_per_thread": FREE_BYTES_A_THREAD,
            # What does not fit goes to the disk: a slow answer is better than none.
            "max_bytes_before_external_group_by": LARGEST_GROUPS_BYTES,
        }
        self._pool: queue.LifoQueue[Client | None] = queue.LifoQueue()
        for _ in range(MOST_CONNECTIONS):
            self._pool.put(None)

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Run one statement on a connection of the pool."""
        with self._connection() as client, self._translated(client):
            rows, described = client.execute(
                sql,
                dict(parameters or {}),
                with_column_types=True,
                settings={**self._limits, **(limits or {})},
            )
        return Answer(tuple(name for name, _ in described), tuple(kind for _, kind in described), rows)

    def stream(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Run one statement and give its rows as they arrive, however many and however slowly they are taken.

        It holds its connection until the last row is taken or the iterator is closed.
        """
        with self._connection() as client, self._translated(client):
            yield from client.execute_iter(
                sql,
                dict(parameters or {}),
                settings={**self._limits, "max_execution_time": 0, "max_result_bytes": 0, **(limits or {})},
            )

    def close(self) -> None:
        """Close every connection. Call when no question is under way."""
        for _ in range(MOST_CONNECTIONS):
            client = self._pool.get(timeout=WAIT_FOR_CONNECTION_S)
            if client is not None:
                client.disconnect()
            self._pool.put(None)

    @contextmanager
    def _connection(self) -> Iterator[Client]:
        try:
            client = self._pool.get(timeout=WAIT_FOR_CONNECTION_S)
        except queue.Empty:
            raise Busy(
                f"{MOST_CONNECTIONS} questions are already running, and none ended within"
                f" {WAIT_FOR_CONNECTION_S} s"
            ) from None
        try:
            # Typed parameters are substituted by the server, after it has parsed the statement.
            client = client or Client(**self._arguments, settings={"server_side_params": True})
            yield client
        finally:
            self._pool.put(client)

    @contextmanager
    def _translated(self, client: Client) -> Iterator[None]:
        try:
            yield
        except ServerException as error:
            raise self._refusal(error) from error
        except (NetworkError, SocketTimeoutError, OSError, EOFError) as error:
            client.disconnect()
            raise SinkUnavailable(
                f"ClickHouse {self._address} did not answer: {str(error) or type(error).__name__}"
            ) from error
        except Error as error:
            client.disconnect()
            raise QueryRejected(
                f"ClickHouse's answer cannot be read: {error}",
                "where a column has no single type, cast it, as toString(column)",
            ) from error
        except BaseException:
            client.disconnect()
            raise

    def _refusal(self, error: ServerException) -> QueryRejected | SinkUnavailable:
        said = str(error.message).replace("DB::Exception:", "")
        return refusal(
            Refused(error.code, said), self._address, timeout_s=self._query_timeout_s, author=self._author
        )


class Refused(NamedTuple):
    """The number of a server's error, and its words, with or without the stack trace behind them."""

    code: int
    said: str


def refusal(
    refused: Refused, address: str, *, timeout_s: int, author: Author = "program"
) -> QueryRejected | SinkUnavailable:
    """Say who has to do something about a statement that ClickHouse refused, and what."""
    code, said = refused.code, refused.said.split("Stack trace:", maxsplit=1)[0].strip()
    if code == ErrorCodes.QUOTA_EXPIRED:
        return QuotaExceeded()
    if code in _TOO_SLOW:
        return TooSlow(
            f"the question ran longer than {timeout_s} s and was stopped",
            "narrow it: a shorter time (since, until), a customer or an actor",
        )
    if code in _TOO_LARGE:
        return AnswerTooLarge(f"the answer is too large: {said}", "narrow it, or ask for fewer rows")
    if code in _NOT_ITS_FAULT:
        return SinkUnavailable(f"ClickHouse {address} refused (code {code}): {said}")
    if author == "person":
        return QueryRejected(f"ClickHouse refused the statement (code {code}): {said}")
    return SinkUnavailable(
        f"ClickHouse {address} refused our question (code {code}): {said}; are the migrations"
        " applied, and may this user read the views?"
    )
