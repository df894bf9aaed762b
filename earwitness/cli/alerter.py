"""`earwitness alerter`: raise alerts, and tell people."""

import time
from datetime import UTC, datetime

import click
import structlog

from earwitness import logs, settings
from earwitness.alerting.alerter import Alerter
from earwitness.alerting.delivering import Deliverer
from earwitness.alerting.links import ApiLinks
from earwitness.alerting.notices import Outbox
from earwitness.alerting.raising import News, Raiser
from earwitness.alerting.rule_folder import RuleFolder
from earwitness.alerting.telling import Teller
from earwitness.cli import wiring
from earwitness.cli.reconcile_service import stop_on_signals
from earwitness.health.listener import HealthListener
from earwitness.health.pulse import Pulse
from earwitness.health.readiness import CLICKHOUSE, Readiness
from earwitness.metrics import ALERTER_METRICS, ALERTS, RAISES_ALERTS, READY, RULES_REFUSED, Meters
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.settings import Settings
from models.errors import ConfigurationError, RulesInvalid
from sinks.channels.configured import read_channels
from sinks.clickhouse.alerts import AlertLog
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.doorbell import Doorbell
from streams.finding_reader import FindingReader

log = structlog.get_logger(__name__)


@click.command()
def alerter() -> None:
    """Raise alerts by the rules of `alert_rules/`, and tell people, until stopped.

    \b
    Example:
      EARWITNESS_KAFKA__BOOTSTRAP=kafka:9092 EARWITNESS_CLICKHOUSE__HOST=clickhouse earwitness alerter

    Of several such processes one works, and the others stand by. A changed rule is taken up within seconds
    where it is sound; else the rules of before stay, and the log and /metrics say so.
    """
    loaded = settings.load()
    logs.configure(loaded.log_format)
    address = wiring.clickhouse(loaded.clickhouse)
    readiness = Readiness((CLICKHOUSE,), time.monotonic)
    try:
        rules = RuleFolder(loaded.alerts.rules_dir)
    except RulesInvalid as error:
        raise ConfigurationError(error.faults) from error
    watch = AlerterWatch(readiness, rules)
    with (
        HealthListener(loaded.health.host, loaded.health.port, readiness, watch.expose) as listener,
        Doorbell(address, "alerts") as doorbell,
        Pulse(CLICKHOUSE, doorbell.ring, readiness),
    ):
        log.info("health_listens", address=listener.address, rules=[rule.id for rule in rules.rules])
        _work(loaded, rules, watch, readiness)


class AlerterWatch:
    """What is known of the work so far, for whoever asks /metrics."""

    def __init__(self, readiness: Readiness, rules: RuleFolder) -> None:
        self.meters = Meters(ALERTER_METRICS)
        self._readiness = readiness
        self._rules = rules
        self.reader: FindingReader | None = None

    def note(self, news: News) -> None:
        """Count what happened to an alert."""
        self.meters.add(ALERTS, 1, news.rule.id, news.entry.kind)

    def expose(self) -> bytes:
        """Write the metrics."""
        self.meters.set(READY, float(self._readiness.readiness().ok))
        self.meters.set(RULES_REFUSED, float(bool(self._rules.faults)))
        self.meters.set(RAISES_ALERTS, float(self.reader is not None and self.reader.leads))
        return self.meters.expose()


def _work(loaded: Settings, rules: RuleFolder, watch: AlerterWatch, readiness: Readiness) -> None:
    channels = read_channels(loaded.alerts.channels_file, clock=_now)
    stopping = stop_on_signals()
    address = wiring.clickhouse(loaded.clickhouse)
    store = ClickHouseStore(**address._asdict(), query_timeout_s=loaded.alerts.query_timeout_s)
    statements = ClickHouseStore(
        **address._asdict(), query_timeout_s=loaded.alerts.query_timeout_s, author="person"
    )
    alert_log, delivery_log = AlertLog(ClickHouse(address)), AlertLog(ClickHouse(address))
    reader = watch.reader = FindingReader(wiring.kafka(loaded.kafka), loaded.alerts.group)
    deliverer = Deliverer(channels, delivery_log, watch.meters, _now)
    # A question that no channel would ask is not made: each takes two questions to the store.
    key = loaded.alerts.statement_key.get_secret_value().encode() if deliverer.asks else b""
    links = ApiLinks(loaded.api.url or f"http://{loaded.api.host}:{loaded.api.port}", key, store)
    teller = Teller(Outbox(store, deliverer.names, links), deliverer, rules, lambda: reader.leads, _now)
    raiser = Raiser(store, statements, alert_log, rules.rules, _now)

    def tell(news: News) -> None:
        watch.note(news)
        teller.wake()

    try:
        with teller:
            Alerter(reader, raiser, rules, tell, readiness, clock=time.monotonic).run(stopping)
    finally:
        reader.close()
        alert_log.close()
        delivery_log.close()
        statements.close()
        store.close()


def _now() -> datetime:
    return datetime.now(UTC)
