"""`/livez`, `/readyz` and `/metrics` of a process that serves nothing else, on loopback by default.

The listener has a thread of its own: it answers, and says why, also while the process itself is stuck.
"""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, NamedTuple, Self

from earwitness.health.readiness import Health, Readiness
from models.errors import ConfigurationError

PATHS: Final = ("/livez", "/readyz", "/metrics")
REQUEST_WITHIN_S: Final = 5.0
"""How long a client may take to ask; then the connection is closed."""

METRICS_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"


class Answer(NamedTuple):
    """One HTTP answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


def health_answer(word: str, health: Health) -> Answer:
    """Write a health as one line of JSON: 200 where it is well, else 503."""
    status = HTTPStatus.OK if health.ok else HTTPStatus.SERVICE_UNAVAILABLE
    line = json.dumps({word: health.ok, "why": list(health.reasons)}, ensure_ascii=False)
    return Answer(status, "application/json", f"{line}\n".encode())


class HealthListener:
    """Listens for as long as the `with` block lasts.

    Raises `ConfigurationError` where the port cannot be had; port 0 takes a free one.
    """

    def __init__(self, host: str, port: int, readiness: Readiness, metrics: Callable[[], bytes]) -> None:
        self._answers: Mapping[str, Callable[[], Answer]] = {
            "/livez": lambda: health_answer("alive", readiness.liveness()),
            "/readyz": lambda: health_answer("ready", readiness.readiness()),
            "/metrics": lambda: Answer(HTTPStatus.OK, METRICS_TYPE, metrics()),
        }
        try:
            self._server = ThreadingHTTPServer((host, port), self._handler())
        except OSError as error:
            raise ConfigurationError(
                [f"EARWITNESS_HEALTH__PORT (health.port): cannot listen on {host}:{port}: {error.strerror}"]
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens, as host:port."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answers = self._answers

        class Handler(BaseHTTPRequestHandler):
            """Answers the paths that there are."""

            timeout = REQUEST_WITHIN_S

            def do_GET(self) -> None:
                """Answer one question."""
                known = answers.get(self.path)
                answer = (
                    Answer(HTTPStatus.NOT_FOUND, "text/plain", b"ask /livez, /readyz or /metrics\n")
                    if known is None
                    else known()
                )
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                with suppress(ConnectionError):  # whoever asked has gone, at its own time limit
                    self.end_headers()
                    self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Say nothing: these are asked all the time."""

        return Handler
