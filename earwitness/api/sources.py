"""What the API answers from, and how its routes reach that."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Protocol

from fastapi import Depends, Request

from earwitness.api.desk import Desk
from earwitness.api.keys import Tokens
from earwitness.api.permissions import Caller, caller_of
from earwitness.api.recording import ActivitySink
from earwitness.api.withholding import within
from earwitness.health.readiness import Readiness
from earwitness.query.activity import ActivityReading
from earwitness.query.dead_letters import DeadLetters
from earwitness.query.evidence import Evidence
from earwitness.query.exporting import Exports, FormattingStore
from earwitness.query.pages import Pages
from earwitness.query.registers import Registers
from earwitness.query.reports import Reports
from earwitness.query.rows import Row
from earwitness.query.saved_searches import SavedSearches
from earwitness.query.store import Store
from earwitness.query.summaries import Summaries
from earwitness.query.trail import Trail
from models.access import AccessEvent
from models.errors import QueryRejected, SinkUnavailable
from models.registers import Heartbeat
from sinks.clickhouse.heartbeats import Teller


class Explain(Protocol):
    """Says why a row has its verdict, from what was known when it was judged."""

    def __call__(self, row: Row, as_of: datetime | None = None) -> dict[str, Any]:
        """Give the explanation as JSON; with `as_of`, nothing that was learned after it."""


class Judge(Protocol):
    """Judges an event that nobody recorded, as if received at `now`."""

    def __call__(self, event: AccessEvent, now: datetime) -> dict[str, Any]:
        """Give verdict and explanation as JSON."""


class KeepSearch(Protocol):
    """Keeps a query under a name."""

    def __call__(self, name: str, query: str, saved_by: str) -> None:
        """Return once that is durable; an empty query deletes the name. Raises `SinkUnavailable`."""


class HeartbeatSink(Protocol):
    """Where registers beat. Both raise `SinkUnavailable` where nothing is known to be durable."""

    def beat(self, heartbeat: Heartbeat, by: Teller) -> bool:
        """Keep a beat; say whether it changed what was known of the register."""

    def retire(self, name: str, by: Teller) -> bool:
        """Expect nothing of a register any more; False where none of that name beats."""


class ScopedStores(NamedTuple):
    """The same ClickHouse user thrice: for our questions, for people's own SQL, and for exports."""

    own: Store
    statements: Store
    formatting: FormattingStore


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
    searches: SavedSearches
    keep_search: KeepSearch
    statements: Store
    explain: Explain
    dry_run: Judge
    activity: ActivitySink
    done: ActivityReading
    desk: Desk
    is_ready: Callable[[], bool]
    readiness: Readiness | None = None
    """What /readyz tells; without it the API is always ready."""

    tokens: Tokens | None = None
    """Without them there is the bootstrap token alone."""

    scoped: Callable[[str], ScopedStores] | None = None
    """Gives the stores of one of the ClickHouse users that stand for a scope."""


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
    caller = caller_of(request)
    return sources if caller.scope.is_everything else _within(sources, caller)


def _within(sources: Sources, caller: Caller) -> Sources:
    """Give what a scoped token is answered from: ClickHouse as its user, which sees its scope alone.

    Why an access has its verdict is said from all evidence, as the judge saw it, and then without what it
    names beyond the scope; that the access is within it, its user has found before.
    """
    if sources.scoped is None or not caller.scope_user:
        raise SinkUnavailable("this API cannot ask ClickHouse for a scope")
    stores = sources.scoped(caller.scope_user)

    def explain(row: Row, as_of: datetime | None = None) -> dict[str, Any]:
        return within(caller.scope, sources.explain(row, as_of))

    return sources._replace(
        trail=Trail(stores.own),
        summaries=Summaries(stores.own),
        exports=sources.exports.asking(stores.own, stores.formatting),
        pages=Pages(stores.own),
        reports=sources.reports.asking(stores.own),
        evidence=Evidence(stores.own),
        statements=stores.statements,
        explain=explain,
    )


From = Annotated[Sources, Depends(_sources)]
