"""No cell is a formula, and every text can be had back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from earwitness.query.csv_cells import neutral, original

BEGINNINGS = st.text("'=+-@＝＋－＠\t\r\n ab", max_size=4)  # noqa: RUF001 - the wide forms are meant
TEXTS = st.builds("".join, st.tuples(BEGINNINGS, st.text(max_size=8)))


@given(TEXTS)
def test_no_cell_begins_as_a_formula_does(text: str) -> None:
    """A producer names resources; a spreadsheet must not run what it names."""
    assert not re.match(r"[=+\-@＝＋－＠\t\r\n]", neutral(text))  # noqa: RUF001 - as above


@given(TEXTS)
def test_what_was_added_can_be_taken_off(text: str) -> None:
    """An export goes on after its last record, so that record must tell what it was made of."""
    assert original(neutral(text)) == text


@given(st.text("abc123 _:/", max_size=9))
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Ids can be looked for as they stand in the file."""
    assert neutral(text) == text
