"""The table of what a rate needs follows from what was measured, and the page shows that table."""

import pytest

from benchmarks import capacity
from benchmarks.capacity import Measured, needs, size

ONE = Measured(
    worker_cpu_s=30e-6,
    clickhouse_cpu_s=20e-6,
    clickhouse_least_cores=1.0,
    kafka_cpu_s=5e-6,
    topic_bytes=600.0,
    trail_bytes=80.0,
    worker_bytes=300e6,
)


def test_the_page_is_that_of_the_results() -> None:
    """Whoever keeps new results runs `python -m benchmarks.capacity`."""
    before = capacity.PAGE.read_text(encoding="utf-8")
    assert capacity.page(before, capacity.read()) == before


def test_needs_grow_with_the_rate() -> None:
    """At 100,000 a second: 3 cores of judging at 0.6, 2 of storing and 1.5 of Kafka at 0.5."""
    found = needs(ONE, 100_000)
    assert found.workers == 5
    assert found.partitions == 16
    assert found.clickhouse_cores == pytest.approx(4.0)
    assert found.kafka_cores == pytest.approx(3.0)
    assert found.trail_bytes_a_day == pytest.approx(100_000 * 80 * 86_400)
    assert found.topic_bytes == pytest.approx(100_000 * 600 * 86_400 * 7 * 3)


def test_little_needs_what_an_outage_wants() -> None:
    """One worker may end, and one broker."""
    found = needs(ONE, 1)
    assert (found.workers, found.brokers, found.clickhouse_nodes, found.partitions) == (2, 3, 1, 8)
    assert found.clickhouse_cores == 1.0


def test_disks_ask_for_brokers_too() -> None:
    """A week of a million accesses a second in three copies is more than three brokers hold."""
    found = needs(ONE, 1_000_000)
    assert found.brokers * capacity.BROKER_BYTES >= found.topic_bytes


@pytest.mark.parametrize("rate", capacity.RATES)
def test_no_server_is_given_more_ranges_than_was_measured(rate: int) -> None:
    """Each partition brings one range in each interval, however few accesses it has."""
    found = needs(ONE, rate)
    ranges_per_s = found.partitions / found.clickhouse_nodes / found.shortest_interval_s
    assert ranges_per_s <= capacity.RANGES_PER_S + 1e-9


@pytest.mark.parametrize(
    ("count", "written"), [(82.4, "82.4 bytes"), (999e6, "999 MB"), (1.5e12, "1.5 TB"), (3.2e15, "3.2 PB")]
)
def test_sizes_are_written_short(count: float, written: str) -> None:
    """Three digits say enough on paper."""
    assert size(count) == written
