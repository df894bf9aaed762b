"""Routes that show alerts: a list of them, one of them, and its accesses."""

from typing import Annotated, Final, get_args

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import alert_answers
from earwitness.api.limits import AT_LEAST_ONE, ROWS
from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.alerts import Wanted
from earwitness.query.language.fields import closest
from earwitness.query.moments import parse_bound
from earwitness.query.rows import Row, customers_of
from models.alerts import Severity, State
from models.errors import QueryRejected
from models.fields import format_time

DEFAULT_ROWS: Final = 100
Identifier = Annotated[str, Path(examples=["6f3a6f0e-6a4b-5c1d-9a55-5f0a3c1f7b10"])]
"""The id of an alert or silence, or its first eight characters and more."""

router: Final = APIRouter(tags=["alerts"])


class AlertsQuestion(BaseModel):
    """Which alerts to list. `state` and `severity` may be several, with commas; empty is any.

    `since` and `until` are about when it was raised; `actor` and `customer` about its accesses.
    """

    model_config = ConfigDict(extra="forbid")

    state: str = Field("", examples=["open,acknowledged"])
    rule: str = Field("", examples=["unexplained-access"])
    severity: str = Field("", examples=["high,critical"])
    assignee: str = ""
    actor: str = Field("", examples=["e-1"])
    customer: str = Field("", examples=["acme"])
    since: str | None = Field(None, description="raised from then on", examples=["7d"])
    until: str | None = Field(None, description="raised before then")
    limit: int = Field(DEFAULT_ROWS, description=ROWS, json_schema_extra=AT_LEAST_ONE)
    after: str | None = Field(None, description="the `next` of the page before")


class MembersQuestion(BaseModel):
    """Which accesses of an alert to list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(DEFAULT_ROWS, description=ROWS, json_schema_extra=AT_LEAST_ONE)
    after: str | None = Field(None, description="the `next` of the page before")


@router.get("/alerts", response_model=alert_answers.Alerts)
def list_alerts(
    question: Annotated[AlertsQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """List alerts, the one that was raised last first."""
    wanted = Wanted(
        states=_several(question.state, get_args(State), "state"),
        rule=question.rule,
        severities=_several(question.severity, get_args(Severity), "severity"),
        assignee=question.assignee,
        actor=question.actor,
        customer=question.customer,
        since=parse_bound(question.since, asked.now),
        until=parse_bound(question.until, asked.now),
    )
    limit = page_limit(request, question.limit)
    page = sources.desk.alerts.newest(wanted, limit=limit, after=question.after)
    return asked.answer(
        {"alerts": page.rows, "next": page.next},
        "alerts.list",
        _told(wanted),
        customer_ids=customers_of([alert["grouping"] for alert in page.rows]),
        row_count=len(page.rows),
    )


@router.get("/alerts/{identifier}", response_model=alert_answers.WholeAlert)
def show_alert(identifier: Identifier, asked: Asked, sources: From) -> JSONResponse:
    """Give one alert: what happened to it, its first accesses, who was told, and what is silenced."""
    alert = sources.desk.alerts.named(identifier)
    if alert is None:
        asked.record("alerts.show", identifier, row_count=0)
        alert = sources.desk.found(identifier)
    whole = sources.desk.described(alert, asked.now)
    return asked.answer(
        whole, "alerts.show", alert["id"], customer_ids=customers_in(whole), row_count=len(whole["members"])
    )


@router.get("/alerts/{identifier}/members", response_model=alert_answers.Members)
def list_members(
    identifier: Identifier,
    question: Annotated[MembersQuestion, Query()],
    request: Request,
    asked: Asked,
    sources: From,
) -> JSONResponse:
    """List the accesses of an alert, the oldest first, each with its verdict then and now."""
    limit = page_limit(request, question.limit)
    alert = sources.desk.alerts.named(identifier)
    if alert is None:
        asked.record("alerts.members", identifier, row_count=0)
        alert = sources.desk.found(identifier)
    page = sources.desk.alerts.members(alert["id"], limit=limit, after=question.after)
    return asked.answer(
        {"members": page.rows, "next": page.next},
        "alerts.members",
        alert["id"],
        customer_ids=customers_of(page.rows),
        row_count=len(page.rows),
    )


def customers_in(whole: Row) -> list[str]:
    """Name the customers that an answer about one alert names."""
    return customers_of([whole["alert"]["grouping"], *whole["members"]])


def _several(text: str, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    names = tuple(filter(None, (part.strip() for part in text.split(","))))
    for name in names:
        if name not in known:
            near = closest(name, known)
            meant = f"did you mean {near}? " if near else ""
            raise QueryRejected(f"{name!r} is no {what} of an alert", f"{meant}there are {', '.join(known)}")
    return names


def _told(wanted: Wanted) -> str:
    """Name what was asked in its record; relative times would mean nothing there."""
    texts = {
        "state": ",".join(wanted.states),
        "rule": wanted.rule,
        "severity": ",".join(wanted.severities),
        "assignee": wanted.assignee,
        "actor": wanted.actor,
        "customer": wanted.customer,
        "since": format_time(wanted.since) if wanted.since else "",
        "until": format_time(wanted.until) if wanted.until else "",
    }
    return " ".join(f"--{name} {text}" for name, text in texts.items() if text)
