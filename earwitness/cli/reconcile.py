"""`earwitness reconcile`: prove that the trail is complete, or say what is lost or doubled."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from earwitness.cli import wiring
from earwitness.cli.output import tell, write_json
from earwitness.cli.reconcile_output import as_json, as_lines
from earwitness.cli.spans import Interval
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from earwitness.query.accounts import ClickHouseAccounts
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.moments import parse_moment
from earwitness.reconciliation.accounts import FIRST_DAY, LAST_DAY, Window
from earwitness.reconciliation.reconciling import reconcile as reconcile_accounts
from earwitness.reconciliation.report import Report
from earwitness.settings import Settings
from models.errors import BrokerUnavailable, SinkRejected, SinkUnavailable, StackUnavailable
from streams.edges import read_edges

COULD_NOT_ASK: Final = 2
LONGEST_GRACE_S: Final = 30 * 86_400


@click.command()
@click.option(
    "--since",
    metavar="T",
    help="From this day of receipt on, as 7d, 2026-01-31 or RFC 3339; whole days, UTC.  [default: all]",
)
@click.option("--until", metavar="T", help="Up to this day of receipt, which is included.")
@click.option(
    "--grace",
    type=Interval(LONGEST_GRACE_S),
    help="How long a producer's number may be missing before it counts as lost.  [default: a setting]",
)
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@data_dir_option
def reconcile(
    since: str | None, until: str | None, grace: int | None, output: str, data_dir: Path | None
) -> None:
    """Compare Kafka's offsets, the range ledger, the producers' counts and the table.

    Says which offsets are complete, and finds gaps, losses and duplicates, each with its place, its size and
    what to do. Exit 0: complete. Exit 1: something is wrong. Exit 2: could not ask.

    \b
    Example:
      earwitness reconcile --since 7d
    """
    try:
        loaded = resolve(data_dir, "worker")
        now = datetime.now(UTC)
        report = ask(loaded, window_of(since, until, now), grace)
    except (SinkUnavailable, SinkRejected, BrokerUnavailable, StackUnavailable) as error:
        tell(f"error: {error}")
        sys.exit(COULD_NOT_ASK)
    if output == "json":
        write_json(as_json(report))
    else:
        for line in as_lines(report):
            click.echo(line)
    sys.exit(0 if report.complete else 1)


def window_of(since: str | None, until: str | None, now: datetime) -> Window:
    """Give the days that two moments name. Raises `QueryRejected`."""
    return Window(
        FIRST_DAY if since is None else parse_moment(since, now).date(),
        LAST_DAY if until is None else parse_moment(until, now).date(),
    )


def ask(loaded: Settings, window: Window, grace_s: int | None = None) -> Report:
    """Reconcile once. Raises `BrokerUnavailable`, `SinkUnavailable`, `QueryRejected`."""
    with_store = store_of(loaded)
    try:
        return asker(loaded, with_store, grace_s)(window)
    finally:
        with_store.close()


def store_of(loaded: Settings) -> ClickHouseStore:
    """Connect to ClickHouse as the settings say."""
    address = wiring.clickhouse(loaded.clickhouse)
    return ClickHouseStore(**address._asdict(), query_timeout_s=loaded.reconcile.query_timeout_s)


def asker(loaded: Settings, store: ClickHouseStore, grace_s: int | None = None) -> Callable[[Window], Report]:
    """Give what reconciles some days, on connections of its own to Kafka each time."""
    grace = timedelta(seconds=loaded.reconcile.grace_s if grace_s is None else grace_s)
    connection = wiring.kafka(loaded.kafka)

    def asked(window: Window) -> Report:
        edges = read_edges(connection, loaded.worker.group)
        return reconcile_accounts(
            ClickHouseAccounts(store), edges, window=window, grace=grace, now=datetime.now(UTC)
        )

    return asked
