"""The read API as one ASGI application."""

import time
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import compile_path

from earwitness.api import (
    accesses,
    activity,
    alert_handling,
    alerts,
    answers,
    browser,
    dead_letters,
    evidence,
    exports,
    health,
    judging,
    metrics,
    openapi,
    pages,
    registers,
    reports,
    searches,
    searching,
    silences,
    sql,
    tokens,
    webhooks,
)
from earwitness.api import statements as statements_
from earwitness.api.deliveries import Deliveries, Hooks
from earwitness.api.errors import Way, install
from earwitness.api.gate import Gate
from earwitness.api.keys import Keys
from earwitness.api.limits import Limits
from earwitness.api.permissions import PATH, permitted
from earwitness.api.recording import Clock, utc_now
from earwitness.api.sources import From, Sources
from earwitness.api.statements import Statements
from earwitness.health.readiness import Readiness
from models.errors import ConfigurationError, PipelineError

ROUTERS: Final = (
    searching.router,
    searches.router,
    accesses.router,
    judging.router,
    sql.router,
    exports.router,
    reports.router,
    pages.router,
    activity.router,
    tokens.router,
    evidence.router,
    registers.router,
    dead_letters.router,
    alerts.router,
    alert_handling.router,
    silences.router,
    webhooks.router,
)


PAGE_ROUTERS: Final = (browser.router, statements_.router)
"""Pages for people, beside the API."""


def create_app(  # noqa: PLR0913 - one for each part that a caller may choose
    sources: Sources,
    *,
    token: str,
    largest_page: int,
    clock: Clock = utc_now,
    hooks: Hooks | None = None,
    statements: Statements | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """Build the API, with the webhooks of registers and the pages for actors where there are any.

    Raises `ConfigurationError` where the token is empty: it would let everyone in.
    """
    if not token:
        raise ConfigurationError(["EARWITNESS_API__TOKEN (api.token): must not be empty"])
    app = _routed()
    app.state.sources = sources
    app.state.activity = sources.activity
    app.state.largest_page = largest_page
    app.state.limits = limits or Limits()
    app.state.clock = clock
    app.state.statements = statements
    app.state.keys = Keys(token, sources.tokens, clock)
    app.state.deliveries = None if hooks is None else Deliveries(hooks, sources, clock)
    app.state.readiness = sources.readiness or Readiness((), time.monotonic)
    app.add_middleware(Gate, keys=app.state.keys, most_requests=app.state.limits.most_requests)
    install(app)
    return app


def openapi_document() -> dict[str, Any]:
    """Give the document of the API, which needs nothing to answer from."""
    return openapi.document(_routed())


def _routed() -> FastAPI:
    app = FastAPI(
        title=openapi.TITLE,
        openapi_url=openapi.DOCUMENT_PATH,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
        responses=openapi.FAULTS,
        dependencies=[Depends(permitted)],
    )
    openapi.publish(app)
    ways: list[Way] = []
    for router in ROUTERS:
        app.include_router(router, prefix=PATH)
        ways += [_way(route) for route in router.routes if isinstance(route, APIRoute)]
    app.state.ways = ways
    app.include_router(metrics.router, include_in_schema=False)
    app.include_router(health.router, include_in_schema=False)
    for router in PAGE_ROUTERS:
        app.include_router(router, include_in_schema=False)
    app.add_api_route("/healthz", healthz, methods=["GET"], include_in_schema=False)
    app.add_api_route(f"{PATH}/healthz", healthz, methods=["GET"], response_model=answers.Ready)
    return app


def _way(route: APIRoute) -> Way:
    return Way(compile_path(PATH + route.path)[0], frozenset(route.methods or ()))


def healthz(sources: From) -> JSONResponse:
    """Say whether questions can be answered, and nothing else: nobody has to say who they are."""
    try:
        ready = sources.is_ready()
    except PipelineError:
        ready = False
    return JSONResponse({"ready": ready}, status_code=200 if ready else 503)
