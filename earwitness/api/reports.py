"""Routes of reports: about a customer, a vendor or a clause, as JSON, HTML or CSV."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from earwitness.api import answers
from earwitness.api.permissions import Forbidden, Need, caller_of, require
from earwitness.api.recording import Asked
from earwitness.api.sources import From
from earwitness.query.moments import parse_bound, refuse_reversed
from earwitness.query.reports import Asked as Report
from earwitness.query.reports import ReportKind
from earwitness.reports.csv import as_csv
from earwitness.reports.page import as_html
from models.errors import QueryRejected
from models.fields import format_time

ReportFormat = Literal["json", "html", "csv"]

DEFAULT_SPAN: Final = timedelta(days=30)
"""Of a vendor or a clause; a customer is owed all there is."""

_NO_SCRIPTS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}

router: Final = APIRouter(tags=["reports"])


class ReportQuestion(BaseModel):
    """The interval of event time, whether actors are named, and the format."""

    model_config = ConfigDict(extra="forbid")

    since: str | None = None
    until: str | None = None
    with_actors: bool = False
    format: ReportFormat = "json"


@router.get(
    "/reports/{kind}/{subject:path}",
    response_model=answers.Report,
    responses={200: {"content": {"text/html": {}, "text/csv": {}}}},
)
def report(  # noqa: PLR0913, PLR0917 - what a route is given
    kind: ReportKind,
    subject: str,
    question: Annotated[ReportQuestion, Query()],
    request: Request,
    asked: Asked,
    sources: From,
) -> Response:
    """Report what was done with a customer's content, by or for a vendor, or under a clause.

    Without bounds, all of a customer, and the last 30 days of a vendor or a clause.
    """
    if question.with_actors:
        require(caller_of(request), Need.ACTORS)
    if not subject.strip():
        raise QueryRejected(f"a report on a {kind} needs the name of one", f"ask for /reports/{kind}/NAME")
    scope = caller_of(request).scope
    if kind == "customer" and scope.customers and subject not in scope.customers:
        raise Forbidden(
            f"this token sees other customers alone; a report would deny what was done to {subject}"
        )
    wanted = _wanted(kind, subject, question, asked.now)._replace(scope=scope)
    if kind != "customer":  # what a customer is owed is all of it, and is found by an index
        request.app.state.limits.check_range(wanted.since, wanted.until, asked.now)
    found = sources.reports.make(wanted)
    asked.record(
        f"report.{kind}",
        _told(wanted),
        customer_ids=[subject] if kind == "customer" else [],
        row_count=found["total"],
    )
    return _formatted(found, question.format)


def _wanted(kind: ReportKind, subject: str, question: ReportQuestion, now: datetime) -> Report:
    since = parse_bound(question.since, now)
    until = parse_bound(question.until, now)
    if since is None and kind != "customer":
        since = (until or now) - DEFAULT_SPAN
    refuse_reversed(since, until, "report")
    return Report(kind, subject, since, until, now, question.with_actors)


def _told(wanted: Report) -> str:
    """Name what was asked in its record; relative times would mean nothing there."""
    bounds = {"since": wanted.since, "until": wanted.until}
    options = [f"--{name} {format_time(bound)}" for name, bound in bounds.items() if bound]
    return " ".join([wanted.subject, *options, *["--with-actors"] * wanted.with_actors])


def _formatted(found: dict[str, Any], form: ReportFormat) -> Response:
    match form:
        case "json":
            return JSONResponse(found)
        case "html":
            return Response(as_html(found), media_type="text/html; charset=utf-8", headers=dict(_NO_SCRIPTS))
        case "csv":
            return Response("".join(as_csv(found)), media_type="text/csv; charset=utf-8; header=present")
