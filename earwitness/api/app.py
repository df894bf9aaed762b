"""The read API as one ASGI application."""

import time
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import compile_path

from earwitness.api import (
    accesses,
    answers,
    dead_letters,
    evidence,
    health,
    judging,
    metrics,
    openapi,
    registers,
    searches,
    searching,
    sql,
    webhooks,
)
from earwitness.api.deliveries import Deliveries, Hooks
from earwitness.api.errors import Way, install
from earwitness.api.gate import Gate
from earwitness.api.limits import Limits
from earwitness.api.recording import Clock, utc_now
from earwitness.api.sources import Sources
from earwitness.health.readiness import Readiness
from models.errors import ConfigurationError, PipelineError

PATH: Final = "/api/v1"


def create_app(  # noqa: PLR0913 - one for each part that a caller may choose
    sources: Sources,
    *,
    token: str,
    largest_page: int,
    clock: Clock = utc_now,
    hooks: Hooks | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """Build the API, with the webhooks of registers where there are any.

    Raises `ConfigurationError` where the token is empty: it would let everyone in.
    """
    if not token:
        raise ConfigurationError(["EARWITNESS_API__TOKEN (api.token): must not be empty"])
    app = FastAPI(
        title=openapi.TITLE,
        openapi_url=openapi.DOCUMENT_PATH,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
        responses=openapi.FAULTS,
    )
    openapi.publish(app)
    app.state.sources = sources
    app.state.activity = sources.activity
    app.state.largest_page = largest_page
    app.state.limits = limits or Limits()
    app.state.clock = clock
    app.state.deliveries = None if hooks is None else Deliveries(hooks, sources, clock)
    ways: list[Way] = []
    for router in (
        searching.router,
        searches.router,
        accesses.router,
        judging.router,
        sql.router,
        evidence.router,
        registers.router,
        dead_letters.router,
        webhooks.router,
    ):
        app.include_router(router, prefix=PATH)
        ways += [_way(route) for route in router.routes if isinstance(route, APIRoute)]
    app.state.ways = ways
    app.state.readiness = sources.readiness or Readiness((), time.monotonic)
    app.include_router(metrics.router, include_in_schema=False)
    app.include_router(health.router, include_in_schema=False)
    healthz = _health(sources.is_ready)
    for path in ("/healthz", f"{PATH}/healthz"):
        is_public = path.startswith(PATH)
        app.add_api_route(
            path, healthz, methods=["GET"], response_model=answers.Ready, include_in_schema=is_public
        )
    app.add_middleware(Gate, token=token, most_requests=app.state.limits.most_requests)
    install(app)
    return app


def _way(route: APIRoute) -> Way:
    return Way(compile_path(PATH + route.path)[0], frozenset(route.methods or ()))


def _health(is_ready: Callable[[], bool]) -> Callable[[], JSONResponse]:
    def healthz() -> JSONResponse:
        """Say whether questions can be answered, and nothing else: nobody has to say who they are."""
        try:
            ready = is_ready()
        except PipelineError:
            ready = False
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    return healthz
