"""The OpenAPI document of the API: what FastAPI knows of the routes, and what holds for all of them."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from earwitness.api.answers import Error
from earwitness.api.gate import OPEN_PATHS, WEBHOOK_PATH

DOCUMENT_PATH: Final = "/api/v1/openapi.json"
TITLE: Final = "earwitness"
VERSION: Final = "1"
DESCRIPTION: Final = (
    "Who touched protected content, by which clause, on what evidence. Every reading is recorded before it is"
    " answered; where that fails, nothing is answered. docs/api.md has the limits, and what to do at each."
)

FAULTS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Error, "description": "The question cannot be read: correct it."},
    401: {"model": Error, "description": "The bearer token is missing or wrong."},
    403: {"model": Error, "description": "The token may not do that; the message says what is needed."},
    404: {"model": Error, "description": "There is no such thing, or was none at the instant asked for."},
    409: {"model": Error, "description": "That makes no sense as things stand: look again."},
    413: {"model": Error, "description": "The body is too large."},
    422: {
        "model": Error,
        "description": "Too long, too large or too slow a question: narrow it.",
    },
    429: {"model": Error, "description": "Asked too often, or wrong tokens: wait for Retry-After."},
    431: {"model": Error, "description": "Path and query string are too long."},
    500: {"model": Error, "description": "A fault of the API; its log says more."},
    503: {"model": Error, "description": "Busy, or ClickHouse does not answer: wait for Retry-After."},
}
"""The errors that any route may answer."""


def operation_id(route: APIRoute) -> str:
    """Name an operation as its function is: what generated clients call."""
    return route.name


def publish(app: FastAPI) -> None:
    """Let `app` give its document at DOCUMENT_PATH, behind the gate as everything else."""
    app.openapi = lambda: document(app)  # type: ignore[method-assign] # FastAPI's own way to say so


def document(app: FastAPI) -> dict[str, Any]:
    """Give the document; made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=TITLE, version=VERSION, description=DESCRIPTION, routes=app.routes)
        made["servers"] = [{"url": "/", "description": "where this document was read"}]
        components = made["components"]
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for name in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(name, None)
        # A null is the same as nothing, in every field that may be left out.
        outcome = components["schemas"]["AccessEvent"]["properties"]["outcome"]
        outcome["anyOf"] = [{"type": outcome.pop("type"), "enum": outcome.pop("enum")}, {"type": "null"}]
        for path, operations in made["paths"].items():
            for operation in operations.values():
                _finish(path, operation)
        app.openapi_schema = made
    return app.openapi_schema


def _finish(path: str, operation: dict[str, Any]) -> None:
    is_open = path in OPEN_PATHS or WEBHOOK_PATH.fullmatch(path)
    operation["security"] = [] if is_open else [{"token": []}]
    # The first sentence of the docstring says more than the function's name does.
    operation["summary"] = operation.get("description", operation["summary"]).split("\n\n")[0].split(".")[0]
