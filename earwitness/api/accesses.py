"""Routes about accesses: one of them, its explanation, and a customer's report."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import answers
from earwitness.api.errors import NotFound, NotYetRecorded
from earwitness.api.limits import AT_LEAST_ONE, ROWS, SINCE, UNTIL
from earwitness.api.permissions import Need, caller_of
from earwitness.api.recording import Asked, Asking
from earwitness.api.searching import DEFAULT_ROWS
from earwitness.api.sources import From, Sources, page_limit
from earwitness.api.withholding import without_actors
from earwitness.query.moments import parse_moment, parse_past
from earwitness.query.rows import Row, customers_of
from models.fields import format_time

Identifier = Annotated[str, Path(examples=["0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"])]

router: Final = APIRouter(tags=["accesses"])


class ReportQuestion(BaseModel):
    """The interval of event time that a report covers, all of it by default, and how many rows it lists."""

    model_config = ConfigDict(extra="forbid")

    since: str | None = Field(None, description=SINCE, examples=["90d"])
    until: str | None = Field(None, description=UNTIL)
    limit: int = Field(DEFAULT_ROWS, description=ROWS, json_schema_extra=AT_LEAST_ONE)


class AsOfQuestion(BaseModel):
    """The instant whose knowledge is asked for; without it, what is known now."""

    model_config = ConfigDict(extra="forbid")

    as_of: str | None = Field(None, description="an instant of the past", examples=["24h"])


@router.get("/accesses/{identifier}", response_model=answers.Accesses, operation_id="show_access")
def show(
    identifier: Identifier, question: Annotated[AsOfQuestion, Query()], asked: Asked, sources: From
) -> JSONResponse:
    """Give the accesses with that id, one for each source that used it, as known at an instant.

    `stale` tells, for each of them, of the registers that were overdue when it was judged.
    """
    as_of = _past(question.as_of, asked.now)
    rows = _found(identifier, asked, sources, "show", as_of)
    return asked.answer(
        {
            "accesses": rows,
            "stale": [sources.registers.stale(row) for row in rows],
            "as_of": _shown(as_of),
        },
        "show",
        _asked_of(identifier, as_of),
        customer_ids=customers_of(rows),
        row_count=len(rows),
    )


@router.get(
    "/accesses/{identifier}/explanation", response_model=answers.Explanations, operation_id="explain_access"
)
def explain(
    identifier: Identifier, question: Annotated[AsOfQuestion, Query()], asked: Asked, sources: From
) -> JSONResponse:
    """Say why each access with that id has its verdict, or had it at an instant."""
    as_of = _past(question.as_of, asked.now)
    rows = _found(identifier, asked, sources, "explain", as_of)
    explanations = [{**sources.explain(row, as_of), "stale": sources.registers.stale(row)} for row in rows]
    return asked.answer(
        {"explanations": explanations, "as_of": _shown(as_of)},
        "explain",
        _asked_of(identifier, as_of),
        customer_ids=customers_of(rows),
        row_count=len(rows),
    )


@router.get(
    "/reports/customer/{customer_id:path}",
    response_model=answers.CustomerReport,
    operation_id="report_customer",
)
def report(
    customer_id: str,
    question: Annotated[ReportQuestion, Query()],
    request: Request,
    asked: Asked,
    sources: From,
) -> JSONResponse:
    """Say who touched one customer's content, when and why."""
    since, until = _moment(question.since, asked.now), _moment(question.until, asked.now)
    found = sources.trail.about_customer(
        customer_id, since=since, until=until, limit=page_limit(request, question.limit)
    )
    shown = found._asdict()
    if not caller_of(request).may(Need.ACTORS):
        shown = without_actors(shown)
    return asked.answer(
        {**shown, "since": _shown(since), "until": _shown(until)},
        "report.customer",
        f"{customer_id} {_interval(since, until)}".strip(),
        customer_ids=[customer_id],
        row_count=found.total,
    )


def _found(
    identifier: str, asked: Asking, sources: Sources, action: str, as_of: datetime | None
) -> list[Row]:
    """Give the rows of an id as known at `as_of`. That there are none is an answer too, and is recorded."""
    rows = sources.trail.accesses(identifier)
    if not rows:
        asked.record(action, _asked_of(identifier, as_of), row_count=0)
        raise NotFound(f"no access has the id {identifier}")
    if as_of is None:
        return rows
    known = [row for row in (sources.trail.as_known_at(row, as_of) for row in rows) if row is not None]
    if not known:
        asked.record(action, _asked_of(identifier, as_of), customer_ids=customers_of(rows), row_count=0)
        raise NotYetRecorded(
            f"the access {identifier} was not yet recorded at {format_time(as_of)}; it was received at"
            f" {rows[0]['received_at']} and recorded at {rows[0]['recorded_at']}"
        )
    return known


def _asked_of(identifier: str, as_of: datetime | None) -> str:
    return f"{identifier} --as-of {format_time(as_of)}" if as_of else identifier


def _past(text: str | None, now: datetime) -> datetime | None:
    return parse_past(text, now) if text is not None else None


def _moment(text: str | None, now: datetime) -> datetime | None:
    return parse_moment(text, now) if text else None


def _shown(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _interval(since: datetime | None, until: datetime | None) -> str:
    """Name the interval in the record of what was asked; relative times would mean nothing there."""
    bounds = {"since": _shown(since), "until": _shown(until)}
    return " ".join(f"--{name} {bound}" for name, bound in bounds.items() if bound)
