"""What the API answers from, and how its routes reach that."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Protocol

from fastapi import Depends, Request

from earwitness.api.recording import ActivitySink
from earwitness.health.readiness import Readiness
from earwitness.query.dead_letters import DeadLetters
from earwitness.query.evidence import Evidence
from earwitness.query.exporting import Exports
from earwitness.query.pages import Pages
from earwitness.query.registers import Registers
from earwitness.query.reports import Reports
from earwitness.query.rows import Row
from earwitness.query.store import Store
from earwitness.query.summaries import Summaries
from earwitness.query.trail import Trail
from models.errors import QueryRejected
from models.registers import Heartbeat
from sinks.clickhouse.heartbeats import Teller


class Explain(Protocol):
    """Says why a row has its verdict, from what was known when it was judged."""

    def __call__(self, row: Row, as_of: datetime | None = None) -> dict[str, Any]:
        """Give the explanation as JSON; with `as_of`, nothing that was learned after it."""


class HeartbeatSink(Protocol):
    """Where registers beat. Both raise `SinkUnavailable` where nothing is known to be durable."""

    def beat(self, heartbeat: Heartbeat, by: Teller) -> bool:
        """Keep a beat; say whether it changed what was known of the register."""

    def retire(self, name: str, by: Teller) -> bool:
        """Expect nothing of a register any more; False where none of that name beats."""


class Sources(NamedTuple):
    """What the API answers from. `statements` runs people's own SQL, as a user with no other grant."""

    trail: Trail
    summaries: Summaries
    exports: Exports
    pages: Pages
    reports: Reports
    evidence: Evidence
    registers: Registers
    heartbeats: HeartbeatSink
    dead_letters: DeadLetters
    statements: Store
    explain: Explain
    activity: ActivitySink
    is_ready: Callable[[], bool]
    readiness: Readiness | None = None
    """What /readyz tells; without it the API is always ready."""


def page_limit(request: Request, limit: int) -> int:
    """Give `limit` where one answer may hold so many rows; else raise `QueryRejected`."""
    largest: int = request.app.state.largest_page
    if not 1 <= limit <= largest:
        raise QueryRejected(
            f"limit is {limit}", f"one answer holds 1 to {largest} rows; ask for the next page"
        )
    return limit


def _sources(request: Request) -> Sources:
    sources: Sources = request.app.state.sources
    return sources


From = Annotated[Sources, Depends(_sources)]
