"""When accesses can be read: looks through the readers' view, and what they say of each access.

Ranges of a partition are stored in the order of their offsets, each all at once: whoever sees an offset can
read all before it. So one number for each partition tells of every access.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from clickhouse_driver import Client

PAUSE_S: Final = 0.1
"""Between two looks under load: a look through the view takes the server 10 to 20 ms of CPU."""

LONGEST_STANDSTILL_S: Final = 60.0

_REACHED: Final = """
SELECT partition, max(offset) FROM trail
WHERE received_day >= toDate(now('UTC')) - 1 AND offset >= %(lowest)s GROUP BY partition
"""


class Look(NamedTuple):
    """One look: when it began and ended, and the offset behind the last visible one of each partition."""

    began_s: float
    ended_s: float
    reached: Mapping[int, int]


class Arrivals(NamedTuple):
    """How long accesses took until they could be read, in seconds, and how exactly that is known."""

    latencies_s: Sequence[float]
    """Ascending; each is measured to the end of the first look that saw the access."""

    unsure_s: Sequence[float]
    """Ascending; for each access the time since the last look that began without it: it was visible so much
    earlier at most."""


def look(reader: Client, known: Mapping[int, int]) -> Look:
    """Ask a reader's connection how far it can see. `known` says it of every partition by an earlier look."""
    began_s = time.monotonic()
    found = reader.execute(_REACHED, {"lowest": min(known.values())})
    seen = {partition: offset + 1 for partition, offset in found}
    return Look(began_s, time.monotonic(), {**known, **seen})


def looks(
    reader: Client, before: Look, wanted: Mapping[int, int], pause_s: float = PAUSE_S
) -> Iterator[Look]:
    """Look on until all that is wanted can be seen. Ends the benchmark where nothing more comes."""
    last, grown_at_s = before, time.monotonic()
    while any(last.reached[partition] < offset for partition, offset in wanted.items()):
        time.sleep(pause_s)
        newest = look(reader, last.reached)
        if newest.reached != last.reached:
            grown_at_s = newest.ended_s
        elif newest.ended_s - grown_at_s > LONGEST_STANDSTILL_S:
            raise SystemExit(f"nothing has become visible for {LONGEST_STANDSTILL_S:.0f} s: {last.reached}")
        last = newest
        yield last


def arrivals(seen: Sequence[Look], due_s: Mapping[int, Sequence[float]]) -> Arrivals:
    """Tell of each access how long it took; `due_s` has the instants at which those of a partition were due.

    The first look is the last one before any of them.
    """
    latencies: list[float] = []
    unsure: list[float] = []
    begun = seen[0].reached
    for earlier, later in pairwise(seen):
        for partition, reached in later.reached.items():
            first = begun[partition]
            fresh = due_s[partition][earlier.reached[partition] - first : reached - first]
            latencies += [later.ended_s - due for due in fresh]
            unsure += [later.ended_s - earlier.began_s] * len(fresh)
    return Arrivals(sorted(latencies), sorted(unsure))


def quantile(ascending: Sequence[float], share: float) -> float:
    """Give the smallest value that at least this share of them does not exceed."""
    return ascending[max(0, -int(-len(ascending) * share // 1) - 1)]
