"""The route of exports: all that a query finds, in a file, recorded before its first byte."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Final, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from earwitness.api.recording import Asked, asking
from earwitness.api.searching import TrailQuestion, Whole, check_range, whole_of, whole_question
from earwitness.api.sources import From
from earwitness.api.streaming import Stream
from earwitness.query.export_columns import CSV_HEADER, Format
from earwitness.query.exporting import (
    DEFAULT_PART_ROWS,
    MOST_PART_ROWS,
    NEXT_HEADER,
    QUERY_HEADER,
    Exports,
    Place,
    Portion,
    Wanted,
)
from earwitness.query.language import all_of, reach, received_until
from models.errors import QueryRejected

PORTION_ROWS: Final = 25_000

_TYPES: Final = {
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

router: Final = APIRouter(tags=["exports"])


class ExportQuestion(TrailQuestion):
    """What to export and how. `rows` is of one part of Parquet; `after` says where to go on."""

    format: Format = "jsonl"
    after: str | None = None
    rows: int = DEFAULT_PART_ROWS


@router.get(
    "/exports",
    response_class=Response,
    responses={
        200: {"content": {of: {"schema": {"type": "string", "format": "binary"}} for of in _TYPES.values()}}
    },
)
def export(
    question: Annotated[ExportQuestion, Query()], request: Request, asked: Asked, sources: From
) -> Response:
    """Give all that a query finds, in the order of the trail's storage, as one stream; Parquet in parts.

    The answer is complete where the transfer ends as HTTP says it must; a cut one goes on with `after`.
    """
    if not 1 <= question.rows <= MOST_PART_ROWS:
        raise QueryRejected(f"rows is {question.rows}", f"a part has 1 to {MOST_PART_ROWS} rows")
    asked_for = whole_question(question, asked.now)
    check_range(request, asked_for, asked.now)
    whole = _as_received(asked_for, asked.now)
    wanted = Wanted(whole.query, Place.read(question.after) if question.after else None)
    headers = {
        "Content-Type": _TYPES[question.format],
        "Content-Disposition": f'attachment; filename="accesses.{question.format}"',
        QUERY_HEADER: quote(whole.text),
    }
    in_parts = question.format == "parquet"
    portions = sources.exports.plan(wanted, question.rows if in_parts else PORTION_ROWS)
    if in_parts:
        portions, more = portions[:1] or [Portion(())], portions[1:]
        if more:
            headers[NEXT_HEADER] = more[0].begin.written()
    told = f"{whole.text} --format {question.format}"
    if question.after:
        told += f" --after {question.after}"
    pieces = _pieces(sources.exports, Work(wanted, portions, question.format), Record(request, told))
    # What is wrong with the first portion is answered as an error, not by a connection that is cut.
    return Stream(_after(next(pieces, b""), pieces), headers)


class Work(NamedTuple):
    """What one request is to send."""

    wanted: Wanted
    portions: Sequence[Portion]
    form: Format


class Record:
    """What activity_log has of one export: that it was asked for, then how much of it was sent."""

    def __init__(self, request: Request, told: str) -> None:
        self._request = request
        self._told = told

    def begin(self, customer_ids: Sequence[str]) -> None:
        """Keep that it begins. Raises `SinkUnavailable`: then nothing is sent."""
        asking(self._request).record("export", self._told, customer_ids=customer_ids)

    def end(self, row_count: int, *, whole: bool) -> None:
        """Keep how many rows were sent, of the last ones perhaps not all where it was cut."""
        action = "export.end" if whole else "export.cut"
        asking(self._request).record(action, self._told, row_count=row_count)


def _pieces(exports: Exports, work: Work, record: Record) -> Generator[bytes]:
    """Give the bytes, recorded before the first; the end is recorded before the transfer is complete."""
    row_count, whole = 0, False
    with exports.turn():
        record.begin(exports.customers(work.wanted))
        try:
            header = CSV_HEADER if work.form == "csv" and work.wanted.after is None else b""
            for portion in work.portions:
                with exports.fetch(work.wanted, portion, work.form) as formatted:
                    row_count += formatted.row_count
                    for piece in formatted.pieces:
                        yield header + piece
                        header = b""
            if header:
                yield header
            whole = True
        finally:
            record.end(row_count, whole=whole)


def _after(first: bytes, pieces: Generator[bytes]) -> Iterator[bytes]:
    with closing(pieces):
        yield first
        yield from pieces


def _as_received(whole: Whole, now: datetime) -> Whole:
    """Leave out what is received while the export runs, so that going on later finds the same."""
    if reach(whole.query, "received_at").end is not None:
        return whole
    return whole_of(all_of((whole.query, received_until(now))))
