"""Who read what: written to the activity log before the answer leaves."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from earwitness.api.permissions import PATH, caller_of
from sinks.clickhouse.activity import MOST_CUSTOMERS, Activity

COMMAND_AGENT: Final = "earwitness-cli/"
"""How the commands' User-Agent begins."""

Clock = Callable[[], datetime]


class ActivitySink(Protocol):
    """Where activity is kept."""

    def write(self, activity: Activity) -> None:
        """Return once the row is durable. Raises `SinkUnavailable`: then answer nothing."""


def utc_now() -> datetime:
    """Give the present instant."""
    return datetime.now(tz=UTC)


class Asking:
    """One request for something of the trail. The only way to an answer is to have it recorded."""

    def __init__(self, activity: ActivitySink, clock: Clock, *, principal: str, surface: str) -> None:
        self._activity = activity
        self.principal = principal
        self._surface = surface
        self.now = clock()

    def record(
        self, action: str, query: str, *, customer_ids: Sequence[str] = (), row_count: int | None = None
    ) -> None:
        """Keep what was asked, and whose customers are in the answer.

        Raises `SinkUnavailable` where that is not durable.
        """
        self._activity.write(
            Activity(
                id=uuid4(),
                time=self.now,
                principal=self.principal,
                surface=self._surface,
                action=action,
                query=query,
                customer_ids=tuple(customer_ids[:MOST_CUSTOMERS]),
                row_count=row_count,
            )
        )

    def answer(
        self,
        body: Any,  # noqa: ANN401 - JSON of any shape
        action: str,
        query: str,
        *,
        customer_ids: Sequence[str] = (),
        row_count: int,
    ) -> JSONResponse:
        """Record the reading, then give the answer."""
        self.record(action, query, customer_ids=customer_ids, row_count=row_count)
        return JSONResponse(body)


def asking(request: Request) -> Asking:
    """Begin the record of one request."""
    return Asking(
        request.app.state.activity,
        request.app.state.clock,
        principal=caller_of(request).name,
        surface=surface_of(request),
    )


def surface_of(request: Request) -> str:
    """Say through what somebody came: a page in a browser, our commands, or anything else."""
    if not request.url.path.startswith(PATH):
        return "page"
    return "cli" if request.headers.get("user-agent", "").startswith(COMMAND_AGENT) else "api"


Asked = Annotated[Asking, Depends(asking)]
