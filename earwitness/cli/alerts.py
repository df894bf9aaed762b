"""`earwitness alerts`: what needs a person's judgement, and what became of it."""

from typing import Final

import click

from earwitness.cli.lazy import LazyGroup

COMMANDS: Final = {
    "list": "earwitness.cli.alerts_reading:list_alerts",
    "show": "earwitness.cli.alerts_reading:show",
    "ack": "earwitness.cli.alerts_handling:ack",
    "assign": "earwitness.cli.alerts_handling:assign",
    "note": "earwitness.cli.alerts_handling:note",
    "close": "earwitness.cli.alerts_handling:close",
    "reopen": "earwitness.cli.alerts_handling:reopen",
    "silence": "earwitness.cli.alerts_silences:silence",
    "silences": "earwitness.cli.alerts_silences:silences",
    "unsilence": "earwitness.cli.alerts_silences:unsilence",
    "lint": "earwitness.cli.alert_rules:lint",
    "test": "earwitness.cli.alert_rules:test",
    "backtest": "earwitness.cli.alert_rules:backtest",
}
"""Name of the subcommand → `module:attribute` of its click command."""


@click.group(cls=LazyGroup, lazy=COMMANDS)
def alerts() -> None:
    """Alerts: see them, handle them, silence them; and the rules that raise them.

    \b
    Examples:
      earwitness alerts list
      earwitness alerts show 6f3a6f0e
      earwitness alerts close 6f3a6f0e --outcome explained --note 'the ticket came late'
    """
