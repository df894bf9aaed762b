"""The real owners and the real intake in simulated worlds: nothing lost, nothing twice, at any step."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from earwitness.policy_files import read_policies
from earwitness.settings import ROOT
from tests.simulation.explore import Failure, at_random, in_every_way
from tests.simulation.mutants import MUTANTS, Mutant, look_for
from tests.simulation.store import Rules
from tests.simulation.stories import one_record
from tests.simulation.worker import Makes
from tests.simulation.world import Plan

WORLDS = 120
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


@pytest.mark.parametrize("remembers_all", [False, True], ids=["forgets names", "remembers names"])
def test_a_small_world_holds_in_every_way(makes: Makes, remembers_all: bool) -> None:  # noqa: FBT001
    """Two workers, a range, and whatever may go wrong once, at every call, in every order."""
    found = in_every_way(one_record, makes, Plan(faults=1, store=Rules(remembers_all=remembers_all)))
    assert not told(found.failure)
    assert found.runs > 500


def test_large_worlds_hold(makes: Makes) -> None:
    """Up to three workers, two partitions, two days, copies, conflicts, and ten things that go wrong."""
    assert not told(at_random(range(WORLDS), makes, Plan(faults=10)).failure)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_protocol_is_found(makes: Makes, mutant: Mutant) -> None:
    """A simulation that finds nothing proves nothing."""
    assert look_for(makes, mutant, MOST_WORLDS).failure is not None
