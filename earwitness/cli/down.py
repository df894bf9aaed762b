"""`earwitness down`: stop the embedded stack."""

from pathlib import Path

import click

from earwitness import settings
from earwitness.cli.stack_options import data_dir_option, say
from earwitness.devstack import control
from earwitness.devstack.layout import layout_of


@click.command()
@data_dir_option
def down(data_dir: Path | None) -> None:
    """Stop every process of the stack; its data stays.

    \b
    Example:
      earwitness down
    """
    layout = layout_of(data_dir or settings.load().data_dir)
    stopped = control.stop(layout, say)
    click.echo("stopped" if stopped else f"no stack is running in {layout.root}", err=True)
