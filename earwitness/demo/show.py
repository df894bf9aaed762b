"""What the demo shows a person once the day is stored."""

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.verdict import PENDING

from .alerts import AlertLine, Message
from .commands import Suggestion
from .compare import Surprise, by_clause, by_reason
from .labels import LabelledAccess
from .scenarios import STORIES

MOST_SURPRISES_SHOWN: Final = 20
_SEVERITY_STYLES: Final = {"critical": "bold red", "high": "red", "medium": "yellow"}

_ABOUT_DERIVED: Final = "Derived: the access declared nothing or too little, and evidence explains it."
_ABOUT_PENDING: Final = (
    "Pending: the evidence cited is not known yet; if it has not come in a day, it counts as unjustified."
)


def show_justified(console: Console, accesses: Sequence[LabelledAccess]) -> None:
    """Show what was justified by which clause."""
    lines = by_clause(accesses)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("clause", "all", no_wrap=True, style="green", footer_style="bold")
    table.add_column("accesses", f"{sum(line.total for line in lines):,}", justify="right")
    table.add_column("derived", f"{sum(line.derived_total for line in lines):,}", justify="right")
    table.add_column("what happened in one of them")
    for line in lines:
        table.add_row(line.clause, f"{line.total:,}", f"{line.derived_total:,}", STORIES[line.example.kind])
    show_heading(console, "Justified, by clause of the privacy policy")
    console.print(
        "Derived: the access declared nothing or too little, and evidence explains it all the same."
    )
    console.print(table)


def show_not_justified(console: Console, accesses: Sequence[LabelledAccess]) -> None:
    """Show what was not justified and why, with an example of each reason."""
    lines = by_reason(accesses)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("reason", "all", no_wrap=True, footer_style="bold")
    table.add_column("accesses", f"{sum(line.total for line in lines):,}", justify="right")
    table.add_column("what happened in one of them, and its id")
    for line in lines:
        style = "yellow" if line.verdict == PENDING else "red"
        reason = line.reason + (" (pending)" if line.verdict == PENDING else "")
        example = Text.assemble(STORIES[line.example.kind], "\n", (line.example.id, "dim"))
        table.add_row(Text(reason, style), f"{line.total:,}", example)
    show_heading(console, "Not justified, and why")
    console.print(_ABOUT_PENDING)
    console.print(table)


def show_alerts(
    console: Console, lines: Sequence[AlertLine], messages: Sequence[Message], to_show: Sequence[Suggestion]
) -> None:
    """Show what alerts the misuse raised, and one of the messages that somebody was sent."""
    show_heading(console, "Alerts, and who is told")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("severity", "rule"):
        table.add_column(name, no_wrap=True)
    for name in ("alerts", "accesses"):
        table.add_column(name, justify="right")
    for line in lines:
        style = _SEVERITY_STYLES.get(line.severity, "dim")
        table.add_row(Text(line.severity, style), line.rule, f"{line.alerts:,}", f"{line.accesses:,}")
    console.print(table)
    if messages:
        told = messages[0].body["data"]
        console.print(f"A receiver on this machine was sent {len(messages):,} messages. One of them:")
        console.print(
            f"  [{told['severity']}] {told['title']}: {_counted(told['access_count'])}",
            style="bold", highlight=False, markup=False,
        )  # fmt: skip
        console.print(f"  {told['link']}", highlight=False, soft_wrap=True)
        console.print(
            "It names no person and no customer. In a browser, any name and your token as the password:"
        )
    show_commands(console, to_show)


def show_proof(console: Console, total: int) -> None:
    """Say that the day came out as it had to."""
    console.print(
        f"All {total:,} accesses came out as labelled: none missing, none doubled, none judged otherwise.",
        style="bold green",
    )


def show_surprises(console: Console, surprises: Sequence[Surprise]) -> None:
    """Name the accesses that came out otherwise than labelled, the first of them one by one."""
    console.print(f"{_counted(len(surprises))} came out otherwise than labelled:", style="bold red")
    for surprise in surprises[:MOST_SURPRISES_SHOWN]:
        console.print(f"  {surprise.describe()}", soft_wrap=True, highlight=False)
    if len(surprises) > MOST_SURPRISES_SHOWN:
        console.print(f"  … and {len(surprises) - MOST_SURPRISES_SHOWN:,} more")


def show_commands(console: Console, suggestions: Sequence[Suggestion]) -> None:
    """Show the commands to go on with: what each is for, and the command."""
    for purpose, command in suggestions:
        console.print(f"  {purpose}", style="dim", highlight=False)
        console.print(f"    {command}", soft_wrap=True, highlight=False)


def show_heading(console: Console, text: str) -> None:
    """Set off what comes next."""
    console.print()
    console.print(text, style="bold")


def _counted(accesses: int) -> str:
    return "1 access" if accesses == 1 else f"{accesses:,} accesses"
