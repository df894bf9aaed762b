"""`earwitness mend-topics`: what to do after Kafka lost its data."""

from contextlib import closing
from pathlib import Path

import click

from earwitness.cli import wiring
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack import mending
from earwitness.devstack.state import resolve
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail


@click.command("mend-topics")
@click.option("--yes", is_flag=True, help="Do it; else it is only said what would be done.")
@data_dir_option
def mend_topics(data_dir: Path | None, *, yes: bool) -> None:
    """After Kafka lost its data: have its topics go on behind what the trail holds of them.

    \b
    Example:
      earwitness up --detach --workers 0 && earwitness mend-topics --yes

    Workers refuse topics that were made anew, or restored from an older copy, for their offsets would
    be given twice. What producers have sent to them since is sent once more, behind the trail's end,
    and then deleted where it was. docs/runbooks/backup-and-restore.md has the steps.

    """
    found = resolve(data_dir, "admin")
    with closing(ClickHouse(wiring.clickhouse(found.clickhouse))) as clickhouse:
        partitions = mending.behind(found.kafka, ClickHouseTrail(clickhouse))
    for each in partitions:
        click.echo(str(each))
    if not partitions:
        click.echo("every partition is the one that the trail knows; there is nothing to mend")
    elif not yes:
        click.echo(f"{len(partitions)} partitions are to be mended: say --yes to do it")
    else:
        moved = mending.mend(found.kafka, partitions)
        click.echo(f"{len(partitions)} partitions were mended; {moved} records were sent once more")
