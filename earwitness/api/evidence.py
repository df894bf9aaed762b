"""Routes about evidence: what the registers say, and what they said before."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import answers
from earwitness.api.errors import NotFound
from earwitness.api.limits import AT_LEAST_ONE, ROWS
from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.evidence import Item
from models.evidence import EvidenceKind

DEFAULT_ROWS: Final = 100

router: Final = APIRouter(tags=["evidence"])


class EvidenceQuestion(BaseModel):
    """Which records to list: of a kind, about a customer, with refs that begin so.

    `after` is the last ref of the page before.
    """

    model_config = ConfigDict(extra="forbid")

    kind: EvidenceKind | Literal[""] = ""
    customer: str = Field("", examples=["acme"])
    prefix: str = Field("", examples=["ticket:"])
    limit: int = Field(DEFAULT_ROWS, description=ROWS, json_schema_extra=AT_LEAST_ONE)
    after: str = Field("", description="`next` of the page before")


@router.get("/evidence", response_model=answers.EvidencePage)
def list_evidence(
    question: Annotated[EvidenceQuestion, Query()], request: Request, asked: Asked, sources: From
) -> JSONResponse:
    """Give the newest version of each record, by ref, a page at a time."""
    page = sources.evidence.current(
        kind=question.kind,
        customer_id=question.customer,
        prefix=question.prefix,
        after=question.after,
        limit=page_limit(request, question.limit),
    )
    chosen = question.model_dump(exclude_defaults=True)
    return asked.answer(
        page._asdict(),
        "evidence.list",
        " ".join(f"--{name} {value}" for name, value in chosen.items()),
        customer_ids=_customers(page.items),
        row_count=len(page.items),
    )


@router.get("/evidence/{ref:path}", response_model=answers.EvidenceHistory)
def get_evidence(ref: str, asked: Asked, sources: From) -> JSONResponse:
    """Give one record as it stands, and every version of it, newest first."""
    versions = sources.evidence.versions(ref)
    if not versions:
        asked.record("evidence.get", ref, row_count=0)
        raise NotFound(f"no register has told of {ref}")
    return asked.answer(
        {"ref": ref, "current": versions[0], "versions": versions},
        "evidence.get",
        ref,
        customer_ids=_customers(versions),
        row_count=len(versions),
    )


def _customers(items: list[Item]) -> list[str]:
    return list(dict.fromkeys(name for item in items for name in item["record"].get("customer_ids", ())))
