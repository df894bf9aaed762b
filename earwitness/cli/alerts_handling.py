"""`earwitness alerts ack | assign | note | close | reopen`: what people do with an alert."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from earwitness.cli.alerts_completing import complete_any, complete_closed, complete_open
from earwitness.cli.client import ApiClient
from earwitness.cli.output import OutputFormat, reading_options, tell, write_json, write_rows
from earwitness.devstack.state import resolve
from earwitness.query.alerts import ALERT_FIELDS
from earwitness.reports.alert_words import OUTCOMES
from models.alerts import Outcome

COLUMNS: Final = ("id", *(name for name in ALERT_FIELDS if name != "alert_id"))
_Command = TypeVar("_Command", bound=Callable[..., Any])

note_option: Final[Callable[[_Command], _Command]] = click.option(
    "--note", required=True, metavar="TEXT", help="Why, in words for whoever reads it next year."
)


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=complete_open)
@reading_options
def ack(identifier: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Say that you look into an alert.

    \b
    Example:
      earwitness alerts ack 6f3a6f0e
    """
    _done(data_dir, output, identifier, "acknowledgement", {})


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=complete_open)
@click.argument("assignee", metavar="WHO")
@reading_options
def assign(identifier: str, assignee: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Say who is to look into an alert.

    \b
    Example:
      earwitness alerts assign 6f3a6f0e bea
    """
    _done(data_dir, output, identifier, "assignment", {"assignee": assignee})


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=complete_any)
@click.argument("text")
@reading_options
def note(identifier: str, text: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Add a note to an alert, also to a closed one.

    \b
    Example:
      earwitness alerts note 6f3a6f0e 'her team lead looks for the ticket'

    No content and no telephone number: what is written here is kept for good.
    """
    _done(data_dir, output, identifier, "notes", {"text": text})


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=complete_open)
@click.option(
    "--outcome",
    type=click.Choice(get_args(Outcome)),
    required=True,
    help="; ".join(f"{name}: {words}" for name, words in OUTCOMES.items()) + ".",
)
@note_option
@reading_options
def close(identifier: str, outcome: str, note: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Close an alert, and say what it turned out to be.

    \b
    Examples:
      earwitness alerts close 6f3a6f0e --outcome explained --note 'the ticket was entered late: TCK-9'
      earwitness alerts close 6f3a6f0e --outcome true --note 'no ticket; handed to HR as case 12'
    """
    _done(data_dir, output, identifier, "closure", {"outcome": outcome, "note": note})


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=complete_closed)
@note_option
@reading_options
def reopen(identifier: str, note: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Open a closed alert again, and say why it is not over.

    \b
    Example:
      earwitness alerts reopen 6f3a6f0e --note 'TCK-9 is about another customer'
    """
    _done(data_dir, output, identifier, "reopening", {"note": note})


def _done(
    data_dir: Path | None, output: OutputFormat, identifier: str, way: str, body: dict[str, str]
) -> None:
    with ApiClient(resolve(data_dir, "api").api) as api:
        alert = api.post("alerts", identifier, way, body=body)
    if output == "table":
        outcome = f" ({alert['outcome']})" if alert["outcome"] else ""
        whose = f", assigned to {alert['assignee']}" if alert["assignee"] else ""
        tell(f"{alert['id'][:8]} is {alert['state']}{outcome}{whose}: {alert['title']}")
    elif output == "json":
        write_json(alert)
    else:
        write_rows(iter([alert]), COLUMNS, output)
