"""One way to ClickHouse: a connection per thread, and errors named by what to do about them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from clickhouse_driver import Client
from clickhouse_driver.errors import (
    CannotParseUuidError,
    Error,
    ErrorCodes,
    NetworkError,
    ServerException,
    SocketTimeoutError,
    TypeMismatchError,
)
from clickhouse_driver.protocol import ServerPacketTypes

from models.errors import RowsRejected, SinkRejected, SinkUnavailable

CONNECT_TIMEOUT_S: Final = 5
ANSWER_TIMEOUT_S: Final = 60

_VIOLATED_CONSTRAINT: Final = 469  # the driver names none of these four
_AUTHENTICATION_FAILED: Final = 516
_SERVER_OVERLOADED: Final = 745
_STD_EXCEPTION: Final = 1001  # a full disk comes as this one too

PASSING: Final = frozenset(
    {
        ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES,
        ErrorCodes.TIMEOUT_EXCEEDED,
        ErrorCodes.MEMORY_LIMIT_EXCEEDED,
        ErrorCodes.TOO_MANY_PARTS,
        ErrorCodes.NOT_ENOUGH_SPACE,
        ErrorCodes.CANNOT_WRITE_TO_FILE_DESCRIPTOR,
        ErrorCodes.NETWORK_ERROR,
        ErrorCodes.SOCKET_TIMEOUT,
        ErrorCodes.QUERY_WAS_CANCELLED,
        ErrorCodes.ABORTED,
        ErrorCodes.TABLE_IS_READ_ONLY,
        ErrorCodes.UNKNOWN_TABLE,
        ErrorCodes.UNKNOWN_DATABASE,
        _AUTHENTICATION_FAILED,
        _SERVER_OVERLOADED,
        _STD_EXCEPTION,
    }
)
"""Server errors that an operator or time mends; the rows are as good as before."""


OF_THE_ROWS: Final = frozenset(
    {
        ErrorCodes.CANNOT_PARSE_TEXT,
        ErrorCodes.CANNOT_PARSE_DATE,
        ErrorCodes.CANNOT_PARSE_DATETIME,
        ErrorCodes.CANNOT_PARSE_NUMBER,
        ErrorCodes.CANNOT_PARSE_UUID,
        ErrorCodes.CANNOT_CONVERT_TYPE,
        ErrorCodes.ARGUMENT_OUT_OF_BOUND,
        ErrorCodes.VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE,
        ErrorCodes.TOO_LARGE_ARRAY_SIZE,
        ErrorCodes.TOO_LARGE_STRING_SIZE,
        ErrorCodes.INCORRECT_DATA,
        _VIOLATED_CONSTRAINT,
    }
)
"""Server errors that are about what rows hold, and not about the statement or the schema."""


class StoredBefore(Exception):
    """The condition of an insert refused it: what it brings is stored."""


class Address(NamedTuple):
    """Where a ClickHouse server listens for the native protocol, and as whom to speak to it."""

    host: str
    port: int
    database: str
    user: str
    password: str
    secure: bool


class ClickHouse:
    """Access to one server as one user, safe to share between threads."""

    def __init__(self, address: Address, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._where = f"{address.host}:{address.port}"
        self._arguments: Mapping[str, Any] = {
            **address._asdict(),
            "connect_timeout": min(CONNECT_TIMEOUT_S, answer_timeout_s),
            "send_receive_timeout": answer_timeout_s,
        }
        self._local = threading.local()
        self._open: list[Client] = []

    def execute(self, query: str, parameters: Any = None, **options: Any) -> Any:  # noqa: ANN401 - the driver's types
        """Run one statement on this thread's connection.

        Raises `SinkUnavailable`, `SinkRejected` or `RowsRejected`, after any of which the connection is made
        anew; `StoredBefore` where a condition of the statement says so by `throwIf`.
        """
        with self._translated():
            return self._client().execute(query, parameters, **options)

    def close(self) -> None:
        """Close the connections of all threads. Call when none of them is in use."""
        for client in self._open:
            client.disconnect()
        self._open.clear()
        self._local = threading.local()

    def _client(self) -> Client:
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = _PatientClient(**self._arguments)
            self._open.append(client)
        return client

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ServerException as error:
            if error.code == ErrorCodes.FUNCTION_THROW_IF_VALUE_IS_NON_ZERO:
                raise StoredBefore from error
            summary = f"ClickHouse {self._where} refused (code {error.code}): {_first_line(error)}"
            if error.code in PASSING:
                raise SinkUnavailable(summary) from error
            if error.code in OF_THE_ROWS:
                raise RowsRejected(summary) from error
            raise SinkRejected(summary) from error
        except (NetworkError, SocketTimeoutError, OSError, EOFError) as error:
            self._drop()
            raise SinkUnavailable(f"ClickHouse {self._where} did not answer: {error}") from error
        except (TypeMismatchError, CannotParseUuidError, TypeError, ValueError, OverflowError) as error:
            # From the driver, before anything was sent: a value that its column cannot carry.
            self._drop()
            raise RowsRejected(f"ClickHouse {self._where} cannot be sent these rows: {error!r}") from error
        except Error as error:
            self._drop()
            raise SinkRejected(f"ClickHouse {self._where}: {error}") from error

    def _drop(self) -> None:
        client = getattr(self._local, "client", None)
        if client is not None:
            client.disconnect()


class _PatientClient(Client):  # type: ignore[misc] # the driver ships no types
    """Reads past what the server says of a subquery before it asks for the rows of an insert."""

    def receive_sample_block(self) -> Any:  # noqa: ANN401 - the driver's types
        while packet := self.receive_packet():
            if packet is not True and packet.type == ServerPacketTypes.DATA:
                return packet.block
        return None


def _first_line(error: ServerException) -> str:
    return str(error.message).split("Stack trace:", maxsplit=1)[0].replace("DB::Exception:", "").strip()
