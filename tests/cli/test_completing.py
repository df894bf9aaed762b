"""What a shell offers behind `earwitness search`."""

import click
import pytest

from earwitness.cli.completing import complete_query
from earwitness.cli.search import search


@pytest.mark.parametrize(
    ("words", "incomplete", "first"),
    [
        ((), "verdict:un", "verdict:unjustified"),
        ((), "actor:e-1 -verdict:", "actor:e-1 -verdict:justified"),
        (("actor:e-1",), "cus", "customer:"),
        (("verdict", ":"), "un", "unjustified"),
        (("verdict",), ":", "justified"),
        ((":",), "ver", "verdict:"),
    ],
)
def test_a_word_is_completed_as_the_shell_takes_it(
    words: tuple[str, ...], incomplete: str, first: str
) -> None:
    """Bash gives the pieces between colons, and replaces the last one; the others give whole words."""
    context = click.Context(search)
    context.params["query"] = words
    assert complete_query(context, search.params[0], incomplete)[0].value == first


def test_a_term_that_is_negated_is_completed_as_well() -> None:
    """It begins with a - as an option does; it is the first form that the documents show."""
    found = search.shell_complete(click.Context(search), "-verdict:ju")
    assert [each.value for each in found] == ["-verdict:justified"]
    assert "--since" in [each.value for each in search.shell_complete(click.Context(search), "--si")]
