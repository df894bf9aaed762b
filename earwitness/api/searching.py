"""Routes that take a query: search, and what may follow while somebody types one."""

from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.language import (
    Query as TrailQuery,
)
from earwitness.query.language import (
    all_of,
    between,
    complete,
    fixed,
    names_a_time,
    parse,
    reach,
    write,
)
from earwitness.query.moments import parse_moment
from earwitness.query.rows import customers_of
from earwitness.query.trail import Mark, Search
from models.errors import QueryRejected
from models.fields import format_time

DEFAULT_SPAN: Final = timedelta(hours=24)
DEFAULT_ROWS: Final = 100

_MICROSECOND: Final = timedelta(microseconds=1)

router: Final = APIRouter()


class TrailQuestion(BaseModel):
    """Which accesses: a query in the query language, and bounds of event time beside it.

    `query` is the older name of `q`.
    """

    model_config = ConfigDict(extra="forbid")

    q: str = ""
    query: str = ""
    since: str | None = None
    until: str | None = None


class SearchQuestion(TrailQuestion):
    """What `search` asks, and which page of the answer."""

    limit: int = DEFAULT_ROWS
    after: str | None = None


class CompletionQuestion(BaseModel):
    """A query that is being typed, and the cursor in it; without one it stands at the end."""

    model_config = ConfigDict(extra="forbid")

    q: str = ""
    cursor: int | None = None


class Whole(NamedTuple):
    """All that a question asks, as one query without relative times: it means the same at any time.

    `text` is that query in its canonical form, which is what is recorded. `since` and `until` bound the
    event time of what it can find, as it says itself.
    """

    query: TrailQuery
    text: str
    since: str | None
    until: str | None


@router.get("/search")
def search(
    question: Annotated[SearchQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """Find accesses by a query, newest first; by default those of the last 24 hours."""
    after = Mark.read(question.after) if question.after else None
    asked_at = after.asked_at if after else asked.now
    whole = whole_question(question, asked_at)
    limit = page_limit(request, question.limit)
    page = sources.trail.search(Search(whole.query, asked_at, limit, after))
    return asked.answer(
        {
            "rows": page.rows,
            "next": page.next,
            "query": whole.text,
            "since": whole.since,
            "until": whole.until,
        },
        "search",
        whole.text,
        customer_ids=customers_of(page.rows),
        row_count=len(page.rows),
    )


@router.get("/search/completions")
def completions(question: Annotated[CompletionQuestion, Query()]) -> JSONResponse:
    """Say what may be written at the cursor: fields, and the values of those that have few.

    It tells nothing of the trail, so it is not recorded.
    """
    cursor = len(question.q) if question.cursor is None else question.cursor
    found = complete(question.q, cursor)
    return JSONResponse(
        {
            "begin": found.place.begin,
            "end": found.place.end,
            "candidates": [candidate._asdict() for candidate in found.candidates],
        }
    )


def whole_question(question: TrailQuestion, now: datetime) -> Whole:
    """Make one query of all that is asked at `now`; one that names no time is about the last 24 hours."""
    if question.q and question.query:
        raise QueryRejected("q and query are two names for the same", "give q alone")
    typed = parse(question.q or question.query)
    since = parse_moment(question.since, now) if question.since else None
    until = parse_moment(question.until, now) if question.until else None
    if since is None and not names_a_time(typed):
        since = now - DEFAULT_SPAN
    query = fixed(all_of((typed, between(since, until))), now)
    begin, end = reach(query, "time")
    return Whole(
        query,
        write(query),
        format_time(begin) if begin else None,
        format_time(end + _MICROSECOND) if end else None,
    )
