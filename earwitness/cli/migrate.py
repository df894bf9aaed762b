"""`earwitness migrate`: bring the tables of the trail up to date."""

import click

from earwitness import logs, settings
from earwitness.cli import wiring
from sinks.clickhouse.schema import migrate as apply_migrations


@click.command()
def migrate() -> None:
    """Apply the ClickHouse migrations that are missing; needs a user that may create tables.

    \b
    Example:
      EARWITNESS_CLICKHOUSE__USERNAME=earwitness_admin earwitness migrate
    """
    loaded = settings.load()
    logs.configure(loaded.log_format)
    applied = apply_migrations(wiring.clickhouse(loaded.clickhouse))
    if applied:
        click.echo(f"applied migrations {', '.join(f'{number:04d}' for number in applied)}")
    else:
        click.echo("the schema is up to date")
