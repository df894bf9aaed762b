"""Routes about accesses: one of them, and its explanation."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import answers
from earwitness.api.errors import NotFound, NotYetRecorded
from earwitness.api.recording import Asked, Asking
from earwitness.api.sources import From, Sources
from earwitness.query.moments import parse_past
from earwitness.query.rows import Row, customers_of
from models.fields import format_time

Identifier = Annotated[str, Path(examples=["0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"])]

router: Final = APIRouter(tags=["accesses"])


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
    explanations = explained(identifier, asked, sources, as_of)
    return asked.answer(
        {"explanations": explanations, "as_of": _shown(as_of)},
        "explain",
        _asked_of(identifier, as_of),
        customer_ids=customers_of([each["access"] for each in explanations]),
        row_count=len(explanations),
    )


def explained(
    identifier: str, asked: Asking, sources: Sources, as_of: datetime | None
) -> list[dict[str, Any]]:
    """Explain each access of an id. That there is none is recorded, and raised as `NotFound`."""
    rows = _found(identifier, asked, sources, "explain", as_of)
    return [{**sources.explain(row, as_of), "stale": sources.registers.stale(row)} for row in rows]


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


def _shown(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
