"""How commands ask the read API: one client, whose errors say which address and what to check."""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from earwitness.cli import curl
from earwitness.query.language import MalformedQuery, Place
from earwitness.settings import ApiSettings
from models.errors import ConfigurationError, PipelineError, QueryRejected, SinkUnavailable, StackUnavailable

PATH: Final = "/api/v1"
AGENT: Final = "earwitness-cli/1"
CONNECT_TIMEOUT_S: Final = 2.0
CONNECT_WITHIN_S: Final = 5.0
"""How long a connection is tried for: an API that its supervisor starts again is back by then."""

PAUSE_S: Final = 0.25
ANSWER_MARGIN_S: Final = 30.0
"""How much longer an answer is waited for than one question may run."""

_REJECTED: Final = frozenset({400, 413, 414, 422, 431})
"""Statuses that say the question is wrong or too much, so that asking it again will not help."""

Json = Any


class NotYetRecorded(Exception):
    """What was asked for was not there yet at the instant asked for; the message says when it came."""


class NotPossible(PipelineError):
    """What was to be done makes no sense as things stand; the message says how they stand."""


class ApiClient:
    """The read API, as commands see it. Use it in a `with` block.

    Where the person wants to see the question (`--show-curl`), the first one is printed in place of being
    asked, unless `shows` is False: for what must be known before the question can be put.

    Raises `ConfigurationError` where there is no token to send.
    """

    def __init__(
        self,
        settings: ApiSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
        shows: bool = True,
    ) -> None:
        token = settings.token.get_secret_value()
        if not token:
            raise ConfigurationError(["EARWITNESS_API__TOKEN (api.token): must hold the API's token"])
        self._url = settings.url or f"{_scheme(settings)}://{settings.host}:{settings.port}"
        self._sleep, self._now = sleep, now
        self._shows = shows
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}", "User-Agent": AGENT},
            timeout=httpx.Timeout(settings.query_timeout_s + ANSWER_MARGIN_S, connect=CONNECT_TIMEOUT_S),
            transport=transport,
            verify=_trusted(settings),
            trust_env=False,  # a proxy of the environment has no business with a loopback API
        )

    def __enter__(self) -> Self:
        """Use the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        self._http.close()

    def get(self, *path: str, **parameters: str | int | None) -> Json:
        """Ask for what stands at `path`, whose parts may hold any characters; absent parameters are left out.

        Raises `QueryRejected` where the question is wrong, `StackUnavailable` or `SinkUnavailable` where
        it cannot be answered now.
        """
        answer = self._ask("GET", path, parameters, None)
        return self._read(answer)

    def find(self, *path: str, **parameters: str | int | None) -> Json | None:
        """As `get`, but None where the API knows no such thing.

        Raises `NotYetRecorded` where it knew none at the instant asked for.
        """
        answer = self._ask("GET", path, parameters, None)
        if answer.status_code == httpx.codes.NOT_FOUND:
            error = _error(answer)
            if error["code"] == "not_found":
                return None
            if error["code"] == "not_yet_recorded":
                raise NotYetRecorded(error["message"])
        return self._read(answer)

    def post(self, *path: str, body: Json) -> Json:
        """Ask with a body. Raises as `get` does."""
        return self._read(self._ask("POST", path, {}, body))

    def put(self, *path: str, body: Json) -> Json:
        """Put a body at `path`. Raises as `get` does."""
        return self._read(self._ask("PUT", path, {}, body))

    def delete(self, *path: str) -> Json | None:
        """Delete what stands at `path`; None where the API knows no such thing."""
        answer = self._ask("DELETE", path, {}, None)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._read(answer)

    @contextmanager
    def download(self, *path: str, **parameters: str | int | None) -> Iterator[httpx.Response]:
        """Ask for an answer of any length, and give it while it comes. Raises as `get` does.

        `StackUnavailable` also means that the connection broke before the answer was complete.
        """
        url = "/".join((PATH, *(quote(part, safe="") for part in path)))
        given = {name: value for name, value in parameters.items() if value is not None}
        if self._shows and curl.is_wanted():
            curl.show("GET", f"{self._url}{url}", given, None)
        try:
            with self._http.stream("GET", url, params=given) as answer:
                if not answer.is_success:
                    answer.read()
                    self._read(answer)
                yield answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error) from error
        except httpx.HTTPError as error:
            raise StackUnavailable(
                f"the connection to the API at {self._url} broke ({str(error) or type(error).__name__})"
            ) from error

    def _ask(
        self,
        method: str,
        path: tuple[str, ...],
        parameters: Mapping[str, str | int | None],
        body: Json | None,
    ) -> httpx.Response:
        try:
            url = "/".join((PATH, *(quote(part, safe="") for part in path)))
        except UnicodeEncodeError as error:
            raise QueryRejected(f"{error.object!r} is not Unicode text") from error
        given = {name: value for name, value in parameters.items() if value is not None}
        if self._shows and curl.is_wanted():
            curl.show(method, f"{self._url}{url}", given, body)
        begin = self._now()
        while True:
            try:
                return self._http.request(method, url, params=given, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if self._now() - begin > CONNECT_WITHIN_S:
                    raise self._unreachable(error) from error
                self._sleep(PAUSE_S)
            except httpx.TimeoutException as error:
                raise StackUnavailable(
                    f"the API at {self._url} took the question but did not answer in time;"
                    " `earwitness status` shows whether ClickHouse is up"
                ) from error
            except httpx.HTTPError as error:
                raise StackUnavailable(
                    f"the connection to the API at {self._url} broke ({error}); ask again"
                ) from error
            except httpx.InvalidURL as error:
                raise QueryRejected(
                    f"the question is too long to be sent ({error})", "ask for less"
                ) from error
            except UnicodeEncodeError as error:
                raise QueryRejected("the question holds bytes that are not Unicode text") from error

    def _unreachable(self, error: httpx.HTTPError) -> StackUnavailable:
        return StackUnavailable(
            f"nothing answers at the API's address {self._url} (tried for {CONNECT_WITHIN_S:.0f} s: {error});"
            " is the stack up? `earwitness status` shows it, `earwitness up` starts it"
        )

    def _read(self, answer: httpx.Response) -> Json:
        if answer.is_success:
            return answer.json()
        error = _error(answer)
        message, hint = error["message"], error["hint"]
        if (query := _query_of(answer.request)) and (malformed := _malformed(answer, query)):
            raise malformed
        match answer.status_code:
            case httpx.codes.UNAUTHORIZED if error["code"].startswith("token_"):
                raise StackUnavailable(f"{message}; {hint}")
            case httpx.codes.UNAUTHORIZED:
                raise StackUnavailable(
                    f"the API at {self._url} does not know this token: it belongs to another stack;"
                    " name the data folder with --data-dir, or set EARWITNESS_API__TOKEN"
                )
            case httpx.codes.CONFLICT:
                raise NotPossible(f"{message}; {hint}" if hint else message)
            case status if status in _REJECTED:
                raise QueryRejected(message, hint)
            case httpx.codes.SERVICE_UNAVAILABLE:
                raise SinkUnavailable(f"{message}; {hint}" if hint else message)
            case _:
                raise StackUnavailable(
                    f"the API at {self._url} answered {answer.status_code}: {message}"
                    + (f"; {hint}" if hint else "")
                )


def _trusted(settings: ApiSettings) -> ssl.SSLContext | bool:
    if settings.tls_ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.tls_ca_file)
    except OSError as error:
        raise ConfigurationError(
            [f"EARWITNESS_API__TLS_CA_FILE: {settings.tls_ca_file} cannot be used: {error.strerror or error}"]
        ) from error


def _scheme(settings: ApiSettings) -> str:
    return "https" if settings.tls_cert_file else "http"


def _malformed(answer: httpx.Response, query: str) -> MalformedQuery | None:
    """Give the error that points into the query that was asked; None where the answer does not."""
    try:
        error = answer.json()["error"]
        place, suggestion = Place(int(error["begin"]), int(error["end"])), error["suggestion"]
        return MalformedQuery(query, place, str(error["message"]), str(error["hint"]), suggestion)
    except (ValueError, KeyError, TypeError):
        return None


def _query_of(request: httpx.Request) -> str | None:
    """Give the query that was asked, or sent to be kept."""
    if request.method == "PUT":
        return str(json.loads(request.content)["query"])
    query: str | None = request.url.params.get("q")
    return query


def _error(answer: httpx.Response) -> dict[str, str]:
    """Read the one shape of an error; another server's, or a proxy's, becomes that shape."""
    try:
        error = answer.json()["error"]
        return {name: str(error[name]) for name in ("code", "message", "hint")}
    except (ValueError, KeyError, TypeError):
        return {"code": "unknown", "message": answer.text[:200] or answer.reason_phrase, "hint": ""}
