"""`earwitness backup` and `restore`: a copy of the trail, and the way back from one."""

from pathlib import Path

import click

from earwitness.cli import wiring
from earwitness.cli.output import tell
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from sinks.clickhouse import backup as backups
from sinks.clickhouse.schema import migrate


@click.command()
@click.argument("name")
@data_dir_option
def backup(name: str, data_dir: Path | None) -> None:
    """Copy the trail to the folder NAME of ClickHouse's backups, while workers go on.

    \b
    Example:
      earwitness backup 2026-11-26

    The embedded stack keeps backups in the folder `backups` of its data folder. What Kafka holds is no part
    of a copy: workers take what came after it from there.

    """
    backups.back_up(wiring.clickhouse(resolve(data_dir, "admin").clickhouse), name)
    click.echo(f"backed up to {name}")


@click.command()
@click.argument("name")
@data_dir_option
def restore(name: str, data_dir: Path | None) -> None:
    """Put the copy NAME in the place of an empty trail; no worker may run meanwhile.

    \b
    Example:
      earwitness up --detach --workers 0 && earwitness restore 2026-11-26

    The schema is then brought up to date. Workers that start afterwards complete the trail from Kafka.
    docs/runbooks/backup-and-restore.md has the steps.

    """
    address = wiring.clickhouse(resolve(data_dir, "admin").clickhouse)
    held = backups.restore(address, name)
    applied = migrate(address)
    click.echo(
        f"restored {held.accesses} accesses in {held.ranges} ranges and"
        f" {held.evidence_versions} versions of evidence from {name}"
    )
    if applied:
        tell(f"applied migrations {', '.join(f'{number:04d}' for number in applied)}")
