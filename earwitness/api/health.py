"""The routes by which an orchestrator asks how the API is: open, for they tell of no access.

They answer at once: ClickHouse is asked beside them, several times a second.
"""

from typing import Final

from fastapi import APIRouter, Request, Response

from earwitness.health.listener import health_answer
from earwitness.health.readiness import Health

router: Final = APIRouter()


@router.get("/livez")
async def livez(request: Request) -> Response:
    """Say whether the process can still come round by itself."""
    return _answer("alive", request.app.state.readiness.liveness())


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Say whether questions can be put on record and answered now; why not, where they cannot."""
    return _answer("ready", request.app.state.readiness.readiness())


def _answer(word: str, health: Health) -> Response:
    answer = health_answer(word, health)
    return Response(answer.body, status_code=answer.status, media_type=answer.content_type)
