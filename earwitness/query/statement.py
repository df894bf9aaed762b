"""A person's own SQL: one SELECT on the views, within our limits.

What the statement may read is decided by the grants of the ClickHouse user that runs it. What is
checked here serves the person: an early, plain error, and limits that the statement cannot lift.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any, Final, NamedTuple

from earwitness.query.store import Store
from models.errors import QueryRejected
from models.fields import format_time

LONGEST_STATEMENT: Final = 65_536
DEEPEST_VALUE: Final = 32

_TOKEN = re.compile(
    r"""
      (?P<skip>\s+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?\*/)
    | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`)
    | (?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<word>\w+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HINT: Final = (
    "the views are trail, verdicts, evidence, activity, registers and policies,"
    " as SELECT actor_id, count() FROM trail GROUP BY actor_id"
)


class Table(NamedTuple):
    """The answer to a statement: its columns, rows of JSON values, and whether more rows were left out."""

    columns: tuple[str, ...]
    rows: list[list[Any]]
    truncated: bool


def check_statement(text: str) -> str:
    """Give the statement without a trailing semicolon.

    Raises `QueryRejected` where it is not one SELECT, or sets limits of its own.
    """
    if len(text) > LONGEST_STATEMENT:
        raise QueryRejected(f"the statement has {len(text)} characters; at most {LONGEST_STATEMENT} are read")
    tokens = [token for token in _TOKEN.finditer(text) if token["skip"] is None]
    while tokens and tokens[-1].group() == ";":
        text = text[: tokens.pop().start()]
    if not tokens:
        raise QueryRejected("the statement is empty", _HINT)
    words = [token.group().lower() for token in tokens]
    if ";" in words:
        raise QueryRejected("there is more than one statement", "ask for one SELECT at a time")
    opening = next((word for word in words if word != "("), "")
    if opening not in ("select", "with"):
        raise QueryRejected(f"only a SELECT can be asked, and this begins with {opening.upper()}", _HINT)
    if any(word == "settings" and _assigns(words[at + 1 : at + 3]) for at, word in enumerate(words)):
        raise QueryRejected(
            "a statement cannot change settings", "leave out SETTINGS; the API sets the limits"
        )
    return text


def run_statement(store: Store, text: str, limit: int) -> Table:
    """Run a checked statement and give at most `limit` rows of its answer."""
    # The setting bounds the rows whatever the statement's own LIMIT says; one more tells if any are left.
    answer = store.ask(text, limits={"limit": limit + 1, "max_result_rows": 0})
    rows = [[_json_value(value) for value in row] for row in answer.rows[:limit]]
    return Table(answer.columns, rows, truncated=len(answer.rows) > limit)


def customers_in(table: Table) -> list[str]:
    """Name the customers in an answer, as its columns `customer_id` and `customer_ids` show them."""
    found: dict[str, None] = {}
    for at, name in enumerate(table.columns):
        if name.lower().rpartition(".")[2] in ("customer_id", "customer_ids"):
            for row in table.rows:
                values = row[at] if isinstance(row[at], list) else [row[at]]
                found.update(dict.fromkeys(str(value) for value in values if value))
    return list(found)


def _assigns(words: Sequence[str]) -> bool:
    return len(words) == 2 and words[1] == "="


def _json_value(value: Any, depth: int = 0) -> Any:  # noqa: ANN401, PLR0911 - a column's value, of any type there is
    if depth > DEEPEST_VALUE:
        return str(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, datetime):
        return format_time(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (list, tuple)):
        return [_json_value(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(name): _json_value(item, depth + 1) for name, item in value.items()}
    return str(value)
