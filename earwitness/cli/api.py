"""`earwitness api`: serve the read API."""

import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

import click
import structlog
import uvicorn

from earwitness import logs, settings
from earwitness.api.app import create_app
from earwitness.api.deliveries import Hooks
from earwitness.api.sources import Sources
from earwitness.cli import sdk_wiring, wiring
from earwitness.cli.outbox_publisher import OutboxPublisher
from earwitness.health.pulse import Pulse
from earwitness.health.readiness import CLICKHOUSE, Readiness
from earwitness.policy import PolicySet
from earwitness.policy_folder import PolicyFolder, PolicyWatch
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.clickhouse_http import HttpAddress, HttpStore
from earwitness.query.dead_letters import DeadLetters
from earwitness.query.evidence import Evidence
from earwitness.query.explanation import Explainer
from earwitness.query.exporting import MOST_AT_ONCE, Exports
from earwitness.query.pages import Pages
from earwitness.query.registers import Registers
from earwitness.query.reports import Reports
from earwitness.query.summaries import Summaries
from earwitness.query.trail import Trail
from earwitness.register_files import read_hooks, read_registers
from earwitness.registers.config import Register
from earwitness.registers.success import heartbeat_of
from earwitness.settings import ApiSettings, Settings
from models.errors import ConfigurationError, QueryRejected, SinkUnavailable
from sinks.clickhouse.activity import ActivityLog
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.doorbell import Doorbell
from sinks.clickhouse.heartbeats import HeartbeatLog, Teller

READER: Final = "earwitness_reader"
MOST_REQUESTS: Final = 64
"""Requests under way at once; further ones are refused."""

STOP_WITHIN_S: Final = 5
log = structlog.get_logger(__name__)

BACKLOG: Final = 128
HEALTH_TIMEOUT_S: Final = 2
HEALTH_QUESTION: Final = "SELECT 1 FROM dead_letters LIMIT 0"
"""Answered only where ClickHouse is up, migrated, and lets the API read."""


@click.command()
def api() -> None:
    """Serve the read API until stopped, with the settings of this process.

    \b
    Example:
      EARWITNESS_API__TOKEN_FILE=/run/secrets/token earwitness api
    """
    loaded = settings.load()
    logs.configure(loaded.log_format)
    webhooks = read_hooks(read_registers(loaded.registers_file))
    stores = Stores(loaded)
    policies = PolicyFolder(loaded.policies_dir)
    readiness = Readiness((CLICKHOUSE,), time.monotonic)
    publisher = OutboxPublisher(sdk_wiring.kafka(loaded.kafka)) if webhooks else None
    app = create_app(
        stores.sources(policies.current)._replace(readiness=readiness),
        token=loaded.api.token.get_secret_value(),
        largest_page=loaded.api.largest_page,
        hooks=None if publisher is None else Hooks(webhooks, publisher, stores.note_success),
    )
    listening = _listen(loaded.api)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with (
            PolicyWatch(policies),
            Doorbell(wiring.clickhouse(loaded.clickhouse), "dead_letters") as doorbell,
            Pulse(CLICKHOUSE, doorbell.ring, readiness),
        ):
            _server(app).run(sockets=[listening])
    finally:
        stores.close()
        if publisher is not None:
            publisher.close()


class Stores:
    """The connections of the API: as itself, as the reader of people's SQL, and to the activity log."""

    def __init__(self, loaded: Settings) -> None:
        address = wiring.clickhouse(loaded.clickhouse)
        reader = address._replace(user=READER, password=loaded.clickhouse.reader_password.get_secret_value())
        timeout_s = loaded.api.query_timeout_s
        self._own = ClickHouseStore(**address._asdict(), query_timeout_s=timeout_s)
        self._people = ClickHouseStore(**reader._asdict(), query_timeout_s=timeout_s, author="person")
        # Of its own: long questions that hold every other connection do not make the API look dead.
        self._health = ClickHouseStore(**address._asdict(), query_timeout_s=HEALTH_TIMEOUT_S)
        http = HttpAddress(**{**address._asdict(), "port": loaded.clickhouse.http_port})
        self._formatting = HttpStore(http, query_timeout_s=timeout_s, connections=MOST_AT_ONCE)
        self._activity = ActivityLog(ClickHouse(address))
        self._heartbeats = HeartbeatLog(ClickHouse(address), self._activity.write)

    def sources(self, policies: Callable[[], PolicySet]) -> Sources:
        """Give what the API answers from; `policies` is asked for every explanation."""
        trail, evidence = Trail(self._own), Evidence(self._own)
        return Sources(
            trail=trail,
            summaries=Summaries(self._own),
            exports=Exports(self._own, self._formatting),
            pages=Pages(self._own),
            reports=Reports(self._own),
            evidence=evidence,
            registers=Registers(self._own),
            heartbeats=self._heartbeats,
            dead_letters=DeadLetters(self._own),
            statements=self._people,
            explain=Explainer(trail, evidence, policies),
            activity=self._activity,
            is_ready=lambda: self._health.ask(HEALTH_QUESTION) is not None,
        )

    def note_success(self, register: Register) -> None:
        """Let a register beat whose webhook was taken."""
        heartbeat = heartbeat_of(register)
        if heartbeat is None:
            return
        try:
            self._heartbeats.beat(heartbeat, Teller(f"webhook:{register.name}", "webhook"))
        except (SinkUnavailable, QueryRejected) as error:
            log.warning("heartbeat_lost", register=register.name, error=str(error))

    def close(self) -> None:
        """Close every connection."""
        self._heartbeats.close()
        self._activity.close()
        self._formatting.close()
        self._own.close()
        self._people.close()
        self._health.close()


def _listen(api: ApiSettings) -> socket.socket:
    try:
        return socket.create_server((api.host, api.port), backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            [f"EARWITNESS_API__PORT (api.port): cannot listen on {api.host}:{api.port}: {error.strerror}"]
        ) from error


def _server(app: object) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type] # FastAPI is one of the callables it takes
            log_level="warning",
            access_log=False,
            log_config=None,
            ws="none",
            lifespan="off",
            server_header=False,
            limit_concurrency=MOST_REQUESTS,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
    )


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End with success: uvicorn raises the signal again once it has stopped."""
    sys.exit(0)
