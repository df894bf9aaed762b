"""The gate before every route: who asks, how much they send, and how many ask at once."""

import hmac
import re
from http import HTTPStatus
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earwitness.api.errors import error_response
from earwitness.api.limits import (
    BUSY_RETRY_AFTER_S,
    LARGEST_BODY_BYTES,
    LARGEST_DELIVERY_BYTES,
    LARGEST_URL_BYTES,
    MOST_REQUESTS,
)

OPEN_PATHS: Final = frozenset({"/healthz", "/api/v1/healthz", "/livez", "/readyz"})
TOO_LARGE: Final = 413  # their names differ between versions of Python
URL_TOO_LONG: Final = 414
WEBHOOK_PATH: Final = re.compile(r"/api/v1/webhooks/[^/]+")


class Gate:
    """Lets a request through only with the bearer token, whatever its path.

    The health checks are open. A delivery to a webhook proves itself, by the secret of that webhook.
    """

    def __init__(self, app: ASGIApp, token: str, most_requests: int = MOST_REQUESTS) -> None:
        self._app = app
        self._most_requests = most_requests
        self._under_way = 0
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 413, 414 or 503, or hand on."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "POST" and WEBHOOK_PATH.fullmatch(scope["path"]):
            await self._counted(scope, _limited(receive, LARGEST_DELIVERY_BYTES), send)
            return
        headers = Headers(scope=scope)
        if not self._admits(headers.get("authorization", "")):
            await error_response(
                HTTPStatus.UNAUTHORIZED,
                "unauthorized",
                "the bearer token is missing or not the one of this stack",
                "send Authorization: Bearer <token>; the data folder's secrets hold it",
                {"WWW-Authenticate": "Bearer"},
            )(scope, receive, send)
            return
        if len(scope["raw_path"]) + len(scope["query_string"]) > LARGEST_URL_BYTES:
            await error_response(
                URL_TOO_LONG,
                "too_large",
                f"the path and the query string are larger than {LARGEST_URL_BYTES} bytes",
                "ask for less at once",
            )(scope, receive, send)
            return
        await self._counted(scope, _limited(receive, LARGEST_BODY_BYTES), send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._under_way >= self._most_requests:
            await error_response(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "busy",
                f"{self._under_way} requests are under way, and there may be no more",
                "ask again after the seconds in Retry-After",
                {"Retry-After": str(BUSY_RETRY_AFTER_S)},
            )(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    def _admits(self, authorization: str) -> bool:
        return hmac.compare_digest(authorization.encode("latin-1", "replace"), self._expected)


def _limited(receive: Receive, largest_bytes: int) -> Receive:
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > largest_bytes:
            raise HTTPException(TOO_LARGE, f"the body is larger than {largest_bytes} bytes")
        return message

    return counting
