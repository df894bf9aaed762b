"""Answers as bytes that ClickHouse formats itself, over its HTTP interface.

The native protocol knows columns only: CSV or Parquet would be made here, row by row. Over HTTP the server
makes them, and this process hands the bytes on as they come, however many they are.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import httpx

from earwitness.query.clickhouse import CONNECT_TIMEOUT_S, Refused, refusal
from earwitness.query.conditions import Parameter
from models.errors import SinkUnavailable

PIECE_BYTES: Final = 65_536
KEPT_IN_MEMORY_BYTES: Final = 1 << 20
"""Of an answer that is complete at the server; the rest waits in a file there until it is read."""

READ_WITHIN_S: Final = 120
"""How long the server keeps an answer of which nothing is read."""

LONGEST_ERROR_BYTES: Final = 65_536
_NO_CODE: Final = 0


class HttpAddress(NamedTuple):
    """Where the HTTP interface is, and as whom it is asked."""

    host: str
    port: int
    database: str
    user: str
    password: str
    secure: bool

    @property
    def url(self) -> str:
        """Give it as a URL."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}/"


class Formatted(NamedTuple):
    """The answer to one statement: how many rows it has, and their bytes."""

    row_count: int
    pieces: Iterator[bytes]


class HttpStore:
    """Asks as one ClickHouse user, safe to share between threads."""

    def __init__(self, address: HttpAddress, *, query_timeout_s: int, connections: int) -> None:
        self._address = address
        self._query_timeout_s = query_timeout_s
        self._http = httpx.Client(
            headers={"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password},
            timeout=httpx.Timeout(READ_WITHIN_S + query_timeout_s, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            verify=ssl.create_default_context() if address.secure else False,
            trust_env=False,
        )

    @contextmanager
    def fetch(
        self, sql: str, parameters: Mapping[str, Parameter], *, limits: Mapping[str, Any] | None = None
    ) -> Iterator[Formatted]:
        """Run one statement with a FORMAT of its own, and give its answer once it is complete at the server.

        So an error comes before the first byte. Raises `SinkUnavailable` or `QueryRejected` as `Store.ask`
        does; `SinkUnavailable` also where the connection breaks while the pieces are taken.
        """
        asked = {
            "database": self._address.database,
            "max_execution_time": self._query_timeout_s,
            "wait_end_of_query": 1,
            "buffer_size": KEPT_IN_MEMORY_BYTES,
            "http_send_timeout": READ_WITHIN_S,
            **(limits or {}),
            **{f"param_{name}": _written(value) for name, value in parameters.items()},
        }
        try:
            with self._http.stream("POST", self._address.url, params=asked, content=sql) as answer:
                if not answer.is_success:
                    raise self._refusal(answer)
                yield Formatted(_row_count(answer), answer.iter_bytes(PIECE_BYTES))
        except httpx.HTTPError as error:
            raise SinkUnavailable(
                f"ClickHouse {self._address.host}:{self._address.port} (HTTP) did not answer:"
                f" {str(error) or type(error).__name__}"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def _refusal(self, answer: httpx.Response) -> Exception:
        said = next(answer.iter_bytes(LONGEST_ERROR_BYTES), b"").decode("utf-8", "replace")
        code = answer.headers.get("x-clickhouse-exception-code", "")
        refused = Refused(
            int(code) if code.isdecimal() else _NO_CODE, said.partition("DB::Exception:")[2] or said
        )
        address = f"{self._address.host}:{self._address.port}"
        return refusal(refused, address, timeout_s=self._query_timeout_s)


def _row_count(answer: httpx.Response) -> int:
    return int(json.loads(answer.headers["x-clickhouse-summary"])["result_rows"])


def _written(value: Parameter) -> str:
    """Write a parameter as the server reads it back: text escaped as in a TSV cell, lists as literals."""
    if isinstance(value, list):
        return f"[{','.join(_literal(item) for item in value)}]"
    if isinstance(value, int):
        return str(value)
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _literal(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
