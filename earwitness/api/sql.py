"""The route for people's own SQL: one SELECT on the views."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.statement import check_statement, customers_in, run_statement
from models.errors import QueryRejected

DEFAULT_ROWS: Final = 1_000

router: Final = APIRouter()


class Statement(BaseModel):
    """One SELECT, and how many rows of its answer are wanted."""

    model_config = ConfigDict(extra="forbid")

    query: str
    limit: int = DEFAULT_ROWS


@router.post("/sql")
def sql(statement: Statement, request: Request, asked: Asked, sources: From) -> JSONResponse:
    """Run one SELECT as a user that may read the views and nothing else."""
    text = check_statement(statement.query)
    limit = page_limit(request, statement.limit)
    try:
        table = run_statement(sources.statements, text, limit)
    except QueryRejected:
        # ClickHouse's refusal can tell something of the data, so it is recorded like an answer.
        asked.record("sql", statement.query)
        raise
    return asked.answer(
        table._asdict(),
        "sql",
        statement.query,
        customer_ids=customers_in(table),
        row_count=len(table.rows),
    )
