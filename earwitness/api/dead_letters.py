"""Routes about dead letters: what could not be accepted, and its bytes to publish them again."""

import base64
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import answers
from earwitness.api.errors import NotFound
from earwitness.api.limits import AT_LEAST_ONE, ROWS
from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.dead_letters import WholeLetter, parse_position

DEFAULT_ROWS: Final = 100

router: Final = APIRouter(tags=["dead letters"])


class DeadLetterQuestion(BaseModel):
    """Which dead letters to list; an empty reason is any."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", examples=["unknown_field"])
    limit: int = Field(DEFAULT_ROWS, description=ROWS, json_schema_extra=AT_LEAST_ONE)


class ReplayQuestion(BaseModel):
    """The positions (`topic/partition/offset`) whose records are to be published again."""

    model_config = ConfigDict(extra="forbid")

    positions: tuple[str, ...] = Field(examples=[["access.events.v1/3/1204"]])


@router.get("/dead-letters", response_model=answers.Letters)
def list_dead_letters(
    question: Annotated[DeadLetterQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """List what could not be accepted, newest first, without its bytes."""
    letters = sources.dead_letters.newest(reason=question.reason, limit=page_limit(request, question.limit))
    return asked.answer(
        {"dead_letters": letters},
        "dead-letters.list",
        f"--reason {question.reason}" if question.reason else "",
        row_count=len(letters),
    )


@router.get("/dead-letters/{topic}/{partition}/{offset}", response_model=answers.WholeLetter)
def show_dead_letter(topic: str, partition: str, offset: str, asked: Asked, sources: From) -> JSONResponse:
    """Give one dead letter with its bytes and headers, as text where they are UTF-8."""
    position = parse_position(f"{topic}/{partition}/{offset}")
    letters = sources.dead_letters.at([position])
    if not letters:
        asked.record("dead-letters.show", str(position), row_count=0)
        raise NotFound(f"there is no dead letter at {position}")
    letter = letters[0]
    headers = [{"name": name, **_readable("value", value)} for name, value in letter.headers]
    body = {
        **letter.summary,
        **_readable("key", letter.key),
        **_readable("value", letter.value),
        "headers": headers,
    }
    return asked.answer({"dead_letter": body}, "dead-letters.show", str(position), row_count=1)


@router.post("/dead-letters/replays", response_model=answers.Replays, operation_id="replay_dead_letters")
def replay(question: ReplayQuestion, asked: Asked, sources: From) -> JSONResponse:
    """Record that these records are to be published again, and give their bytes to do so.

    The API has no right to publish accesses; who asks publishes, with a producer's own.
    """
    positions = [parse_position(text) for text in question.positions]
    letters = sources.dead_letters.at(positions)
    found = {letter.summary["position"] for letter in letters}
    return asked.answer(
        {
            "letters": [_raw(letter) for letter in letters],
            "missing": [str(position) for position in positions if str(position) not in found],
        },
        "dead-letters.replay",
        " ".join(question.positions),
        row_count=len(letters),
    )


def _readable(name: str, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(content).decode()}


def _raw(letter: WholeLetter) -> dict[str, Any]:
    return {
        "position": letter.summary["position"],
        "reason": letter.summary["reason"],
        "key_base64": base64.b64encode(letter.key or b"").decode(),
        "value_base64": base64.b64encode(letter.value).decode(),
        "headers_base64": [[name, base64.b64encode(value).decode()] for name, value in letter.headers],
    }
