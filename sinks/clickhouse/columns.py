"""How an access becomes columns: what the driver sends, and what the server makes of it.

The events of a block travel as one column of JSON texts, which the server takes apart: that is done outside
of Python on both sides, and costs a fourth of what a column for each field costs here (measured). What else
there is travels as text and integers, which the server converts: two to three times faster than the driver's
own UUID, DateTime64 and LowCardinality columns.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from models.fields import microseconds
from sinks.base import JudgedAccess, NewVerdict

_EVENT: Final = "event"
FIELDS: Final = {
    "id": "UUID",
    "source": "LowCardinality(String)",
    "producer": "LowCardinality(String)",
    "sequence": "UInt64",
    "actor_type": "LowCardinality(String)",
    "actor_id": "String",
    "organization": "LowCardinality(String)",
    "actor_team": "LowCardinality(String)",
    "action": "LowCardinality(String)",
    "resource_type": "LowCardinality(String)",
    "resource_id": "String",
    "customer_id": "String",
    "outcome": "LowCardinality(String)",
    "purpose": "LowCardinality(String)",
    "evidence_ref": "String",
    "recipient": "LowCardinality(String)",
    "operation_id": "String",
    "session_id": "String",
    "trace_id": "String",
    "ip": "String",
    "user_agent": "LowCardinality(String)",
    "item_count": "Nullable(UInt64)",
    "content_bytes": "Nullable(UInt64)",
}
"""The fields of an event with the types of their columns; its time travels as a number."""

_FIELDS_TYPE: Final = f"Tuple({', '.join(f'{name} {kind}' for name, kind in FIELDS.items())})"

READ_WHOLE: Final = "throwIf(fields.actor_id = '', 'an event was not read', 117::Int16) = 0"
"""A condition that refuses the block where the server cannot take an event apart: it would be a row without
content. Every event names its actor. 117 is the server's code for data that is incorrect."""


class Column(NamedTuple):
    """One column of a table: its name, the type on the wire and the expression that converts it."""

    name: str
    wire: str
    expression: str


class Layout(NamedTuple):
    """How rows travel: the columns that are sent, and those of the table with what they are made of."""

    sent: str
    columns: Sequence[tuple[str, str]]
    shared: str = ""
    """What several of the expressions share: a WITH clause."""


def text_column(name: str) -> Column:
    """Describe a column that travels as the text it is stored as."""
    return Column(name, "String", name)


def laid_out(columns: Sequence[Column]) -> Layout:
    """Lay out rows of which each column is sent by itself."""
    sent = ", ".join(f"{column.name} {column.wire}" for column in columns)
    return Layout(sent, [(column.name, column.expression) for column in columns])


VERDICT_COLUMNS: Final = (
    text_column("verdict"),
    text_column("reason"),
    text_column("clause"),
    Column("evidence_used", "Array(String)", "evidence_used"),
    Column("derived", "UInt8", "derived"),
    text_column("policy_version"),
    text_column("policy_digest"),
    Column("stale_registers", "Array(String)", "stale_registers"),
)
_ALONE: Final = laid_out(
    (
        Column("time", "Int64", "fromUnixTimestamp64Micro(time, 'UTC')"),
        *VERDICT_COLUMNS,
        text_column("unknown_fields"),
        Column("offset", "UInt64", "offset"),
        Column("received_at", "Int64", "fromUnixTimestamp64Milli(received_at, 'UTC')"),
    )
)
ROWS: Final = Layout(
    f"{_EVENT} String, {_ALONE.sent}",
    [*((name, f"fields.{name}") for name in FIELDS), *_ALONE.columns],
    f"WITH JSONExtract({_EVENT}, '{_FIELDS_TYPE}') AS fields",
)
"""The rows of access_log."""


def columns_of(rows: Sequence[JudgedAccess]) -> list[Sequence[Any]]:
    """Turn rows into the columns that `ROWS` sends, in their order."""
    events = [row.event for row in rows]
    return [
        [_encode(event) for event in events],
        [microseconds(event.time) for event in events],
        *verdict_columns_of(rows),
        [row.unknown_fields for row in rows],
        [row.offset for row in rows],
        [row.received_at_ms for row in rows],
    ]


def verdict_columns_of(judged: Sequence[JudgedAccess | NewVerdict]) -> list[Sequence[Any]]:
    """Turn what was judged into the columns of `VERDICT_COLUMNS`, in their order."""
    verdicts = [item.verdict for item in judged]
    return [
        [verdict.outcome for verdict in verdicts],
        [verdict.reason for verdict in verdicts],
        [verdict.clause or "" for verdict in verdicts],
        [verdict.evidence_used for verdict in verdicts],
        [verdict.derived for verdict in verdicts],
        [verdict.policy_version for verdict in verdicts],
        [verdict.policy_digest for verdict in verdicts],
        [item.stale_registers for item in judged],
    ]


def _fields_of(event: Any) -> dict[str, Any]:  # noqa: ANN401 - any carrier of an event's attributes
    return {name: value for name in FIELDS if (value := getattr(event, name)) is not None}


_encode: Final = msgspec.json.Encoder(enc_hook=_fields_of).encode
"""Encodes the worker's Structs by itself, and any other carrier of an event's attributes by its fields."""
