"""The gate before every route: who asks, how often, how much they send, and how many ask at once."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earwitness.api.errors import error_response, unavailable
from earwitness.api.keys import Keys, Unknown
from earwitness.api.limits import (
    BUSY_RETRY_AFTER_S,
    LARGEST_ANSWER_BYTES,
    LARGEST_BODY_BYTES,
    LARGEST_DELIVERY_BYTES,
    LARGEST_URL_BYTES,
    MOST_REQUESTS,
)
from earwitness.api.people import CHALLENGE, as_page, token_of_basic
from earwitness.api.permissions import NOBODY, Caller
from earwitness.api.throttling import LockOut, RateLimit, answers_of_addresses, group_of
from models.errors import SinkUnavailable

OPEN_PATHS: Final = frozenset({"/healthz", "/api/v1/healthz", "/livez", "/readyz"})
TOO_LARGE: Final = 413  # their names differ between versions of Python
URL_TOO_LONG: Final = 414
PAGE_PATH: Final = re.compile(r"/(?:alerts|accesses)/[^/]+")
"""Pages for people, whose browsers send a token as the password of HTTP Basic."""

STATEMENT_PATH: Final = re.compile(r"/statements/[^/]+")
"""Its last part proves itself, as the route finds out."""

WEBHOOK_PATH: Final = re.compile(r"/api/v1/webhooks/[^/]+")
_SCHEME: Final = "Bearer "


class Gate:
    """Lets a request through only with a bearer token, whatever its path, and notes whose it is.

    The health checks are open. A delivery to a webhook proves itself, by the secret of that webhook, and the
    address of a question to an actor does so by its signature. Pages that are only read take the token as the
    password of HTTP Basic too, because a browser has no other way; what changes something does not.
    What the holder may do is asked at each route, which alone knows what it needs.
    """

    def __init__(  # noqa: PLR0913 - one for each part that a test may choose
        self,
        app: ASGIApp,
        keys: Keys,
        *,
        most_requests: int = MOST_REQUESTS,
        rate: RateLimit | None = None,
        lock_out: LockOut | None = None,
        answers: RateLimit | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._keys = keys
        self._most_requests = most_requests
        self._under_way = 0
        self._rate = rate or RateLimit()
        self._lock_out = lock_out or LockOut()
        self._answers = answers or answers_of_addresses()
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 413, 414, 429 or 503, or hand on."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(_as(scope, NOBODY), receive, send)
            return
        if scope["method"] == "POST" and WEBHOOK_PATH.fullmatch(scope["path"]):
            await self._counted(_as(scope, NOBODY), _limited(receive, LARGEST_DELIVERY_BYTES), send)
            return
        if scope["method"] in ("GET", "POST") and STATEMENT_PATH.fullmatch(scope["path"]):
            await self._stated(scope, receive, send)
            return
        caller = await self._admitted(scope)
        if isinstance(caller, JSONResponse):
            refusal = as_page(caller) if _is_page(scope) else caller
            await refusal(scope, receive, send)
            return
        if len(scope["raw_path"]) + len(scope["query_string"]) > LARGEST_URL_BYTES:
            await error_response(
                URL_TOO_LONG,
                "too_large",
                f"the path and the query string are larger than {LARGEST_URL_BYTES} bytes",
                "ask for less at once",
            )(scope, receive, send)
            return
        await self._counted(_as(scope, caller), _limited(receive, LARGEST_BODY_BYTES), send)

    async def _stated(self, scope: Scope, receive: Receive, send: Send) -> None:
        if wait_s := self._answers.wait_s(group_of(_address(scope)), self._now()):
            refusal = _too_many("too_many_requests", "too much is asked from this address", wait_s)
            await as_page(refusal)(scope, receive, send)
            return
        await self._counted(_as(scope, NOBODY), _limited(receive, LARGEST_ANSWER_BYTES), send)

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

    async def _admitted(self, scope: Scope) -> Caller | JSONResponse:
        """Give who asks, or the answer to somebody who is not let in."""
        address = _address(scope)
        if wait_s := self._lock_out.wait_s(address, self._now()):
            return _too_many("locked_out", "too many wrong tokens came from this address", wait_s)
        authorization = Headers(scope=scope).get("authorization", "")
        try:
            found = await self._who(_secret(scope, authorization))
        except SinkUnavailable as error:
            return unavailable(scope["path"], error)
        if isinstance(found, Unknown):
            await self._note(scope, found, tried=bool(authorization))
            return error_response(
                HTTPStatus.UNAUTHORIZED,
                found.code,
                found.message,
                found.hint,
                {"WWW-Authenticate": CHALLENGE if _is_page(scope) else "Bearer"},
            )
        if wait_s := self._rate.wait_s(found.name, self._now()):
            return _too_many("too_many_requests", f"the token {found.name} asks too often", wait_s)
        return found

    async def _note(self, scope: Scope, unknown: Unknown, *, tried: bool) -> None:
        """Record who came with a token that has ended, and whom too many guesses lock out."""
        request, address = Request(scope), _address(scope)
        refusals = request.app.state.refusals
        if unknown.holder:
            await run_in_threadpool(refusals.note, request, unknown.holder)
        # Who sends none does not guess.
        elif tried and self._lock_out.note_wrong(address, self._now()):
            await run_in_threadpool(refusals.note_lock_out, request, group_of(address))

    async def _who(self, secret: str) -> Caller | Unknown:
        if self._keys.is_of_the_log(secret):
            return await run_in_threadpool(self._keys.who, secret)
        return self._keys.who(secret)


def _secret(scope: Scope, authorization: str) -> str:
    if authorization.startswith(_SCHEME):
        return authorization.removeprefix(_SCHEME)
    return token_of_basic(authorization) if _is_page(scope) else ""


def _is_page(scope: Scope) -> bool:
    return scope["method"] == "GET" and PAGE_PATH.fullmatch(scope["path"]) is not None


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _as(scope: Scope, caller: Caller) -> Scope:
    return {**scope, "state": {**scope.get("state", {}), "caller": caller}}


def _too_many(code: str, message: str, wait_s: int) -> JSONResponse:
    hint = f"ask again in {wait_s} s"
    return error_response(HTTPStatus.TOO_MANY_REQUESTS, code, message, hint, {"Retry-After": str(wait_s)})


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
