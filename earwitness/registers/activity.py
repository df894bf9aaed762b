"""How the writing of evidence is told in the activity log, whoever writes it."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

MOST_REFS: Final = 1_000
"""Refs that are named; of the others the count tells."""

MOST_CUSTOMERS: Final = 100


class Named(Protocol):
    """What counts of a record here, be it the SDK's or ours."""

    @property
    def ref(self) -> str:
        """Its ref."""

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Whom it is about."""


class Writing(NamedTuple):
    """What is about to be published: in words, about whom, and how many records."""

    query: str
    customer_ids: tuple[str, ...]
    row_count: int


def writing(what: str, records: Sequence[Named]) -> Writing:
    """Tell what is about to be published; `what` says from where."""
    refs = [record.ref for record in records[:MOST_REFS]]
    more = f" and {len(records) - MOST_REFS} more" if len(records) > MOST_REFS else ""
    customers: dict[str, None] = {}
    for record in records:
        customers |= dict.fromkeys(record.customer_ids)
        if len(customers) >= MOST_CUSTOMERS:
            break
    return Writing(f"{what}: {' '.join(refs)}{more}", tuple(customers)[:MOST_CUSTOMERS], len(records))
