"""The real owners and the real intake in simulated worlds: nothing lost, nothing twice, at any step."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from tests.simulation.explore import Failure, at_random, in_every_way
from tests.simulation.mutants import MUTANTS, Mutant, look_for
from tests.simulation.stories import two_records
from tests.simulation.worker import Makes
from tests.simulation.world import Plan

WORLDS = 80
"""Large worlds that are gone through here; `make simulate` goes through as many as there is time for."""

MOST_WORLDS = 400
"""Large worlds within which a broken protocol must be found."""


@pytest.fixture(scope="module")
def makes() -> Makes:
    return Makes(read_policies(ROOT / "policies"))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of deaths are nothing to read about."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def told(failure: Failure | None) -> str:
    return "" if failure is None else "\n".join([f"again: {failure.again}", *failure.story, failure.error])


def test_a_small_world_holds_in_every_way(makes: Makes) -> None:
    """Two workers, a range, and whatever may go wrong once, at every call, in every order."""
    found = in_every_way(two_records, makes, Plan(faults=1))
    assert not told(found.failure)
    assert found.runs > 1_500


def test_any_two_things_may_go_wrong(makes: Makes) -> None:
    """One worker and its successors, a range, and any two faults at any two calls, in every order.

    `make simulate` goes through the same with two workers.
    """
    found = in_every_way(two_records, makes, Plan(workers=1, faults=2))
    assert not told(found.failure)
    assert found.runs > 5_000


def test_large_worlds_hold(makes: Makes) -> None:
    """Two partitions, two days, copies, conflicts, ids that are ahead, and ten things that go wrong."""
    assert not told(at_random(range(WORLDS), makes, Plan(faults=10)).failure)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_protocol_is_found(makes: Makes, mutant: Mutant) -> None:
    """A simulation that finds nothing proves nothing."""
    assert look_for(makes, mutant, MOST_WORLDS).failure is not None
