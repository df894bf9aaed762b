"""From a clause to its place in the policy's text, as a lawyer would give it."""

from typing import Final

import pytest

from earwitness.policy.places import Place, place_of
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT

FOLDER: Final = ROOT / "policies" / "privacy-policy" / "2013-02-07"
TEXT: Final = (FOLDER / "text.txt").read_text(encoding="utf-8")
(SHIPPED,) = read_policies(ROOT / "policies").policies

SHORT: Final = """Policy
First of all.
What may we do?
We may do this
to help you
and that.
"""


def test_a_place_is_a_line_and_the_heading_over_it() -> None:
    """Lines count from 1, as editors count them."""
    assert place_of("First of all.", SHORT) == Place(2, 2, "Policy")
    assert place_of("and that.", SHORT) == Place(6, 6, "What may we do?")


def test_words_that_lead_to_a_list_are_no_heading() -> None:
    """The sentence goes on in the next line."""
    assert place_of("to help you", SHORT) == Place(5, 5, "What may we do?")


def test_a_quote_of_several_lines_names_them_all() -> None:
    """Whatever space it begins or ends with."""
    assert place_of("\nWe may do this\nto help you", SHORT) == Place(4, 5, "What may we do?")


def test_a_heading_has_the_heading_before_it() -> None:
    """The first line has none."""
    assert place_of("Policy", SHORT) == Place(1, 1, None)
    assert place_of("What may we do?", SHORT) == Place(3, 3, "Policy")


def test_what_the_text_does_not_hold_has_no_place() -> None:
    """`policy check` calls it a fault."""
    assert place_of("We may sell", SHORT) is None


@pytest.mark.parametrize(
    ("clause_id", "place"),
    [
        ("access.resolve-complaint", 'text.txt, line 19, under "Is The Information Shared or Disclosed?"'),
        ("customer.own-use", 'text.txt, line 11, under "How do we use this information?"'),
        ("legal.obligation", 'text.txt, line 24, under "Is The Information Shared or Disclosed?"'),
    ],
)
def test_clauses_of_the_shipped_policy_are_found(clause_id: str, place: str) -> None:
    """Counted by hand in the text."""
    quote = next(clause.quotes[0] for clause in SHIPPED.document.clauses if clause.id == clause_id)
    found = place_of(quote, TEXT)
    assert found is not None
    assert found.in_words("text.txt") == place


def test_every_quote_of_the_shipped_policy_has_its_place() -> None:
    """No clause hangs in the air."""
    for clause in SHIPPED.document.clauses:
        assert all(place_of(quote, TEXT) for quote in clause.quotes)
