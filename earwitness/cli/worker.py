"""`earwitness worker`: judge accesses, for a stack that runs elsewhere or under a supervisor."""

import time
from functools import partial
from pathlib import Path

import click
import structlog

from earwitness import logs, settings
from earwitness.cli import wiring
from earwitness.health.listener import HealthListener
from earwitness.health.pulse import Pulse
from earwitness.health.readiness import CLICKHOUSE, EVENT_LOOP, KAFKA, Readiness
from earwitness.metrics import WORKER_METRICS, Meters
from earwitness.policy_files import read_policies
from earwitness.policy_folder import PolicyFolder, PolicyWatch
from earwitness.settings import Settings
from models.errors import ConfigurationError, PolicyInvalid
from sinks.base import TrailSink
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.doorbell import Doorbell
from sinks.clickhouse.trail import ClickHouseTrail
from sinks.clickhouse.verdicts import ClickHouseVerdicts
from streams.observed import Observer
from streams.policies import register, register_patiently
from streams.worker import Stores, WorkerOptions, run

log = structlog.get_logger(__name__)


@click.command()
def worker() -> None:
    """Judge accesses until stopped, with the settings of this process.

    \b
    Example:
      EARWITNESS_KAFKA__BOOTSTRAP=kafka:9092 EARWITNESS_CLICKHOUSE__HOST=clickhouse earwitness worker
    """
    loaded = settings.load()
    logs.configure(loaded.log_format)
    address = wiring.clickhouse(loaded.clickhouse)
    readiness = Readiness((EVENT_LOOP, KAFKA, CLICKHOUSE), time.monotonic)
    observer = Observer(readiness, Meters(WORKER_METRICS), time.monotonic)
    with (
        HealthListener(loaded.health.host, loaded.health.port, readiness, observer.expose) as listener,
        Doorbell(address, "access_log") as doorbell,
        Pulse(CLICKHOUSE, doorbell.ring, readiness),
    ):
        log.info("health_listens", address=listener.address)
        _work(loaded, ClickHouse(address), observer)


def _work(loaded: Settings, clickhouse: ClickHouse, observer: Observer) -> None:
    trail = ClickHouseTrail(clickhouse)
    policies = _policies(loaded.policies_dir, trail)
    options = WorkerOptions(
        group=loaded.worker.group,
        largest_range=loaded.worker.largest_batch,
        shortest_interval_s=loaded.worker.shortest_interval_s,
        session_timeout_s=loaded.worker.session_timeout_s,
    )
    with PolicyWatch(policies):
        stores = Stores(trail, ClickHouseVerdicts(clickhouse))
        run(wiring.kafka(loaded.kafka), stores, policies.current, options, observer)


def _policies(folder: Path, trail: TrailSink) -> PolicyFolder:
    """Open the policies to judge by, each made known to the store before anybody judges by it.

    Raises `ConfigurationError` where they cannot be read, or a version is known as another.
    """
    try:
        register_patiently(trail, read_policies(folder))
        return PolicyFolder(folder, partial(register, trail))
    except PolicyInvalid as error:
        raise ConfigurationError(error.faults) from error
