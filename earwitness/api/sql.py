"""The route for people's own SQL: one SELECT on the views."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import answers
from earwitness.api.limits import AT_LEAST_ONE, ROWS
from earwitness.api.recording import Asked
from earwitness.api.sources import From, page_limit
from earwitness.query.statement import check_statement, customers_in, run_statement, texts_in
from models.errors import QueryRejected

DEFAULT_ROWS: Final = 1_000

router: Final = APIRouter(tags=["sql"])


class Statement(BaseModel):
    """One SELECT, and how many rows of its answer are wanted."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(examples=["SELECT actor_id, count() FROM trail GROUP BY actor_id"])
    limit: int = Field(DEFAULT_ROWS, description=ROWS, json_schema_extra=AT_LEAST_ONE)


@router.post("/sql", response_model=answers.Table, operation_id="run_sql")
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
    customers = dict.fromkeys([*customers_in(table), *sources.trail.customers_among(texts_in(table))])
    return asked.answer(
        table._asdict(),
        "sql",
        statement.query,
        customer_ids=list(customers),
        row_count=len(table.rows),
    )
