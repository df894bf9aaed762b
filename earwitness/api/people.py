"""Answers for people with a browser: pages of HTML, their errors too."""

import base64
import binascii
import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.responses import Response

from earwitness.reports.statement_page import message_page

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No page runs anything, is framed, is kept by a cache, or tells another site where it was."""

CHALLENGE: Final = 'Basic realm="earwitness: any name, and your token as the password", charset="UTF-8"'
_TYPE_IT: Final = "Load the page again; type any name, and your token as the password."
_SCHEME: Final = "Basic "
_KEPT: Final = ("retry-after", "allow", "www-authenticate")
_TITLES: Final = {
    400: "This cannot be read",
    401: "Who are you?",
    403: "You may not see this",
    404: "There is no such page",
    409: "This was done already",
    413: "This is too long",
    429: "Too many requests",
    503: "Not now",
}


def page(html: str, status: int = 200) -> Response:
    """Answer with a page."""
    return Response(html, status, dict(HEADERS), "text/html; charset=utf-8")


def as_page(answer: JSONResponse) -> Response:
    """Say what an error in JSON says, to a person."""
    error = json.loads(bytes(answer.body))["error"]
    title = _TITLES.get(answer.status_code, "Something went wrong")
    hint = _TYPE_IT if error["code"] == "unauthorized" else error["hint"]
    shown = page(message_page(title, f"{error['message']}.", hint), answer.status_code)
    for name in _KEPT:
        if name in answer.headers:
            shown.headers[name] = answer.headers[name]
    return shown


def token_of_basic(authorization: str) -> str:
    """Give the password of HTTP Basic, the token; empty where there is none. The name may be any."""
    if not authorization.startswith(_SCHEME):
        return ""
    try:
        pair = base64.b64decode(authorization.removeprefix(_SCHEME), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


class PageRoute(APIRoute):
    """A route whose errors are pages, in the words of the one shape of an error."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the handler, with the application's own handlers of errors around it."""
        handle = super().get_route_handler()

        async def handling(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                handlers = request.app.exception_handlers
                said = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
                if said is None:
                    raise
                return as_page(said(request, error))

        return handling
