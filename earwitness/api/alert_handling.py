"""Routes by which people handle alerts. Each is recorded before it is done; what makes no sense is a 409."""

from typing import Annotated, Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from earwitness.alerts.handling import Handling, hindrance
from earwitness.alerts.words import Text
from earwitness.api import alert_answers
from earwitness.api.alerts import Identifier
from earwitness.api.errors import Conflict
from earwitness.api.recording import Asked, Asking
from earwitness.api.sources import From, Sources
from earwitness.query.rows import customers_of
from models.alerts import Outcome
from models.fields import check_identifier

router: Final = APIRouter(tags=["alerts"])


class Assignment(BaseModel):
    """Who is to look into it: a name of a token, or any name that is known here."""

    model_config = ConfigDict(extra="forbid")

    assignee: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=128),
        AfterValidator(check_identifier),
    ]


class Note(BaseModel):
    """What somebody has to say of an alert. No content, and no telephone number."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class Closure(BaseModel):
    """What it turned out to be (`true`: misuse; `explained`: a good reason; `false`: nothing), and why."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    note: Text


class Reopening(BaseModel):
    """Why it is not over."""

    model_config = ConfigDict(extra="forbid")

    note: Text


@router.post("/alerts/{identifier}/acknowledgement", response_model=alert_answers.Alert)
def acknowledge_alert(identifier: Identifier, asked: Asked, sources: From) -> JSONResponse:
    """Say that somebody looks into an alert: who asks."""
    return _handled(identifier, "acknowledged", "alerts.acknowledge", asked, sources)


@router.post("/alerts/{identifier}/assignment", response_model=alert_answers.Alert)
def assign_alert(identifier: Identifier, given: Assignment, asked: Asked, sources: From) -> JSONResponse:
    """Say who is to look into an alert."""
    return _handled(identifier, "assigned", "alerts.assign", asked, sources, assignee=given.assignee)


@router.post("/alerts/{identifier}/notes", response_model=alert_answers.Alert)
def note_alert(identifier: Identifier, given: Note, asked: Asked, sources: From) -> JSONResponse:
    """Add a note to an alert, also to a closed one."""
    return _handled(identifier, "noted", "alerts.note", asked, sources, text=given.text)


@router.post("/alerts/{identifier}/closure", response_model=alert_answers.Alert)
def close_alert(identifier: Identifier, given: Closure, asked: Asked, sources: From) -> JSONResponse:
    """Close an alert, and say what it turned out to be."""
    return _handled(
        identifier, "closed", "alerts.close", asked, sources, outcome=given.outcome, text=given.note
    )


@router.post("/alerts/{identifier}/reopening", response_model=alert_answers.Alert)
def reopen_alert(identifier: Identifier, given: Reopening, asked: Asked, sources: From) -> JSONResponse:
    """Open a closed alert again."""
    return _handled(identifier, "reopened", "alerts.reopen", asked, sources, text=given.note)


def _handled(
    identifier: str, handling: Handling, action: str, asked: Asking, sources: Sources, **told: str
) -> JSONResponse:
    alert = sources.desk.found(identifier)
    if hindered := hindrance(handling, alert["state"]):
        raise Conflict(f"alert {alert['id']}: {hindered[0]}", hindered[1])
    words = [f"--{name} {text}" for name, text in told.items()]
    customers = customers_of([alert["grouping"]])
    asked.record(action, " ".join((alert["id"], *words)), customer_ids=customers, row_count=1)
    return JSONResponse(sources.desk.handle(alert, handling, asked.principal, asked.now, **told))
