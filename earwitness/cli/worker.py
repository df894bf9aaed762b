"""`earwitness worker`: judge accesses, for a stack that runs elsewhere or under a supervisor."""

import os
from pathlib import Path
from typing import Final

import click

from earwitness import logs, settings
from earwitness.cli import wiring
from earwitness.policy_files import read_policies
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail
from sinks.clickhouse.verdicts import ClickHouseVerdicts
from streams.worker import Stores, WorkerOptions, run

READY_FILE_VARIABLE: Final = "EARWITNESS_READY_FILE"
"""Set by a supervisor: the file that the worker touches once it judges."""


@click.command()
def worker() -> None:
    """Judge accesses until stopped, with the settings of this process.

    \b
    Example:
      EARWITNESS_KAFKA__BOOTSTRAP=kafka:9092 EARWITNESS_CLICKHOUSE__HOST=clickhouse earwitness worker
    """
    ready_file = os.environ.pop(READY_FILE_VARIABLE, None)
    loaded = settings.load()
    logs.configure(loaded.log_format)
    clickhouse = ClickHouse(wiring.clickhouse(loaded.clickhouse))
    run(
        wiring.kafka(loaded.kafka),
        Stores(ClickHouseTrail(clickhouse), ClickHouseVerdicts(clickhouse)),
        read_policies(loaded.policies_dir),
        WorkerOptions(
            group=loaded.worker.group,
            largest_range=loaded.worker.largest_batch,
            shortest_interval_s=loaded.worker.shortest_interval_s,
            session_timeout_s=loaded.worker.session_timeout_s,
            ready_file=Path(ready_file) if ready_file else None,
        ),
    )
