"""`earwitness up`: start the embedded stack."""

from pathlib import Path

import click

from earwitness import settings
from earwitness.cli.stack_options import data_dir_option, say
from earwitness.devstack import control, preflight
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import MOST_WORKERS, Options, Supervisor, stop_on_signals

_PORT = click.IntRange(1, 65_535)


@click.command()
@click.option(
    "--detach", is_flag=True, help="Return once the stack is ready; it goes on without this terminal."
)
@click.option("--workers", type=click.IntRange(0, MOST_WORKERS), default=1, show_default=True)
@data_dir_option
@click.option("--kafka-port", type=_PORT, help="Where Kafka listens.  [default: a free port]")
@click.option("--clickhouse-port", type=_PORT, help="Where ClickHouse listens.  [default: a free port]")
@click.option("--api-port", type=_PORT, help="Where the read API listens.  [default: a free port]")
def up(detach: bool, workers: int, data_dir: Path | None, **ports: int | None) -> None:  # noqa: FBT001 - click's
    """Start Kafka, ClickHouse, the workers and the read API, on this machine alone.

    \b
    Examples:
      earwitness up --detach
      earwitness up --workers 2 --data-dir /var/lib/earwitness
    """
    values = settings.load()
    asked = {name.removesuffix("_port"): port for name, port in ports.items() if port is not None}
    options = Options(data_dir=data_dir or values.data_dir, workers=workers, ports=asked)
    preflight.check_pieces()
    control.fetch_kafka(values.maven_url, say)
    if detach:
        say(f"starting; it writes to {layout_of(options.data_dir).log('supervisor')}")
        started = control.start_detached(options)
        say(f"ready: Kafka {started.kafka}, ClickHouse {started.clickhouse}, API {started.api}")
        return
    supervisor = Supervisor(options, say)
    stop_on_signals(supervisor)
    supervisor.run()
