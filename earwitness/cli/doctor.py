"""`earwitness doctor`: what is wrong with this installation, and what to do."""

import json
import os
import sys
from pathlib import Path
from typing import Final

import click

from earwitness import settings
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.check_installation import check_installation
from earwitness.devstack.check_stack import check_services, check_stack
from earwitness.devstack.checks import Check
from earwitness.devstack.layout import layout_of
from earwitness.devstack.state import ELSEWHERE

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@data_dir_option
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def doctor(data_dir: Path | None, output: str) -> None:
    """Check everything that earwitness stands on; exit 1 where something is wrong.

    \b
    Examples:
      earwitness doctor
      earwitness doctor --output json
    """
    values = settings.load()
    layout = layout_of(data_dir or values.data_dir)
    checks = check_installation(layout.root)
    if data_dir is None and any(name in os.environ for name in ELSEWHERE):
        checks += check_services(values)
    else:
        checks += check_stack(layout)
    if output == "json":
        click.echo(json.dumps([check._asdict() for check in checks], indent=2))
    else:
        for check in checks:
            _show(check)
    sys.exit(1 if any(check.outcome == "fail" for check in checks) else 0)


def _show(check: Check) -> None:
    outcome = click.style(f"{check.outcome:<4}", fg=_COLOURS[check.outcome])
    click.echo(f"{outcome}  {check.name}: {check.detail}")
    if check.remedy:
        click.echo(f"      → {check.remedy}")
