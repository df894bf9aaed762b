"""Routes that take a query: search, and what may follow while somebody types one."""

from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import answers
from earwitness.api.limits import AT_LEAST_ONE, ROWS, SINCE, UNTIL, Limits
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
    until_now,
    write,
)
from earwitness.query.moments import parse_bound
from earwitness.query.rows import customers_of
from earwitness.query.summaries import MOST_BARS, MOST_VALUES, counted_fields
from earwitness.query.trail import Mark, Search
from models.errors import QueryRejected
from models.fields import format_time

DEFAULT_SPAN: Final = timedelta(hours=24)
DEFAULT_ROWS: Final = 100
DEFAULT_FACETS: Final = "verdict,reason,clause,action,resource_type,actor_type"
DEFAULT_VALUES: Final = 10
DEFAULT_BARS: Final = 60

_MICROSECOND: Final = timedelta(microseconds=1)

router: Final = APIRouter(tags=["search"])


class TrailQuestion(BaseModel):
    """Which accesses: a query in the query language, and bounds of event time beside it.

    `query` is the older name of `q`.
    """

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", description="docs/query-language.md", examples=["actor:e-1 -verdict:justified"])
    query: str = Field("", description="the older name of q")
    since: str | None = Field(None, description=SINCE, examples=["7d", "2026-01-31"])
    until: str | None = Field(None, description=UNTIL, examples=["2026-02-01T00:00:00Z"])


class SearchQuestion(TrailQuestion):
    """What `search` asks, and which page of the answer."""

    limit: int = Field(DEFAULT_ROWS, description=ROWS, json_schema_extra=AT_LEAST_ONE)
    after: str | None = Field(None, description="`next` of the page before")


class FacetQuestion(TrailQuestion):
    """What `facets` asks: by which fields, separated by commas, and how many values of each."""

    fields: str = Field(DEFAULT_FACETS, examples=["verdict,actor"])
    limit: int = Field(DEFAULT_VALUES, json_schema_extra={"minimum": 1, "maximum": MOST_VALUES})


class HistogramQuestion(TrailQuestion):
    """What `histogram` asks, and how many bars its answer has at most."""

    bars: int = Field(DEFAULT_BARS, json_schema_extra={"minimum": 2, "maximum": MOST_BARS})


class CompletionQuestion(BaseModel):
    """A query that is being typed, and the cursor in it; without one it stands at the end."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", examples=["actor:e-1 verd"])
    cursor: int | None = Field(None, description="characters before the cursor")


class Whole(NamedTuple):
    """All that a question asks, as one query without relative times: it means the same at any time.

    `text` is that query in its canonical form, which is what is recorded. `since` and `until` bound the
    event time of what it can find, as it says itself.
    """

    query: TrailQuery
    text: str
    since: str | None
    until: str | None

    def told(self) -> dict[str, str | None]:
        """Give what every answer tells of its question."""
        return {"query": self.text, "since": self.since, "until": self.until}


@router.get("/search", response_model=answers.Found)
def search(
    question: Annotated[SearchQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """Find accesses by a query, newest first; by default those of the last 24 hours."""
    after = Mark.read(question.after) if question.after else None
    asked_at = after.asked_at if after else asked.now
    whole = whole_question(question, asked_at)
    check_range(request, whole, asked_at)
    limit = page_limit(request, question.limit)
    page = sources.trail.search(Search(whole.query, asked_at, limit, after))
    return asked.answer(
        {"rows": page.rows, "next": page.next, **whole.told()},
        "search",
        whole.text,
        customer_ids=customers_of(page.rows),
        row_count=len(page.rows),
    )


@router.get("/search/facets", response_model=answers.Facets, operation_id="count_facets")
def facets(
    question: Annotated[FacetQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """Count what a query finds by the values of fields."""
    whole = whole_question(question, asked.now)
    check_range(request, whole, asked.now)
    fields = counted_fields([name.strip() for name in question.fields.split(",")])
    _within("limit", question.limit, 1, MOST_VALUES)
    total = sources.summaries.total(whole.query)
    found = sources.summaries.facets(whole.query, fields, question.limit)
    return asked.answer(
        {
            "total": total,
            "facets": [
                {
                    "field": facet.field,
                    "distinct": facet.distinct,
                    "values": [{"value": value, "accesses": count} for value, count in facet.values],
                }
                for facet in found
            ],
            **whole.told(),
        },
        "search.facets",
        f"{whole.text} --fields {','.join(field.name for field in fields)}",
        customer_ids=[
            value for facet in found if facet.field == "customer_id" for value, _ in facet.values if value
        ],
        row_count=total,
    )


@router.get("/search/histogram", response_model=answers.Histogram, operation_id="count_histogram")
def histogram(
    question: Annotated[HistogramQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """Count what a query finds over time, by verdict. Without an end it ends now."""
    whole = whole_question(question, asked.now)
    check_range(request, whole, asked.now)
    if whole.until is None:
        whole = whole_of(all_of((whole.query, until_now(asked.now))))
    _within("bars", question.bars, 2, MOST_BARS)
    bars = sources.summaries.histogram(whole.query, question.bars)
    total = sum(sum(bar.verdicts.values()) for bar in bars)
    return asked.answer(
        {
            "total": total,
            "bars": [
                {
                    "begin": format_time(bar.begin),
                    "end": format_time(bar.end),
                    "accesses": sum(bar.verdicts.values()),
                    "verdicts": bar.verdicts,
                }
                for bar in bars
            ],
            **whole.told(),
        },
        "search.histogram",
        whole.text,
        row_count=total,
    )


@router.get("/search/completions", response_model=answers.Completions, operation_id="complete_query")
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


def check_range(request: Request, whole: Whole, now: datetime) -> None:
    """Refuse a question about more time than the settings allow."""
    limits: Limits = request.app.state.limits
    limits.check_range(*reach(whole.query, "time"), now)


def whole_question(question: TrailQuestion, now: datetime) -> Whole:
    """Make one query of all that is asked at `now`; one that names no time is about the last 24 hours."""
    if question.q and question.query:
        raise QueryRejected("q and query are two names for the same", "give q alone")
    typed = parse(question.q or question.query)
    since = parse_bound(question.since, now)
    until = parse_bound(question.until, now)
    if since is None and not names_a_time(typed):
        since = now - DEFAULT_SPAN
    return whole_of(fixed(all_of((typed, between(since, until))), now))


def whole_of(query: TrailQuery) -> Whole:
    """Tell of a query without relative times.

    Raises `QueryRejected` where its time ends before it begins: an answer of nothing would look innocent.
    """
    begin, end = reach(query, "time")
    if begin and end and end < begin:
        raise QueryRejected(
            f"the time asked for begins at {format_time(begin)} and ends before, at {format_time(end)}",
            "without a since, and without a time in the query, it begins 24 hours ago",
        )
    return Whole(
        query,
        write(query),
        format_time(begin) if begin else None,
        format_time(end + _MICROSECOND) if end else None,
    )


def _within(name: str, number: int, smallest: int, largest: int) -> None:
    if not smallest <= number <= largest:
        raise QueryRejected(f"{name} is {number}", f"it may be {smallest} to {largest}")
