"""The one shape of an error: `{"error": {"code", "message", "hint"}}`, whatever went wrong.

A query that cannot be read has three more fields: `begin` and `end` of the characters at fault, counted
from 0, and `suggestion`, the whole query as probably meant, or null.
"""

import math
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from earwitness.api.limits import RangeTooLong
from earwitness.api.permissions import Forbidden, caller_of
from earwitness.api.refusals import Refusals
from earwitness.query.language import MalformedQuery
from earwitness.query.store import AnswerTooLarge, Busy, TooSlow
from models.errors import BrokerUnavailable, QueryRejected, QuotaExceeded, SinkUnavailable, StackUnavailable

log = structlog.get_logger()

UNPROCESSABLE: Final = 422  # its name differs between versions of Python

_TOO_MUCH: Final[Mapping[type[Exception], str]] = {
    TooSlow: "too_slow",
    AnswerTooLarge: "answer_too_large",
    RangeTooLong: "range_too_long",
}
"""Questions that could be answered, were they narrower."""

_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class Way(NamedTuple):
    """Paths of one route, and its methods."""

    path: re.Pattern[str]
    methods: frozenset[str]


class NotFound(Exception):
    """There is no such thing; the message says what was looked for."""


class Conflict(Exception):
    """What was asked to be done makes no sense as things stand; the message says how they stand."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


class NotYetRecorded(Exception):
    """There was no such thing at the instant asked for; the message says when it came."""


def error_response(
    status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Say what went wrong, and what to do."""
    return _shaped(status, {"code": code, "message": message, "hint": hint}, headers)


def _shaped(status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"error": error}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Have every error of `app` answered in that shape."""
    app.add_exception_handler(MalformedQuery, _malformed_query)
    for error in _TOO_MUCH:
        app.add_exception_handler(error, _too_much)
    app.add_exception_handler(QueryRejected, _query_rejected)
    app.state.refusals = Refusals()
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(QuotaExceeded, _quota)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(NotYetRecorded, _not_yet_recorded)
    app.add_exception_handler(SinkUnavailable, _unavailable)
    app.add_exception_handler(BrokerUnavailable, _unavailable)
    app.add_exception_handler(StackUnavailable, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _query_rejected(_: Request, error: Exception) -> JSONResponse:
    message, hint = (error.message, error.hint) if isinstance(error, QueryRejected) else (str(error), "")
    return error_response(HTTPStatus.BAD_REQUEST, "query_rejected", message, hint)


def _malformed_query(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, MalformedQuery):
        return _query_rejected(request, error)
    said = {"code": "query_rejected", "message": error.message, "hint": error.hint}
    place = {**error.place._asdict(), "suggestion": error.suggestion}
    return _shaped(HTTPStatus.BAD_REQUEST, {**said, **place})


def _too_much(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, QueryRejected):
        return _query_rejected(request, error)
    code = _TOO_MUCH.get(type(error), "query_rejected")
    return error_response(UNPROCESSABLE, code, error.message, error.hint)


def _not_found(_: Request, error: Exception) -> JSONResponse:
    return error_response(HTTPStatus.NOT_FOUND, "not_found", str(error))


def _conflict(_: Request, error: Exception) -> JSONResponse:
    hint = error.hint if isinstance(error, Conflict) else ""
    return error_response(HTTPStatus.CONFLICT, "conflict", str(error), hint)


def _not_yet_recorded(_: Request, error: Exception) -> JSONResponse:
    return error_response(HTTPStatus.NOT_FOUND, "not_yet_recorded", str(error))


def _forbidden(request: Request, error: Exception) -> JSONResponse:
    refusals: Refusals = request.app.state.refusals
    refusals.note(request, caller_of(request).name)
    hint = "ask an admin for a token that may: earwitness tokens create"
    return error_response(HTTPStatus.FORBIDDEN, "forbidden", str(error), hint)


def _quota(_: Request, error: Exception) -> JSONResponse:
    message, hint = (error.message, error.hint) if isinstance(error, QuotaExceeded) else (str(error), "")
    headers = {"Retry-After": str(QuotaExceeded.retry_after_s)}
    return error_response(HTTPStatus.TOO_MANY_REQUESTS, "quota_exceeded", message, hint, headers)


def _unavailable(request: Request, error: Exception) -> JSONResponse:
    return unavailable(request.url.path, error)


def unavailable(path: str, error: Exception) -> JSONResponse:
    """Say that this cannot be answered now, and when to come back."""
    retry_after_s = error.retry_after_s if isinstance(error, SinkUnavailable) else 1.0
    log.warning("reading_unavailable", path=path, error=str(error))
    code, hint = (
        "unavailable",
        "check that ClickHouse runs (earwitness status, earwitness doctor), then ask again",
    )
    if isinstance(error, Busy):
        code, hint = "busy", "ask again after the seconds in Retry-After"
    return error_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        code,
        str(error),
        hint,
        {"Retry-After": str(math.ceil(retry_after_s))},
    )


def _invalid(_: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    message = "; ".join(_describe(fault) for fault in faults) or "the request cannot be read"
    return error_response(HTTPStatus.BAD_REQUEST, "invalid_request", message, "correct these and ask again")


def _http(request: Request, error: Exception) -> JSONResponse:
    status, detail = HTTPStatus.INTERNAL_SERVER_ERROR.value, ""
    headers: Mapping[str, str] | None = None
    if isinstance(error, HTTPException):
        status, detail, headers = error.status_code, error.detail, error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {**(headers or {}), **_allowed(request)}
    return error_response(status, _CODES.get(status, "http_error"), detail, headers=headers)


def _allowed(request: Request) -> dict[str, str]:
    """Name the methods of every route with that path: each route by itself knows its own alone."""
    ways: Sequence[Way] = request.app.state.ways
    found = {method for way in ways if way.path.match(request.url.path) for method in way.methods}
    return {"Allow": ", ".join(sorted(found))} if found else {}


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("reading_failed", path=request.url.path, error=type(error).__name__)
    return error_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "the API failed on this request; nothing was answered",
        "its log says why: `earwitness doctor` names the file",
    )


def _describe(fault: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in fault["loc"] if part not in ("query", "body", "path"))
    if fault["type"] == "extra_forbidden":
        return f"there is no parameter {where}"
    return f"{where or 'the body'}: {fault['msg']}"
