"""How judged accesses travel to the server, and what columns it makes of them.

The rows of a block are one column of JSON texts, which the server takes apart: that is done outside of Python
on both sides, and costs a third of what a column for each field costs here (measured). Its reader and ours
must agree, which tests/contracts/test_trail_sink.py holds.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from sinks.base import JudgedAccess

_NAME: Final = "LowCardinality(String)"

EVENT_TYPES: Final = {
    "id": "UUID",
    "time": "DateTime64(6, 'UTC')",
    "source": _NAME,
    "producer": _NAME,
    "sequence": "UInt64",
    "actor_type": _NAME,
    "actor_id": "String",
    "organization": _NAME,
    "actor_team": _NAME,
    "action": _NAME,
    "resource_type": _NAME,
    "resource_id": "String",
    "customer_id": "String",
    "outcome": _NAME,
    "purpose": _NAME,
    "evidence_ref": "String",
    "recipient": _NAME,
    "operation_id": "String",
    "session_id": "String",
    "trace_id": "String",
    "ip": "String",
    "user_agent": _NAME,
    "item_count": "Nullable(UInt64)",
    "content_bytes": "Nullable(UInt64)",
}
"""The columns of an event, with the types that the table gives them."""

VERDICT_TYPES: Final = {
    "verdict": _NAME,
    "reason": _NAME,
    "clause": _NAME,
    "evidence_used": "Array(String)",
    "derived": "Bool",
    "policy_version": _NAME,
    "policy_digest": _NAME,
}
"""The columns of a verdict, in the order of `models.verdict.Verdict`."""


class Column(NamedTuple):
    """One column of a table: its name, the type on the wire and the expression that converts it."""

    name: str
    wire: str
    expression: str


class Layout(NamedTuple):
    """How rows travel: what the server reads them from, the columns, and what those are made of, in order.

    An expression may make several columns.
    """

    source: str
    columns: Sequence[str]
    expressions: Sequence[str]


def text_column(name: str) -> Column:
    """Describe a column that travels as the text it is stored as."""
    return Column(name, "String", name)


def laid_out(columns: Sequence[Column]) -> Layout:
    """Lay out rows of which each column is sent by itself.

    As text and integers that the server converts: two to three times faster than the driver's own UUID,
    DateTime64 and LowCardinality columns.
    """
    sent = ", ".join(f"{column.name} {column.wire}" for column in columns)
    return Layout(
        f"input('{sent}')", [column.name for column in columns], [column.expression for column in columns]
    )


def _tuple(types: Mapping[str, str]) -> str:
    return f"Tuple({', '.join(f'{name} {kind}' for name, kind in types.items())})"


_ROW_TYPE: Final = _tuple(
    {
        "event": _tuple(EVENT_TYPES),
        "unknown_fields": "String",
        "verdict": _tuple(VERDICT_TYPES),
        "offset": "UInt64",
        "received_at_ms": "Int64",
        "stale_registers": "Array(String)",
    }
)
"""The fields of `JudgedAccess`, in its order: it travels as a JSON array."""

ROWS: Final = Layout(
    # By itself, so that the server resolves the row once, not for each column; and untuple, because a field
    # by its name is an expression to plan: 18 to 20 ms of CPU an insert, and 8 to 10 so.
    f"(SELECT JSONExtract(json, $${_ROW_TYPE}$$) AS row FROM input('json String'))",  # noqa: S608 - names of ours
    [*EVENT_TYPES, *VERDICT_TYPES, "unknown_fields", "offset", "received_at", "stale_registers"],
    [
        "untuple(row.event)",
        "untuple(row.verdict)",
        "row.unknown_fields",
        "row.offset",
        "fromUnixTimestamp64Milli(row.received_at_ms, 'UTC')",
        "row.stale_registers",
    ],
)
"""The rows of access_log."""

READ_WHOLE: Final = "throwIf(row.event.actor_id = '', 'a row was not read', 117::Int16) = 0"
"""A condition that refuses the block where the server cannot take a row apart: it would be without content.
Every event names its actor. 117 is the server's code for data that is incorrect."""


def columns_of(rows: Sequence[JudgedAccess]) -> list[Sequence[Any]]:
    """Turn rows into the columns that `ROWS` sends."""
    return [[_encode(row) for row in rows]]


def _fields_of(event: Any) -> dict[str, Any]:  # noqa: ANN401 - any carrier of an event's attributes
    return {name: value for name in EVENT_TYPES if (value := getattr(event, name)) is not None}


_encode: Final = msgspec.json.Encoder(enc_hook=_fields_of).encode
"""Encodes the worker's Structs by itself, and any other carrier of an event's attributes by its fields."""
