"""The route that reads the activity log. Reading it is recorded there as well."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from earwitness.api import answers
from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.activity import ACTIVITY_TERMS, Wanted
from earwitness.query.moments import parse_bound
from models.fields import format_time

DEFAULT_SPAN: Final = timedelta(hours=24)
DEFAULT_ROWS: Final = 100

router: Final = APIRouter(tags=["activity"])


class ActivityQuestion(BaseModel):
    """Whose activity, of which kind, through what and about which customers, from when until when.

    Commas separate alternatives. An action is named by its beginning, as `alerts.`; of a reading, up to 100
    customers are on record.
    """

    model_config = ConfigDict(extra="forbid")

    principal: str = ""
    action: str = ""
    surface: str = ""
    customer: str = ""
    since: str | None = None
    until: str | None = None
    limit: int = DEFAULT_ROWS


@router.get("/activity", response_model=answers.Activity)
def list_activity(
    question: Annotated[ActivityQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """Say who asked what of this system, newest first; by default in the last 24 hours."""
    since = parse_bound(question.since, asked.now) or asked.now - DEFAULT_SPAN
    until = parse_bound(question.until, asked.now)
    chosen = question.model_dump(include=set(ACTIVITY_TERMS), exclude_defaults=True)
    alternatives = {name: [one for one in text.split(",") if one] for name, text in chosen.items()}
    rows = sources.done.newest(Wanted(since, until, **alternatives), page_limit(request, question.limit))
    chosen |= {"since": format_time(since)} | ({"until": format_time(until)} if until else {})
    return asked.answer(
        {"rows": rows, "since": format_time(since), "until": format_time(until) if until else None},
        "activity",
        " ".join(f"--{name} {value}" for name, value in chosen.items()),
        row_count=len(rows),
    )
