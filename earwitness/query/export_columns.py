"""What an export holds of each row, as expressions that ClickHouse formats.

A line of JSON is what `search --output jsonl` prints; a row of CSV has the same columns and values. Parquet
has times as timestamps and lists as lists. No column has an alias in the statement that chooses the rows,
where it would stand for the column of the trail that has its name.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from earwitness.query.csv_cells import neutral_sql
from earwitness.query.language.fields import FIELDS, Field
from earwitness.query.rows import ROW_FIELDS

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: Final = ("csv", "jsonl", "parquet")
CSV_HEADER: Final = (",".join(ROW_FIELDS) + "\n").encode()

_POSITION: Final = "concat(it.topic, '/', toString(it.partition), '/', toString(it.offset))"


class Statement(NamedTuple):
    """A statement, and the settings that go with its format."""

    sql: str
    settings: Mapping[str, Any]


def select(form: Format, rows: str) -> Statement:
    """Select all columns in a format; `rows` begins with FROM and says which, of a table named `it`."""
    match form:
        case "jsonl":
            return Statement(
                f"SELECT {_line()} {rows} FORMAT TSVRaw", {"output_format_json_escape_forward_slashes": 0}
            )
        case "csv":
            columns = ", ".join(_cell(FIELDS[name]) for name in ROW_FIELDS)
            return Statement(f"SELECT {columns} {rows} FORMAT CSV", {"format_csv_null_representation": ""})
        case "parquet":
            return Statement(_parquet(rows), {"output_format_parquet_compression_method": "zstd"})


def _line() -> str:
    """Give a row as one JSON object; what a producer of a newer version told beside it comes last."""
    values = ", ".join(_json_value(FIELDS[name]) for name in ROW_FIELDS)
    types = ", ".join(f"{name} {_json_type(FIELDS[name])}" for name in ROW_FIELDS)
    line = f"toJSONString(CAST(({values}), 'Tuple({types})'))"
    more = (
        f"concat(substring({line}, 1, length({line}) - 1), ',\"unknown_fields\":', it.unknown_fields, '}}')"
    )
    return f"if(it.unknown_fields = '', {line}, {more})"


def _json_value(field: Field) -> str:
    if field.kind == "instant":
        return _written_time(field)
    return _plain(field)


def _json_type(field: Field) -> str:
    match field.kind:
        case "flag":
            return "Bool"
        case "list":
            return "Array(String)"
        case "number":
            return "Nullable(Int64)"
        case _:
            return "Nullable(String)"


def _cell(field: Field) -> str:
    match field.kind:
        case "instant":
            return _written_time(field)
        case "list":
            return f"toJSONString(it.{field.name})"
        case "flag":
            return f"if(it.{field.name}, 'true', 'false')"
        case "text" | "position":
            text = _POSITION if field.kind == "position" else f"it.{field.name}"
            return neutral_sql(text)
        case _:
            return _plain(field)


def _parquet(rows: str) -> str:
    """Name the columns one level further out, for the sake of the conditions in `rows`."""
    columns = {name: _typed(FIELDS[name]) for name in ROW_FIELDS}
    columns["unknown_fields"] = "nullIf(it.unknown_fields, '')"
    inner = ", ".join(f"{column} AS column_{number}" for number, column in enumerate(columns.values()))
    outer = ", ".join(f"column_{number} AS {name}" for number, name in enumerate(columns))
    return f"SELECT {outer} FROM (SELECT {inner} {rows}) FORMAT Parquet"  # noqa: S608 - names of ours


def _typed(field: Field) -> str:
    match field.kind:
        case "instant":
            return f"CAST(it.{field.name}, 'DateTime64(6, \\'UTC\\')')"
        case "text" | "choice":
            return f"CAST(nullIf(it.{field.name}, ''), 'Nullable(String)')"
        case _:
            return _plain(field)


def _plain(field: Field) -> str:
    """Give a value as it is; absent ones, which the store holds as 0 or empty text, as null."""
    name = f"it.{field.name}"
    match field.kind:
        case "uuid":
            return f"toString({name})"
        case "position":
            return _POSITION
        case "number":
            return f"nullIf({name}, 0)" if field.absence == "zero" else name
        case "list" | "flag":
            return name
        case _:
            return f"nullIf({name}, '')"


def _written_time(field: Field) -> str:
    return f"formatDateTime(CAST(it.{field.name}, 'DateTime64(6, \\'UTC\\')'), '%Y-%m-%dT%H:%i:%S.%fZ')"
