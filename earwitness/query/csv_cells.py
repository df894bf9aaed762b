"""Cells of CSV that no spreadsheet takes for a formula.

A text that begins with = + - @ or the wide form of one, a tab, a carriage return or a line feed gets an
apostrophe before it; so does one that begins with apostrophes and such a sign, so that what was added can be
told from what was there.
"""

import re
from typing import Final

_SIGNS: Final = "=+@\\t\\r\\n＝＋－＠-"  # noqa: RUF001 - the wide forms are meant
BEGINS_A_FORMULA: Final = f"^'*[{_SIGNS}]"
"""The regular expression, which means the same here and in ClickHouse."""

_BEGINS: Final = re.compile(BEGINS_A_FORMULA)
_WAS_NEUTRALISED: Final = re.compile(f"^'+[{_SIGNS}]")


def neutral(text: str) -> str:
    """Give a text as a cell may hold it."""
    return f"'{text}" if _BEGINS.match(text) else text


def original(cell: str) -> str:
    """Give the text that `neutral` made a cell of."""
    return cell[1:] if _WAS_NEUTRALISED.match(cell) else cell


def neutral_sql(expression: str) -> str:
    """Give the expression for `neutral` of a text in ClickHouse."""
    pattern = BEGINS_A_FORMULA.replace("\\", "\\\\").replace("'", "\\'")
    return f"if(match({expression}, '{pattern}'), concat('\\'', {expression}), {expression})"
