"""The gate before every route: who asks, and how much they send."""

import hmac
import re
from http import HTTPStatus
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earwitness.api.errors import error_response

OPEN_PATHS: Final = frozenset({"/healthz", "/api/v1/healthz", "/livez", "/readyz"})
TOO_LARGE: Final = 413  # its name differs between versions of Python
LARGEST_BODY_BYTES: Final = 262_144
LARGEST_DELIVERY_BYTES: Final = 1_000_000
"""Of a webhook: an issue with a long history is larger than any question."""

WEBHOOK_PATH: Final = re.compile(r"/api/v1/webhooks/[^/]+")


class Gate:
    """Lets a request through only with the bearer token, whatever its path.

    The health checks are open. A delivery to a webhook proves itself, by the secret of that webhook.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 413, or hand on."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "POST" and WEBHOOK_PATH.fullmatch(scope["path"]):
            await self._app(scope, _limited(receive, LARGEST_DELIVERY_BYTES), send)
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
        await self._app(scope, _limited(receive, LARGEST_BODY_BYTES), send)

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
