"""Shell completion of a query: fields, and the values of those that have few. It asks no stack."""

from typing import Final

import click
from click.shell_completion import CompletionItem

from earwitness.query.language import complete

QUERY_SETTINGS: Final = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""Of a command whose words are a query. Without -h: the letters of a negated term as -reason:… would be read
as short options."""


class QueryCommand(click.Command):
    """A command whose words are a query: one that begins with a - is a term that is negated, no option."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer terms as well as options."""
        offered = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-") and not incomplete.startswith("--"):
            query = next(each for each in self.params if each.name == "query")
            offered += query.shell_complete(ctx, incomplete)
        return offered


def complete_query(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer what may follow in the word that is being typed.

    bash takes a word apart at its colons and replaces the last piece only; other shells replace it all.
    """
    before = _before_the_colon(ctx.params.get("query") or (), incomplete)
    text = before + incomplete
    found = complete(text, len(text))
    if incomplete == ":" and before:
        before = text
    return [
        CompletionItem((text[: found.place.begin] + one.text).removeprefix(before), help=one.meaning or None)
        for one in found.candidates
    ]


def _before_the_colon(words: tuple[str, ...], incomplete: str) -> str:
    if incomplete == ":" and words:
        return words[-1]
    if words[-1:] == (":",) and len(words) > 1:
        return f"{words[-2]}:"
    return ""
