"""`earwitness sql`: one SELECT of one's own."""

from pathlib import Path
from typing import Final

import click

from earwitness.cli.client import ApiClient
from earwitness.cli.output import (
    OutputFormat,
    console,
    plain_table,
    reading_options,
    records_table,
    tell,
    write_rows,
)
from earwitness.devstack.state import resolve

MOST_COLUMNS: Final = 10
"""Of more, each row is shown as a list: side by side they would have a few letters each."""


@click.command()
@click.argument("query")
@click.option(
    "--limit", type=click.IntRange(1), default=1_000, show_default=True, metavar="N", help="Most rows."
)
@reading_options
def sql(query: str, limit: int, output: OutputFormat, data_dir: Path | None) -> None:
    """Run one read-only SELECT on trail, verdicts, evidence, activity, alerts, registers or policies.

    \b
    Example:
      earwitness sql "SELECT actor_id, count() FROM trail WHERE verdict = 'unjustified' GROUP BY actor_id"
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        table = api.post("sql", body={"query": query, "limit": limit})
    columns, rows = table["columns"], table["rows"]
    if output == "table":
        many = len(columns) > MOST_COLUMNS
        console().print(records_table(columns, rows) if many else plain_table(columns, rows))
    else:
        write_rows((dict(zip(columns, row, strict=True)) for row in rows), columns, output)
    if table["truncated"]:
        tell(f"there are more than these {len(rows)} rows: --limit shows further")
