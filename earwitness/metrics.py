"""Every metric that earwitness exposes: its name, its unit and what it means, once.

docs/reference/metrics.md is made from this file.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

Kind = Literal["gauge", "counter", "histogram"]

BUCKETS_S: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""The histograms' bounds: a step of a range takes from a millisecond to the length of an outage."""


class Metric(NamedTuple):
    """What is measured. Names never change their meaning and are never reused."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


READY: Final = Metric(
    "earwitness_ready", "gauge", "0 or 1", "1 where the process can record: what /readyz says."
)

REGISTER_OVERDUE: Final = Metric(
    "earwitness_register_overdue",
    "gauge",
    "0 or 1",
    "1 where the register's next heartbeat is overdue: verdicts that lean on it say so, and may change.",
    ("register",),
)
REGISTER_LAST_HEARTBEAT: Final = Metric(
    "earwitness_register_last_heartbeat_timestamp_seconds",
    "gauge",
    "seconds since 1970",
    "When the register last said that it works.",
    ("register",),
)
REGISTER_INTERVAL: Final = Metric(
    "earwitness_register_interval_seconds",
    "gauge",
    "seconds",
    "How long after a heartbeat the register promised the next one.",
    ("register",),
)

LAG: Final = Metric(
    "earwitness_partition_lag_events",
    "gauge",
    "events",
    "Events of a partition that Kafka holds and the trail does not yet; told by the worker that owns it.",
    ("topic", "partition"),
)
OLDEST_UNSTORED: Final = Metric(
    "earwitness_oldest_unstored_event_age_seconds",
    "gauge",
    "seconds",
    "How long the oldest of them has been waiting, at least: as long as this worker has seen it.",
    ("topic", "partition"),
)
ROWS_STORED: Final = Metric(
    "earwitness_rows_stored_total",
    "counter",
    "rows",
    "Accesses stored. A range that is settled counts again.",
)
DUPLICATES: Final = Metric(
    "earwitness_duplicates_total",
    "counter",
    "events",
    "Accesses that were sent again, and made no second row.",
)
DEAD_LETTERS: Final = Metric(
    "earwitness_dead_letters_total",
    "counter",
    "records",
    "Records that could not be accepted, and are kept with their bytes.",
)
FINDINGS: Final = Metric(
    "earwitness_findings_total",
    "counter",
    "findings",
    "Findings published; one may be published again after a crash.",
    ("kind",),
)
RANGE_SECONDS: Final = Metric(
    "earwitness_range_step_seconds",
    "histogram",
    "seconds",
    "How long each step of storing a range took.",
    ("step",),
)
WAITS: Final = Metric(
    "earwitness_waits_total",
    "counter",
    "calls",
    "Calls to Kafka or ClickHouse that failed for a passing reason, and were made again.",
    ("step",),
)
JUDGING_AGAIN_BACKLOG: Final = Metric(
    "earwitness_judging_again_backlog_accesses",
    "gauge",
    "accesses",
    "Accesses that a change of the registers reaches and that are not judged again yet.",
)

RECONCILED_AT: Final = Metric(
    "earwitness_reconciled_timestamp_seconds",
    "gauge",
    "seconds since 1970",
    "When the trail was last compared with Kafka, the ledger and the producers' counts.",
)
RECONCILE_SECONDS: Final = Metric("earwitness_reconcile_seconds", "gauge", "seconds", "How long that took.")
FAULTS: Final = Metric(
    "earwitness_trail_faults",
    "gauge",
    "faults",
    "What is wrong with the trail in the days looked at: `earwitness reconcile` names each.",
    ("reason",),
)
FAULT_SIZE: Final = Metric(
    "earwitness_trail_fault_events",
    "gauge",
    "events",
    "How many events these faults are about: lost, or there twice.",
    ("reason",),
)
NUMBERS_IN_FLIGHT: Final = Metric(
    "earwitness_producer_numbers_in_flight",
    "gauge",
    "events",
    "Events that producers numbered and that have not arrived, for less than the grace.",
)
UNSTORED: Final = Metric(
    "earwitness_unstored_events",
    "gauge",
    "events",
    "As the lag, seen from outside the workers: it is told also while none runs.",
    ("partition",),
)
STORED_UNTIL_AGE: Final = Metric(
    "earwitness_unstored_since_seconds",
    "gauge",
    "seconds",
    "How long ago the newest stored event of a partition was received, where others wait; else 0.",
    ("partition",),
)

API_METRICS: Final = (READY, REGISTER_OVERDUE, REGISTER_LAST_HEARTBEAT, REGISTER_INTERVAL)
ALERTS: Final = Metric(
    "earwitness_alerts_total",
    "counter",
    "entries",
    "What happened to alerts by this process: raised, reopened, or closed because evidence came.",
    ("rule", "kind"),
)
RULES_REFUSED: Final = Metric(
    "earwitness_alert_rules_refused",
    "gauge",
    "0 or 1",
    "1 where a changed rule is unsound: the rules of before are in use until it is mended.",
)
RAISES_ALERTS: Final = Metric(
    "earwitness_raises_alerts",
    "gauge",
    "0 or 1",
    "1 in the process that raises alerts; 0 in one that stands by. Over all processes the sum must be 1.",
)

DELIVERIES: Final = Metric(
    "earwitness_alert_deliveries_total",
    "counter",
    "tries",
    "Tries to tell a notice over a channel: delivered, failed (tried again), or given_up.",
    ("channel", "status"),
)

OLDEST_UNTOLD: Final = Metric(
    "earwitness_alert_oldest_untold_seconds",
    "gauge",
    "seconds",
    "How long ago that happened which the oldest notice still waiting for a channel tells; 0: none waits.",
    ("channel",),
)

ALERTER_METRICS: Final = (READY, ALERTS, RULES_REFUSED, RAISES_ALERTS, DELIVERIES, OLDEST_UNTOLD)
WORKER_METRICS: Final = (
    READY,
    LAG,
    OLDEST_UNSTORED,
    ROWS_STORED,
    DUPLICATES,
    DEAD_LETTERS,
    FINDINGS,
    RANGE_SECONDS,
    WAITS,
    JUDGING_AGAIN_BACKLOG,
)
RECONCILE_METRICS: Final = (
    READY,
    RECONCILED_AT,
    RECONCILE_SECONDS,
    FAULTS,
    FAULT_SIZE,
    NUMBERS_IN_FLIGHT,
    UNSTORED,
    STORED_UNTIL_AGE,
)
METRICS: Final = {"api": API_METRICS, "worker": WORKER_METRICS, "reconcile": RECONCILE_METRICS}
"""All of them by the process that exposes them, in the order in which it does."""

disable_created_metrics()  # type: ignore[no-untyped-call] # it ships no types


class Meters:
    """The metrics of one process while they change. Safe to use from any thread."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._registry = CollectorRegistry()
        self._made: dict[str, Gauge | Counter | Histogram] = {
            metric.name: _made(metric, self._registry) for metric in metrics
        }

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Give a gauge its value."""
        made = self._child(metric, labels)
        if isinstance(made, Gauge):
            made.set(value)

    def add(self, metric: Metric, count: float, *labels: str) -> None:
        """Count up."""
        made = self._child(metric, labels)
        if isinstance(made, Counter):
            made.inc(count)

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Note how long something took."""
        made = self._child(metric, labels)
        if isinstance(made, Histogram):
            made.observe(seconds)

    def clear(self, metric: Metric) -> None:
        """Forget every combination of labels: they are no longer this process's to tell."""
        if metric.labels:
            self._made[metric.name].clear()

    def expose(self) -> bytes:
        """Write them in the text format of Prometheus."""
        return generate_latest(self._registry)

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> Gauge | Counter | Histogram:
        made = self._made[metric.name]
        return made.labels(*labels) if labels else made


def _made(metric: Metric, registry: CollectorRegistry) -> Gauge | Counter | Histogram:
    match metric.kind:
        case "gauge":
            return Gauge(metric.name, metric.meaning, metric.labels, registry=registry)
        case "counter":
            return Counter(metric.name, metric.meaning, metric.labels, registry=registry)
        case "histogram":
            return Histogram(metric.name, metric.meaning, metric.labels, registry=registry, buckets=BUCKETS_S)


class Sample(NamedTuple):
    """One value of a gauge, for one combination of its labels."""

    metric: Metric
    label_values: tuple[str, ...]
    value: float


def expose(samples: Iterable[Sample]) -> bytes:
    """Write the API's samples in the text format of Prometheus; a metric without any is described too."""
    registry = CollectorRegistry()
    registry.register(_Collected(tuple(samples)))
    return generate_latest(registry)


class _Collected(Collector):
    """Samples that are there already, as Prometheus' client wants to collect them."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Family]:
        for metric in API_METRICS:
            family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
            for sample in self._samples:
                if sample.metric is metric:
                    family.add_metric(sample.label_values, sample.value)
            yield family
