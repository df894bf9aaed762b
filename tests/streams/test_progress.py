import pytest

from streams.progress import MOST_SIGHTINGS, STUCK_S, Behind, Progress
from tests.health.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    """Partition 3, of which everything before offset 100 is stored."""
    made = Progress(clock)
    made.stored(3, 100)
    return made


def test_what_kafka_holds_and_the_trail_does_not_is_behind(progress: Progress, clock: Clock) -> None:
    """How many events, and how long the oldest of them has waited: the two things an outage is felt by."""
    progress.seen({3: 140})
    clock.pass_(5)
    progress.seen({3: 150})
    assert progress.behind() == {3: Behind(50, 5.0)}


def test_the_oldest_is_the_oldest_that_is_left(progress: Progress, clock: Clock) -> None:
    """What was stored meanwhile waits no more."""
    progress.seen({3: 140})
    clock.pass_(5)
    progress.seen({3: 150})
    clock.pass_(1)
    progress.stored(3, 140)
    assert progress.behind() == {3: Behind(10, 1.0)}


def test_nothing_waits_where_everything_is_stored(progress: Progress, clock: Clock) -> None:
    """Zero is a value; a metric that vanishes cannot be alerted on."""
    progress.seen({3: 100})
    clock.pass_(60)
    assert progress.behind() == {3: Behind(0, 0.0)}


def test_a_partition_that_stores_nothing_although_it_should_is_stuck(
    progress: Progress, clock: Clock
) -> None:
    """Whatever the reason: nothing failed, and nothing is recorded."""
    progress.seen({3: 101})
    clock.pass_(STUCK_S)
    assert progress.stuck() == {}
    clock.pass_(1)
    assert progress.stuck() == {3: STUCK_S + 1}
    progress.stored(3, 101)
    assert progress.stuck() == {}


def test_a_partition_that_moves_slowly_is_not_stuck(progress: Progress, clock: Clock) -> None:
    """After a long outage there is a lag for hours, and it shrinks."""
    progress.seen({3: 10_000})
    for stored in range(200, 1_000, 100):
        clock.pass_(STUCK_S - 1)
        progress.stored(3, stored)
    assert progress.stuck() == {}


def test_the_intent_of_a_range_is_no_progress(progress: Progress, clock: Clock) -> None:
    """It is committed again and again while the range cannot be stored."""
    progress.seen({3: 150})
    for _ in range(3):
        clock.pass_(STUCK_S)
        progress.stored(3, 100)
    assert progress.stuck() == {3: 3 * STUCK_S}


def test_a_partition_that_is_gone_is_told_of_no_more(progress: Progress) -> None:
    """Another worker tells of it now; two that do would double the lag."""
    progress.seen({3: 150})
    progress.keep([4])
    assert progress.behind() == {}
    assert progress.known() == frozenset()


def test_an_outage_of_days_stays_in_bounds(progress: Progress, clock: Clock) -> None:
    """Ends are seen four times a second; what is forgotten makes the age no younger."""
    for end in range(101, 101 + 5 * MOST_SIGHTINGS):
        progress.seen({3: end})
        clock.pass_(1)
    assert progress.behind() == {3: Behind(5 * MOST_SIGHTINGS, 5.0 * MOST_SIGHTINGS)}
    assert len(progress._seen[3]) <= MOST_SIGHTINGS
