"""The read API as one ASGI application."""

import time
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from earwitness.api import (
    accesses,
    dead_letters,
    evidence,
    exports,
    health,
    metrics,
    pages,
    registers,
    reports,
    searching,
    sql,
    webhooks,
)
from earwitness.api.deliveries import Deliveries, Hooks
from earwitness.api.errors import install
from earwitness.api.gate import Gate
from earwitness.api.recording import Clock, utc_now
from earwitness.api.sources import Sources
from earwitness.health.readiness import Readiness
from models.errors import ConfigurationError, PipelineError

PATH: Final = "/api/v1"


def create_app(
    sources: Sources,
    *,
    token: str,
    largest_page: int,
    clock: Clock = utc_now,
    hooks: Hooks | None = None,
) -> FastAPI:
    """Build the API, with the webhooks of registers where there are any.

    Raises `ConfigurationError` where the token is empty: it would let everyone in.
    """
    if not token:
        raise ConfigurationError(["EARWITNESS_API__TOKEN (api.token): must not be empty"])
    app = FastAPI(title="earwitness", openapi_url=None)
    app.state.sources = sources
    app.state.activity = sources.activity
    app.state.largest_page = largest_page
    app.state.clock = clock
    app.state.deliveries = None if hooks is None else Deliveries(hooks, sources, clock)
    for router in (
        searching.router,
        accesses.router,
        sql.router,
        exports.router,
        reports.router,
        pages.router,
        evidence.router,
        registers.router,
        dead_letters.router,
        webhooks.router,
    ):
        app.include_router(router, prefix=PATH)
    app.state.readiness = sources.readiness or Readiness((), time.monotonic)
    app.include_router(metrics.router)
    app.include_router(health.router)
    healthz = _health(sources.is_ready)
    for path in ("/healthz", f"{PATH}/healthz"):
        app.add_api_route(path, healthz, methods=["GET"])
    app.add_middleware(Gate, token=token)
    install(app)
    return app


def _health(is_ready: Callable[[], bool]) -> Callable[[], JSONResponse]:
    def healthz() -> JSONResponse:
        """Say whether questions can be answered, and nothing else: nobody has to say who they are."""
        try:
            ready = is_ready()
        except PipelineError:
            ready = False
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    return healthz
