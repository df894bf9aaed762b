"""What documents and help texts show can be typed."""

import re
from pathlib import Path

import click
import pytest

from earwitness.cli.search import search
from earwitness.query.language import condition_of, fixed, parse
from earwitness.settings import ROOT
from tests.query.language.strategies import NOW

PAGE = ROOT / "docs/query-language.md"
WRONG_ON_PURPOSE = {"actor:e-1 -verdict:justifed"}
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])


def shown_in(text: str) -> set[str]:
    return set(re.findall(r"earwitness search '([^']+)'", text))


def cells_of(section: str) -> list[str]:
    """Give the queries in the tables of one section of the page, whichever column they stand in."""
    part = PAGE.read_text(encoding="utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    return [query for query in re.findall(r"`([^`]+)`", part) if re.match(r"-?\(?\w+:[^…]|\"", query)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_search_that_a_document_shows_can_be_asked(page: Path) -> None:
    """Somebody will copy it."""
    for query in shown_in(page.read_text(encoding="utf-8")) - WRONG_ON_PURPOSE:
        condition_of(fixed(parse(query), NOW))


def test_the_help_shows_searches_that_can_be_asked() -> None:
    """Examples come first, and are right."""
    shown = shown_in(search.get_help(click.Context(search)))
    assert len(shown) >= 5
    for query in shown:
        condition_of(fixed(parse(query), NOW))


@pytest.mark.parametrize("section", ["Questions people ask", "How to write one", "Times"])
def test_every_query_of_the_page_can_be_asked(section: str) -> None:
    """A reference that is wrong is worse than none."""
    queries = cells_of(section)
    assert len(queries) >= 5
    for query in queries:
        if "customer:acme actor:e-1 OR" not in query:  # the page says that this is refused
            condition_of(fixed(parse(query), NOW))
