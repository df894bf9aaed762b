"""`earwitness api`: serve the read API."""

import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Final

import click
import structlog

from earwitness import logs, settings
from earwitness.alerting.rule_folder import RuleFolder
from earwitness.alerts.rules import Rule
from earwitness.api.app import create_app
from earwitness.api.deliveries import Hooks
from earwitness.api.desk import Desk
from earwitness.api.limits import Limits
from earwitness.api.sources import Sources
from earwitness.api.statements import Statements
from earwitness.cli import sdk_wiring, wiring
from earwitness.cli.api_server import check_protected, listen, server_of
from earwitness.cli.outbox_publisher import OutboxPublisher
from earwitness.cli.scope_stores import ScopeStores, over_http
from earwitness.health.pulse import Pulse
from earwitness.health.readiness import CLICKHOUSE, Readiness
from earwitness.policy import PolicySet
from earwitness.policy_folder import PolicyFolder, PolicyWatch
from earwitness.query.activity import ActivityReading
from earwitness.query.alerts import Alerts
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.clickhouse_http import HttpStore
from earwitness.query.dead_letters import DeadLetters
from earwitness.query.dry_run import DryRun
from earwitness.query.evidence import Evidence
from earwitness.query.explanation import Explainer
from earwitness.query.exporting import MOST_AT_ONCE, Exports
from earwitness.query.pages import Pages
from earwitness.query.registers import Registers
from earwitness.query.reports import Reports
from earwitness.query.saved_searches import SavedSearches
from earwitness.query.summaries import Summaries
from earwitness.query.trail import Trail
from earwitness.register_files import read_hooks, read_registers
from earwitness.registers.config import Register
from earwitness.registers.success import heartbeat_of
from earwitness.settings import ApiSettings, Settings
from models.errors import QueryRejected, RulesInvalid, SinkUnavailable
from sinks.clickhouse.activity import ActivityLog
from sinks.clickhouse.alerts import AlertLog
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.doorbell import Doorbell
from sinks.clickhouse.heartbeats import HeartbeatLog, Teller
from sinks.clickhouse.saved_searches import SavedSearchLog
from sinks.clickhouse.tokens import TokenLog

READER: Final = "earwitness_reader"
log = structlog.get_logger(__name__)

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
    key = loaded.alerts.statement_key.get_secret_value().encode()
    publisher = OutboxPublisher(sdk_wiring.kafka(loaded.kafka)) if webhooks or key else None
    check_protected(loaded.api)
    app = create_app(
        stores.sources(policies.current, _rules(loaded.alerts.rules_dir))._replace(readiness=readiness),
        token=loaded.api.token.get_secret_value(),
        largest_page=loaded.api.largest_page,
        limits=_limits(loaded.api),
        hooks=Hooks(webhooks, publisher, stores.note_success) if publisher is not None and webhooks else None,
        statements=Statements(key, publisher) if publisher is not None and key else None,
    )
    listening = listen(loaded.api)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with (
            PolicyWatch(policies),
            Doorbell(wiring.clickhouse(loaded.clickhouse), "dead_letters") as doorbell,
            Pulse(CLICKHOUSE, doorbell.ring, readiness),
        ):
            server_of(app, loaded.api).run(sockets=[listening])
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
        http = over_http(address, loaded.clickhouse)
        self._formatting = HttpStore(http, query_timeout_s=timeout_s, connections=MOST_AT_ONCE)
        self._activity = ActivityLog(ClickHouse(address))
        self._searches = SavedSearchLog(ClickHouse(address))
        self._tokens = TokenLog(ClickHouse(address))
        self._alert_log = AlertLog(ClickHouse(address))
        self._scopes = ScopeStores(loaded)
        self._heartbeats = HeartbeatLog(ClickHouse(address), self._activity.write)

    def sources(
        self, policies: Callable[[], PolicySet], rules: Callable[[], Sequence[Rule]] = tuple
    ) -> Sources:
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
            searches=SavedSearches(self._own),
            keep_search=self._searches.write,
            statements=self._people,
            explain=Explainer(trail, evidence, policies),
            dry_run=DryRun(evidence, policies),
            activity=self._activity,
            done=ActivityReading(self._own),
            desk=Desk(Alerts(self._own), self._alert_log, rules),
            tokens=self._tokens,
            scoped=self._scopes.of,
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
        self._searches.close()
        self._heartbeats.close()
        self._tokens.close()
        self._alert_log.close()
        self._scopes.close()
        self._activity.close()
        self._formatting.close()
        self._own.close()
        self._people.close()
        self._health.close()


def _rules(folder: Path) -> Callable[[], Sequence[Rule]]:
    """Give the rules as they stand; where they are unsound, alerts are shown without their rules' words."""
    try:
        rules = RuleFolder(folder)
    except RulesInvalid as error:
        log.warning("rules_refused", faults=list(error.faults))
        return tuple

    def current() -> Sequence[Rule]:
        rules.refresh()
        return rules.rules

    return current


def _limits(api: ApiSettings) -> Limits:
    days = api.longest_range_days
    return Limits(None if days is None else timedelta(days=days), api.most_requests)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End with success: uvicorn raises the signal again once it has stopped."""
    sys.exit(0)
