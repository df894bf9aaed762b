"""The route of the dry run: what the judge would say of an access that nobody recorded."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from earwitness.api import answers
from earwitness.api.recording import Asked
from earwitness.api.sources import From
from models.access import AccessEvent
from models.errors import QueryRejected
from models.fields import format_time, made_at_ms

LATEST_AHEAD: Final = timedelta(minutes=5)
"""How far an event's instants may lie in the future, as where events are taken in (streams/copies.py)."""

EXAMPLE: Final = {
    "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
    "time": "2026-11-26T09:30:00Z",
    "source": "/services/call-player",
    "actor_type": "employee",
    "actor_id": "e-1",
    "action": "listen",
    "resource_type": "call_recording",
    "resource_id": "rec-7",
    "customer_id": "acme",
    "purpose": "resolve_complaint",
    "evidence_ref": "ticket:T-1",
}

router: Final = APIRouter(tags=["judging"])


@router.post("/judge", response_model=answers.Judged)
def judge(
    event: Annotated[AccessEvent, Body(examples=[EXAMPLE])], asked: Asked, sources: From
) -> JSONResponse:
    """Judge one access event as if received now: by the policy of its time and the registers as they stand.

    Nothing enters the trail, and no row of it is read; that somebody asked is recorded.
    """
    latest = asked.now + LATEST_AHEAD
    made_ms = made_at_ms(event.id)
    if event.time > latest or (made_ms is not None and made_ms > latest.timestamp() * 1_000):
        raise QueryRejected(
            f"the event names an instant after {format_time(latest)}: no access lies in the future",
            "its time, and the instant that a version 7 id holds, are at most 5 minutes ahead",
        )
    return asked.answer(
        sources.dry_run(event, asked.now),
        "judge",
        event.model_dump_json(exclude_none=True),
        customer_ids=[event.customer_id],
        row_count=0,
    )
