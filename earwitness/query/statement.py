"""A person's own SQL: one SELECT on the views, within our limits.

Which tables the statement may read is decided by the grants of the ClickHouse user that runs it. Functions
need no grant, and some reach what is no table: `file` reads the server's disk. So ClickHouse writes the
statement out anew, without comments, escapes or its several ways to quote; what is called in that text must
be a function that computes, and that text is what runs (docs/decisions/0031-what-sql-may-call.md).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any, Final, NamedTuple

from earwitness.query.store import Store
from models.errors import QueryRejected
from models.fields import LONGEST_CUSTOMER_ID, format_time

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
_WRITTEN = re.compile(
    r"""
      (?P<string>'(?:[^'\\]|\\.)*')
    | `(?P<quoted>(?:[^`\\]|\\.)*)`
    | (?P<name>\w+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""The words of a statement that ClickHouse wrote out."""

_REACHES_OUT = re.compile(
    r"file|filesystem\w*|dict(?:get|has|isin)\w*|joinget\w*"
    r"|ai(?:classify|embed|extract|filter|generate|redact|similarity|translate)"
    r"|naivebayes\w*|catboost\w*|addressto\w*|showcertificate|getclienthttpheader|getmacro"
    r"|getserver\w*|getoskernelversion|(?:full)?hostname|fqdn|tcpport|zookeeper\w*|currentrequesturl",
    re.IGNORECASE,
)
"""Functions that read files, call other servers, or tell of this one."""

UNDERSTOOD: Final = """
SELECT formatQuerySingleLine({statement:String}),
       (SELECT groupArray(lower(name)) FROM system.functions),
       (SELECT groupArray(lower(name)) FROM system.aggregate_function_combinators)
"""

_NO_FUNCTIONS: Final = frozenset({"columns", "except", "replace", "apply", "exists", "grouping"})
_TABLES: Final = frozenset({"numbers", "zeros", "generateseries", "generate_series", "values"})
_GOES_ELSEWHERE = re.compile(r"\bINTO OUTFILE\b|\bFORMAT \w+$")
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
    return _one_select(text)


def _one_select(text: str) -> str:
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
    """Run a checked statement and give at most `limit` rows of its answer.

    Raises `QueryRejected` where it calls what reaches beyond the views.
    """
    written, computing = _understood(store, text)
    # Again: what was typed can hide it from us, as behind a // or in quotes that only ClickHouse knows.
    _one_select(written)
    _refuse_reaching_out(written, computing)
    # The setting bounds the rows whatever the statement's own LIMIT says; one more tells if any are left.
    answer = store.ask(written, limits={"limit": limit + 1, "max_result_rows": 0})
    rows = [[_json_value(value) for value in row] for row in answer.rows[:limit]]
    return Table(answer.columns, rows, truncated=len(answer.rows) > limit)


class Computing(NamedTuple):
    """The functions that the server has, and what may be added to the name of one that sums up."""

    names: frozenset[str]
    combinators: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Say whether there is a function of that name, or one it is made from; case makes no difference."""
        name = name.lower()
        if name in self.names:
            return True
        return any(
            name.endswith(each) and self.has(name.removesuffix(each))
            for each in self.combinators
            if len(name) > len(each)
        )


def _understood(store: Store, text: str) -> tuple[str, Computing]:
    """Have ClickHouse write a statement as it understands it, names plain and strings in one kind of quotes.

    With it comes what its functions are called.
    """
    try:
        answer = store.ask(UNDERSTOOD, {"statement": text})
    except QueryRejected as error:
        # What follows is our own question, which nobody asked.
        raise QueryRejected(error.message.partition(": In scope ")[0], error.hint) from error
    ((written, functions, combinators),) = answer.rows
    return written, Computing(frozenset(functions), tuple(combinators))


def _refuse_reaching_out(written: str, computing: Computing) -> None:
    """Look at each name in a statement that ClickHouse wrote out: a call has its bracket right behind it."""
    for token in _WRITTEN.finditer(written):
        name = token["name"] or token["quoted"]
        if name is None:
            continue
        called = written.startswith("(", token.end())
        if _REACHES_OUT.fullmatch(name):
            raise QueryRejected(
                f"{name} cannot be used in a statement: it reaches beyond the views",
                "an alias of that name needs another one",
            )
        if called and name.lower() not in _NO_FUNCTIONS | _TABLES and not computing.has(name):
            raise QueryRejected(
                f"{name} is no function that a statement may call",
                f"it may read the views, and the made-up tables {', '.join(sorted(_TABLES))}",
            )
    if _GOES_ELSEWHERE.search(_WRITTEN.sub(_without_strings, written)):
        raise QueryRejected(
            "a statement cannot choose where its answer goes, nor its format", "leave out INTO and FORMAT"
        )


def _without_strings(token: re.Match[str]) -> str:
    return token["name"] or token["sign"] or "''"


def customers_in(table: Table) -> list[str]:
    """Name the customers in an answer, as its columns `customer_id` and `customer_ids` show them."""
    found: dict[str, None] = {}
    for at, name in enumerate(table.columns):
        if name.lower().rpartition(".")[2] in ("customer_id", "customer_ids"):
            for row in table.rows:
                found.update(dict.fromkeys(_texts_in(row[at])))
    return list(found)


def texts_in(table: Table) -> list[str]:
    """Give the texts in an answer, each once, that are short enough for the id of a customer."""
    return sorted({text for row in table.rows for value in row for text in _texts_in(value)})


def _texts_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - a value of JSON
    if isinstance(value, str) and value and len(value) <= LONGEST_CUSTOMER_ID:
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts_in(each)


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
