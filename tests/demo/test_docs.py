import click

from earwitness.cli.demo import demo
from earwitness.demo.scenarios import EVERYDAY, MISUSE
from earwitness.settings import ROOT

PAGE = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")


def test_the_page_names_every_option() -> None:
    """What is not written down is not found."""
    options = [option.opts[0] for option in demo.params if isinstance(option, click.Option)]
    assert options
    for option in options:
        assert f"| `{option}" in PAGE, option


def test_the_run_on_the_page_tells_only_stories_that_are_still_told() -> None:
    """A captured run grows old: a scene that was renamed or dropped must not stay on the page."""
    stories = {scenario.story for scenario in (*EVERYDAY, *MISUSE)}
    table = PAGE.partition("## A run")[2].partition("All 20,000 accesses")[0]
    told = [line.split("  ")[-1].strip() for line in table.splitlines() if line.endswith(".")]
    shown = [text for text in told if not text.startswith(("Derived:", "Pending:", "A day of"))]
    assert len(shown) > 30
    assert set(shown) <= stories
