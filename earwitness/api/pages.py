"""Routes of pages: all there is of one actor, customer, resource or evidence record."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from earwitness.api import answers
from earwitness.api.limits import Limits
from earwitness.api.permissions import Need, caller_of, require
from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.language import write
from earwitness.query.moments import parse_bound, refuse_reversed
from earwitness.query.pages import PageKind, about, life_of
from earwitness.query.rows import customers_of
from earwitness.query.trail import Mark, Search

DEFAULT_ROWS: Final = 20

router: Final = APIRouter(tags=["pages"])


class PageQuestion(BaseModel):
    """The interval of event time, all of it by default, and which accesses are listed.

    With `after`, the mark of a next page, only further accesses are given: the counts stand on the first.
    """

    model_config = ConfigDict(extra="forbid")

    since: str | None = None
    until: str | None = None
    limit: int = DEFAULT_ROWS
    after: str | None = None


@router.get("/pages/{kind}/{identifier:path}", response_model=answers.Page)
def page(  # noqa: PLR0913, PLR0917 - what a route is given
    kind: PageKind,
    identifier: str,
    question: Annotated[PageQuestion, Query()],
    request: Request,
    asked: Asked,
    sources: From,
) -> Response:
    """Say when it was first and last seen and how often, by clause, verdict and purpose; list accesses."""
    after = Mark.read(question.after) if question.after else None
    asked_at = after.asked_at if after else asked.now
    since, until = parse_bound(question.since, asked_at), parse_bound(question.until, asked_at)
    refuse_reversed(since, until, "time")
    if kind == "evidence":
        require(caller_of(request), Need.EVIDENCE)
        life = life_of(sources.evidence.versions(identifier))
        since = max(filter(None, (since, life.begin)), default=None)
        until = min(filter(None, (until, life.end)), default=None)
    limits: Limits = request.app.state.limits
    since = limits.begin(since, until, asked_at)
    limits.check_range(since, until, asked_at)
    query = about(kind, identifier, since=since, until=until)
    listed = sources.trail.search(Search(query, asked_at, page_limit(request, question.limit), after))
    body: dict[str, Any] = {"kind": kind, "id": identifier, "query": write(query)}
    count = len(listed.rows)
    if after is None:
        seen = sources.pages.seen(query, kind)
        body |= seen._asdict()
        count = seen.total
    return asked.answer(
        {**body, "accesses": listed.rows, "next": listed.next},
        f"page.{kind}",
        write(query),
        customer_ids=[identifier] if kind == "customer" else customers_of(listed.rows),
        row_count=count,
    )
