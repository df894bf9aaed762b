"""`earwitness registers`: where evidence comes from, and whether it still does."""

import click

from earwitness.cli.register_freshness import beat, list_, retire


@click.group()
def registers() -> None:
    """Registers, where evidence comes from: whether each of them still tells."""


for command in (list_, beat, retire):
    registers.add_command(command)
