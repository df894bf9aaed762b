"""Routes about silences: what nobody is told of, for a reason, until an end. Alerts are still raised."""

from datetime import datetime
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from earwitness.alerts.handling import LONGEST_SILENCE
from earwitness.alerts.spans import read_span
from earwitness.alerts.words import Text
from earwitness.api import alert_answers
from earwitness.api.alerts import Identifier
from earwitness.api.desk import Desk
from earwitness.api.errors import Conflict, NotFound
from earwitness.api.recording import Asked
from earwitness.api.sources import From
from earwitness.query.alerts import silence_of
from earwitness.query.language.fields import closest
from earwitness.query.moments import parse_moment
from earwitness.query.rows import customers_of
from models.alerts import Silence
from models.errors import QueryRejected
from models.fields import format_time

MOST_PARTS: Final = 4
_Named = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Value = Annotated[str, StringConstraints(min_length=1, max_length=256)]

router: Final = APIRouter(tags=["alerts"])


class SilenceWish(BaseModel):
    """What is to be silent: alerts of a rule, alerts whose grouping holds this, or both together.

    `expires` is how long it lasts, as 12h or 7d, or until when (RFC 3339).
    """

    model_config = ConfigDict(extra="forbid")

    rule: str = Field("", max_length=64, examples=["bulk-access"])
    grouping: Annotated[dict[_Named, _Value], Field(max_length=MOST_PARTS)] = Field(
        default_factory=dict, examples=[{"actor_id": "e-1"}]
    )
    reason: Text = Field(examples=["a migration of recordings, CHG-12"])
    expires: str = Field(examples=["12h"])


class SilencesQuestion(BaseModel):
    """Whether those that are over are listed too."""

    model_config = ConfigDict(extra="forbid")

    ended: bool = False


@router.get("/silences", response_model=alert_answers.Silences)
def list_silences(
    question: Annotated[SilencesQuestion, Query()], asked: Asked, sources: From
) -> JSONResponse:
    """List silences, the newest first."""
    found = sources.desk.alerts.silences(now=asked.now, ended=question.ended)
    return asked.answer(
        {"silences": found},
        "silences.list",
        "--ended" if question.ended else "",
        customer_ids=customers_of([silence["grouping"] for silence in found]),
        row_count=len(found),
    )


@router.post("/silences", response_model=alert_answers.Silence, status_code=201)
def create_silence(wish: SilenceWish, asked: Asked, sources: From) -> JSONResponse:
    """Have nobody told of some alerts for a while."""
    _check(wish, sources.desk)
    silence = Silence(
        uuid4(),
        wish.rule,
        wish.grouping,
        wish.reason,
        asked.now,
        asked.principal,
        _end(wish.expires, asked.now),
    )
    asked.record("silences.create", _told(silence), customer_ids=customers_of([wish.grouping]), row_count=1)
    sources.desk.log.silence(silence, asked.principal)
    return JSONResponse(_shown(silence, asked.principal), status_code=201)


@router.delete("/silences/{identifier}", response_model=alert_answers.Silence)
def end_silence(identifier: Identifier, asked: Asked, sources: From) -> JSONResponse:
    """End a silence now. What was recorded of it stays."""
    found = sources.desk.alerts.silence(identifier, asked.now)
    if found is None:
        raise NotFound(f"no silence has the id {identifier}; `earwitness alerts silences` shows them")
    if not found["in_force"]:
        raise Conflict(f"silence {found['id']} is over since {found['expires_at']}")
    silence = silence_of(found)
    asked.record("silences.end", _told(silence), customer_ids=customers_of([silence.grouping]), row_count=1)
    sources.desk.log.end_silence(silence, asked.now, asked.principal)
    ended = silence._replace(expires_at=asked.now)
    return JSONResponse(_shown(ended, asked.principal, in_force=False))


def _check(wish: SilenceWish, desk: Desk) -> None:
    if not wish.rule and not wish.grouping:
        raise QueryRejected("this would silence everything", "name a rule, a grouping, or both")
    rules = desk.rules()
    if not wish.rule or not rules:
        return
    rule = desk.rule(wish.rule)
    if rule is None:
        known = [each.id for each in rules]
        near = closest(wish.rule, known)
        meant = f"did you mean {near}? " if near else ""
        raise QueryRejected(f"there is no rule {wish.rule}", f"{meant}there are {', '.join(known)}")
    if strange := sorted(set(wish.grouping) - set(rule.grouping.by)):
        raise QueryRejected(
            f"alerts of {rule.id} are not grouped by {', '.join(strange)}, so this would silence none",
            f"they are grouped by {', '.join(rule.grouping.by)}",
        )


def _end(text: str, now: datetime) -> datetime:
    try:
        end = now + read_span(text)
    except ValueError:
        end = parse_moment(text, now)
    if not now < end <= now + LONGEST_SILENCE:
        raise QueryRejected(
            f"a silence lasts at most {LONGEST_SILENCE.days} days, and ends in the future",
            "write how long, as 12h or 7d, or until when",
        )
    return end


def _told(silence: Silence) -> str:
    parts = [str(silence.id), *([f"--rule {silence.rule}"] if silence.rule else [])]
    parts += [f"--where {name}={value}" for name, value in silence.grouping.items()]
    return " ".join((*parts, f"--until {format_time(silence.expires_at)}", f"--reason {silence.reason}"))


def _shown(silence: Silence, by: str, *, in_force: bool = True) -> dict[str, object]:
    return {
        "id": str(silence.id),
        "rule": silence.rule or None,
        "grouping": dict(silence.grouping),
        "reason": silence.reason,
        "created_at": format_time(silence.created_at),
        "created_by": silence.created_by,
        "expires_at": format_time(silence.expires_at),
        "written_by": by,
        "in_force": in_force,
    }
