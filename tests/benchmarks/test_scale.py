"""Several workers are compared with one of the same round."""

from benchmarks.scale import Round, medians, ratios


def a_round(workers: int, cpu_s: float) -> Round:
    return Round(
        workers=workers,
        events_per_s=1.0,
        cpu_s={"workers": cpu_s, "clickhouse": 10.0},
        publisher_cpu_s=1.0,
        start_cpu_s=5.0,
        accesses_a_range=1_000.0,
        rows_merged=1.0,
        resident_mb=300.0,
        elsewhere_cores=0.0,
    )


ROUNDS = [
    {1: a_round(1, 10.0), 2: a_round(2, 14.0)},
    {1: a_round(1, 40.0), 2: a_round(2, 50.0)},
    {1: a_round(1, 10.0), 2: a_round(2, 12.0)},
]


def test_a_round_is_compared_with_itself() -> None:
    """The machine was slower for both in the second one."""
    assert ratios(ROUNDS) == {1: 1.0, 2: 1.2}


def test_all_kinds_of_processes_count() -> None:
    """The median of the sums is not the sum of the medians."""
    assert medians([each[2] for each in ROUNDS])["cpu_s_per_million"] == {
        "workers": 14.0,
        "clickhouse": 10.0,
        "total": 24.0,
    }
