"""The route that Prometheus scrapes.

It is behind the gate like everything else: that the ticket system is down right now is what somebody
without a ticket would like to know. Prometheus sends the token by `authorization: credentials_file`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from earwitness.api.sources import From
from earwitness.metrics import (
    READY,
    REGISTER_INTERVAL,
    REGISTER_LAST_HEARTBEAT,
    REGISTER_OVERDUE,
    Sample,
    expose,
)
from models.registers import RegisterState

router: Final = APIRouter()


@router.get("/metrics")
def metrics(request: Request, sources: From) -> Response:
    """Give the metrics of the registers. Where the store does not answer this is 503, so the scrape fails."""
    now = request.app.state.clock()
    watched = [state for state in sources.registers.current() if not state.retired]
    ready = Sample(READY, (), float(request.app.state.readiness.readiness().ok))
    samples = [ready, *(sample for state in watched for sample in _samples(state, now))]
    return Response(expose(samples), media_type=CONTENT_TYPE_LATEST)


def _samples(state: RegisterState, now: datetime) -> Iterator[Sample]:
    labels = (state.name,)
    yield Sample(REGISTER_OVERDUE, labels, float(state.overdue_s(now) > 0))
    yield Sample(REGISTER_LAST_HEARTBEAT, labels, state.beat_at.timestamp())
    yield Sample(REGISTER_INTERVAL, labels, float(state.every_s))
