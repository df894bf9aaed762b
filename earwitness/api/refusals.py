"""Who was refused what: written to the activity log as well, for an auditor wants to see who tried."""

import time
from typing import Final

import structlog
from fastapi import Request

from earwitness.api.recording import Asking, surface_of
from earwitness.api.throttling import LOCKED_S, MOST_WRONG_TOKENS, RateLimit
from models.errors import SinkUnavailable

log = structlog.get_logger()

PER_MINUTE: Final = 30
"""Refusals of one token that are recorded, and lock-outs of all addresses; who goes on fills no table."""

LONGEST_QUERY: Final = 1_000
REFUSED: Final = "refused"
LOCKED_OUT: Final = "locked_out"


class Refusals:
    """Records refusals. A refusal that cannot be recorded stays one: nothing is given away by it."""

    def __init__(self) -> None:
        self._rate = RateLimit(PER_MINUTE)

    def note(self, request: Request, principal: str) -> None:
        """Record that whoever holds the token of that name was refused what this request asks."""
        asked = f"{request.method} {request.url.path}"
        if request.url.query:
            asked += f"?{request.url.query}"
        self._keep(request, REFUSED, principal, asked, bucket=principal)

    def note_lock_out(self, request: Request, address: str) -> None:
        """Record that an address tried so many wrong tokens that it is not listened to for a while."""
        said = f"{MOST_WRONG_TOKENS} wrong tokens within {LOCKED_S:g} s"
        self._keep(request, LOCKED_OUT, f"address:{address}", said, bucket=LOCKED_OUT)

    def _keep(self, request: Request, action: str, principal: str, query: str, *, bucket: str) -> None:
        if self._rate.wait_s(f"{action} {bucket}", time.monotonic()):
            return
        state = request.app.state
        try:
            asking = Asking(state.activity, state.clock, principal=principal, surface=surface_of(request))
            asking.record(action, query[:LONGEST_QUERY])
        except SinkUnavailable as error:
            log.warning("refusal_not_recorded", action=action, principal=principal, error=str(error))
