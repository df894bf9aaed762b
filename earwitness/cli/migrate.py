"""`earwitness migrate`: bring the tables of the trail up to date."""

import click

from earwitness import settings
from sinks.clickhouse.schema import migrate as apply_migrations


@click.command()
def migrate() -> None:
    """Apply the ClickHouse migrations that are missing; needs a user that may create tables.

    \b
    Example:
      EARWITNESS_CLICKHOUSE__USERNAME=earwitness_admin earwitness migrate
    """
    clickhouse = settings.load().clickhouse
    applied = apply_migrations(
        clickhouse.host,
        clickhouse.port,
        database=clickhouse.database,
        user=clickhouse.username,
        password=clickhouse.password.get_secret_value(),
        secure=clickhouse.secure,
    )
    if applied:
        click.echo(f"applied migrations {', '.join(f'{number:04d}' for number in applied)}")
    else:
        click.echo("the schema is up to date")
