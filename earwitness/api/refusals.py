"""Who was refused what: written to the activity log as well, for an auditor wants to see who tried."""

import time
from typing import Final
from uuid import uuid4

import structlog
from fastapi import Request

from earwitness.api.permissions import caller_of
from earwitness.api.recording import surface_of
from earwitness.api.throttling import RateLimit
from models.errors import SinkUnavailable
from sinks.clickhouse.activity import Activity

log = structlog.get_logger()

PER_MINUTE: Final = 30
"""Refusals of one token that are recorded; who goes on asking fills no table."""

LONGEST_QUERY: Final = 1_000
ACTION: Final = "refused"


class Refusals:
    """Records refusals. A refusal that cannot be recorded stays one: nothing is given away by it."""

    def __init__(self) -> None:
        self._rate = RateLimit(PER_MINUTE)

    def note(self, request: Request) -> None:
        """Record that the caller of this request was refused it."""
        caller = caller_of(request)
        if self._rate.wait_s(caller.name, time.monotonic()):
            return
        asked = f"{request.method} {request.url.path}"
        if request.url.query:
            asked += f"?{request.url.query}"
        try:
            request.app.state.activity.write(
                Activity(
                    id=uuid4(),
                    time=request.app.state.clock(),
                    principal=caller.name,
                    surface=surface_of(request),
                    action=ACTION,
                    query=asked[:LONGEST_QUERY],
                    customer_ids=(),
                    row_count=None,
                )
            )
        except SinkUnavailable as error:
            log.warning("refusal_not_recorded", principal=caller.name, error=str(error))
