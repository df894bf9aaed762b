"""Rows out of CSV text and JSON lines; what cannot be read as a row says why."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from earwitness.registers.paths import Row
from models.errors import ConfigurationError

LARGEST_VALUE_CHARACTERS: Final = 1_000_000
"""The longest value of a CSV file: longer ones are a quotation mark that was never closed."""


class FoundRow(NamedTuple):
    """A row, or why there is none, and the line where it ends. `ends` means that nothing can follow."""

    line: int
    row: Row | None
    fault: str = ""
    ends: bool = False


def json_row(text: bytes) -> Row:
    """Read one line. Raises ValueError that says what is wrong with it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        at = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "not UTF-8"
        msg = f"is not JSON: {at}"
        raise ValueError(msg) from error
    if not isinstance(found, dict):
        msg = "must be a JSON object"
        raise ValueError(msg)  # noqa: TRY004 - one kind of fault for who reads a line
    return found


def csv_rows(lines: Iterable[str], delimiter: str, wanted: Iterable[str], name: str) -> Iterator[FoundRow]:
    """Read a header and the rows under it; `wanted` are the columns that it must have.

    Raises ConfigurationError, which calls the file `name`, where the header does not fit.
    """
    csv.field_size_limit(LARGEST_VALUE_CHARACTERS)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{name}: its first line is no header: {error}"]) from error
    if header is None:
        return
    columns = [column.strip() for column in header]
    _check_header(columns, wanted, name)
    yield from _rows_under(columns, reader)


def _rows_under(columns: list[str], reader: Any) -> Iterator[FoundRow]:  # noqa: ANN401 - csv names no type
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            yield FoundRow(reader.line_num, None, f"is not CSV: {error}", ends=True)
            return
        except UnicodeDecodeError:
            yield FoundRow(reader.line_num + 1, None, "is not UTF-8", ends=True)
            return
        if values is None:
            return
        if not values:
            continue
        if len(values) != len(columns):
            fault = f"has {len(values)} values where the header names {len(columns)} columns"
            yield FoundRow(reader.line_num, None, fault)
        else:
            yield FoundRow(reader.line_num, dict(zip(columns, values, strict=True)))


def _check_header(columns: list[str], wanted: Iterable[str], name: str) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    faults = [f"{name}: the header names the column {column!r} twice" for column in twice]
    missing = sorted(set(wanted) - set(columns))
    faults += [
        f"{name}: has no column {column!r}, which the mapping asks for; it has {', '.join(columns)}"
        for column in missing
    ]
    if faults:
        raise ConfigurationError(faults)
