"""What the trail holds of one day, asked for as any reader asks: by SQL through the read API."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from .compare import StoredVerdict
from .progress import Report

PAGE: Final = 5_000
POLL_S: Final = 0.5
STORING_LIMIT_S: Final = 60.0
"""How long nothing more may arrive before the day counts as stored, whole or not."""

_FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"


class Ask(Protocol):
    """Runs one SELECT as a reader of the views."""

    def __call__(self, query: str, limit: int) -> Sequence[Sequence[Any]]:
        """Give at most `limit` rows of the answer."""


def wait_until_stored(ask: Ask, tag: str, expected: int, report: Report) -> None:
    """Return once `expected` different accesses of the day are stored, or no more of them arrive."""
    _wait(lambda: _count(ask, f"uniqExact(id) FROM trail WHERE {_of_day(tag)}"), expected, report)


def wait_until_registered(ask: Ask, tag: str, expected: int, report: Report) -> None:
    """Return once `expected` different evidence records of the day are kept, or no more of them arrive."""
    _wait(lambda: _count(ask, f"uniqExact(ref) FROM evidence WHERE ref LIKE '%{tag}%'"), expected, report)


def stored_verdicts(ask: Ask, tag: str) -> list[StoredVerdict]:
    """Read the newest verdict of every row of the day, doubled rows twice."""
    found: list[StoredVerdict] = []
    after = _FIRST_ID
    while True:
        query = (  # the tag and the id are our own, and hold letters, digits and hyphens only
            "SELECT toString(id), verdict, reason, clause FROM trail "  # noqa: S608
            f"WHERE {_of_day(tag)} AND id > toUUID('{after}') ORDER BY id LIMIT {PAGE} WITH TIES"
        )
        page = [StoredVerdict._make(row) for row in ask(query, 2 * PAGE)]
        if not page:
            return found
        found += page
        after = page[-1].id


def _of_day(tag: str) -> str:
    return f"position(resource_id, '{tag}') > 0"


def _count(ask: Ask, counted: str) -> int:
    ((number,),) = ask(f"SELECT {counted}", 1)
    return int(number)


def _wait(count: Callable[[], int], expected: int, report: Report) -> None:
    seen = -1
    last_progress_s = time.monotonic()
    while (number := count()) < expected:
        if number > seen:
            seen, last_progress_s = number, time.monotonic()
        if time.monotonic() - last_progress_s > STORING_LIMIT_S:
            return
        report(f"{number:,} of {expected:,}")
        time.sleep(POLL_S)
