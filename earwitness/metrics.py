"""Every metric that earwitness exposes: its name, its unit and what it means, once.

docs/reference/metrics.md is made from this file.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Gauge(NamedTuple):
    """A metric whose value goes up and down. Names never change their meaning and are never reused."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...]


REGISTER_OVERDUE: Final = Gauge(
    "earwitness_register_overdue",
    "0 or 1",
    "1 where the register's next heartbeat is overdue: verdicts that lean on it say so, and may change.",
    ("register",),
)
REGISTER_LAST_HEARTBEAT: Final = Gauge(
    "earwitness_register_last_heartbeat_timestamp_seconds",
    "seconds since 1970",
    "When the register last said that it works.",
    ("register",),
)
REGISTER_INTERVAL: Final = Gauge(
    "earwitness_register_interval_seconds",
    "seconds",
    "How long after a heartbeat the register promised the next one.",
    ("register",),
)
METRICS: Final = (REGISTER_OVERDUE, REGISTER_LAST_HEARTBEAT, REGISTER_INTERVAL)
"""All of them, in the order in which they are exposed."""


class Sample(NamedTuple):
    """One value of a metric, for one combination of its labels."""

    metric: Gauge
    label_values: tuple[str, ...]
    value: float


def expose(samples: Iterable[Sample]) -> bytes:
    """Write samples in the text format of Prometheus; a metric without any is described all the same."""
    registry = CollectorRegistry()
    registry.register(_Collected(tuple(samples)))
    return generate_latest(registry)


class _Collected(Collector):
    """Samples that are there already, as Prometheus' client wants to collect them."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        for metric in METRICS:
            family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
            for sample in self._samples:
                if sample.metric is metric:
                    family.add_metric(sample.label_values, sample.value)
            yield family
