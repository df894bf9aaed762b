"""A row of the trail, as `search`, the API and exports give it: the contract's names, JSON values."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from earwitness.query.store import Answer
from models.access import AccessEvent
from models.fields import format_time

EVENT_FIELDS: Final = tuple(AccessEvent.model_fields)
VERDICT_FIELDS: Final = (
    "verdict",
    "reason",
    "clause",
    "policy_version",
    "policy_digest",
    "evidence_used",
    "evidence_version",
    "derived",
    "late",
    "stale_registers",
)
ROW_FIELDS: Final = (
    *EVENT_FIELDS,
    *VERDICT_FIELDS,
    "received_at",
    "judged_at",
    "recorded_at",
    "position",
)
"""The fields of every row, in the order in which they are shown; `unknown_fields` follows where any are."""

_POSITION: Final = ("topic", "partition", "offset")
ROW_COLUMNS: Final = ", ".join((*ROW_FIELDS[:-1], "unknown_fields", *_POSITION))
"""What to select from the view `trail`, or `verdicts` for its part of it."""

Row = dict[str, Any]


def rows_of(answer: Answer) -> list[Row]:
    """Turn an answer with the columns of `ROW_COLUMNS` into rows."""
    return [_row(record) for record in answer.records()]


def plain(record: Mapping[str, Any]) -> Row:
    """Give a record with JSON values: times as RFC 3339, ids as text, absent text as null."""
    return {name: _value(value) for name, value in record.items()}


def customers_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the customers in an answer, each once, in the order in which they appear."""
    return list(dict.fromkeys(str(row["customer_id"]) for row in rows if row.get("customer_id")))


def event_of(row: Mapping[str, Any]) -> AccessEvent:
    """Give back the event that a row records."""
    return AccessEvent.model_validate({name: row[name] for name in EVENT_FIELDS})


def _row(record: Row) -> Row:
    topic, partition, offset = (record.pop(name) for name in _POSITION)
    unknown = record.pop("unknown_fields")
    row = plain(record)
    row["sequence"] = row["sequence"] or None
    row["position"] = f"{topic}/{partition}/{offset}"
    if unknown:
        row["unknown_fields"] = json.loads(unknown)
    return row


def _value(value: Any) -> Any:  # noqa: ANN401 - a column's value
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, (bool, int, list)):
        return value
    return str(value)
