"""`earwitness reconcile`: prove that the trail is complete, or say what is lost or doubled."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import click
import structlog

from earwitness import logs
from earwitness.cli import wiring
from earwitness.cli.output import tell, write_json
from earwitness.cli.reconcile_output import as_json, as_lines
from earwitness.cli.reconcile_service import ReconcileWatch, serve, stop_on_signals
from earwitness.cli.spans import Interval
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from earwitness.health.listener import HealthListener
from earwitness.query.accounts import ClickHouseAccounts
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.moments import parse_moment
from earwitness.reconciliation.accounts import FIRST_DAY, LAST_DAY, Window
from earwitness.reconciliation.reconciling import reconcile as reconcile_accounts
from earwitness.reconciliation.report import Report
from earwitness.settings import Settings
from models.errors import BrokerUnavailable, SinkRejected, SinkUnavailable, StackUnavailable
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.reconciliation import ReconciliationLog
from streams.edges import read_edges
from streams.publisher import KafkaPublisher
from streams.reconciler import Reconciler

log = structlog.get_logger(__name__)

COULD_NOT_ASK: Final = 2
LONGEST_GRACE_S: Final = 30 * 86_400
LONGEST_EVERY_S: Final = 86_400
USUAL_SINCE: Final = "1d"
"""Yesterday and today: what a service looks at each time."""


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
@click.option(
    "--every",
    type=Interval(LONGEST_EVERY_S),
    help="Do it again and again, as a service: publish what is new as findings, serve health and metrics.",
)
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@data_dir_option
def reconcile(  # noqa: PLR0913, PLR0917 - one for each option
    since: str | None,
    until: str | None,
    grace: int | None,
    every: int | None,
    output: str,
    data_dir: Path | None,
) -> None:
    """Compare Kafka's offsets, the range ledger, the producers' counts and the table.

    \b
    Example:
      earwitness reconcile --since 7d

    Says which offsets are complete, and finds gaps, losses and duplicates, each with its place, its size and
    what to do. Exit 0: complete. Exit 1: something is wrong. Exit 2: could not ask.

    With --every it looks at yesterday and today, unless --since says otherwise, until it is stopped.

    """
    try:
        loaded = resolve(data_dir, "worker")
        if every is not None:
            _reconcile_forever(loaded, every, partial(_window, since or USUAL_SINCE, until), grace)
            return
        report = ask(loaded, _window(since, until), grace)
    except (SinkUnavailable, SinkRejected, BrokerUnavailable, StackUnavailable) as error:
        tell(f"error: {error}")
        sys.exit(COULD_NOT_ASK)
    if output == "json":
        write_json(as_json(report))
    else:
        for line in as_lines(report):
            click.echo(line)
    sys.exit(0 if report.complete else 1)


def ask(loaded: Settings, window: Window, grace_s: int | None = None) -> Report:
    """Reconcile once, on connections of its own.

    Raises `BrokerUnavailable`, `SinkUnavailable`, `QueryRejected`.
    """
    address = wiring.clickhouse(loaded.clickhouse)
    store = ClickHouseStore(**address._asdict(), query_timeout_s=loaded.reconcile.query_timeout_s)
    try:
        edges = read_edges(wiring.kafka(loaded.kafka), loaded.worker.group)
        return reconcile_accounts(
            ClickHouseAccounts(store),
            edges,
            window=window,
            grace=timedelta(seconds=loaded.reconcile.grace_s if grace_s is None else grace_s),
            now=datetime.now(UTC),
        )
    finally:
        store.close()


def _window(since: str | None, until: str | None) -> Window:
    """Give the days that two moments name, seen from now. Raises `QueryRejected`."""
    now = datetime.now(UTC)
    return Window(
        FIRST_DAY if since is None else parse_moment(since, now).date(),
        LAST_DAY if until is None else parse_moment(until, now).date(),
    )


def _reconcile_forever(
    loaded: Settings, every_s: int, window: Callable[[], Window], grace_s: int | None
) -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.configure(loaded.log_format)
    stopping = stop_on_signals()
    told = ReconciliationLog(ClickHouse(wiring.clickhouse(loaded.clickhouse)))
    reconciler = Reconciler(
        lambda: ask(loaded, window(), grace_s),
        partial(KafkaPublisher, wiring.kafka(loaded.kafka)),
        told,
        lambda: datetime.now(UTC),
    )
    watch = ReconcileWatch(every_s, time.monotonic)
    health = loaded.health
    try:
        with HealthListener(health.host, health.port, watch.readiness, watch.expose) as listener:
            log.info("health_listens", address=listener.address)
            serve(reconciler, watch, every_s, stopping)
    finally:
        told.close()
