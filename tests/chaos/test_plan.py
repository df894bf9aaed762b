"""A plan is drawn from its seed, and nothing else."""

from collections import Counter

import pytest

from benchmarks.chaos.plan import MOMENTS, PROFILES, plan_round


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_same_seed_plans_the_same_round(name: str) -> None:
    """A round that went wrong can be planned again."""
    profile = PROFILES[name]
    assert list(plan_round(profile, 7, 120)) == list(plan_round(profile, 7, 120))
    assert list(plan_round(profile, 7, 120)) != list(plan_round(profile, 8, 120))


def test_every_process_is_killed_and_workers_at_every_moment_of_a_range() -> None:
    """A kill between two ranges is easy; what is proven must include the instants that are not."""
    kills = [fault for fault in plan_round(PROFILES["kills"], 1, 7_200) if fault.action == "kill"]
    targets = {fault.target.rpartition("-")[0] or fault.target for fault in kills}
    assert targets == {"worker", "sdk", "bulk", "direct", "kafka", "clickhouse", "supervisor"}
    moments = Counter(fault.moment for fault in kills if fault.target.startswith("worker"))
    assert set(moments) == {"any", *MOMENTS}
    assert min(moments.values()) > 20


def test_a_sleep_outlasts_the_session_in_the_other_profile() -> None:
    """Its point is the worker that wakes when another has long had its partitions."""
    pauses = [fault.lasts_s for fault in plan_round(PROFILES["zombies"], 1, 3_600) if fault.action == "pause"]
    assert max(pauses) > 12
