"""Entries kept by a key, so that the judge looks evidence up and never searches through it."""

from collections.abc import Collection, Hashable, Iterator
from typing import Final

from earwitness.policy.entries import Entry
from models.fields import EVERY_CUSTOMER

MOST_PAIRS: Final = 64
"""Pairs of a customer and an assignee by which one entry is kept."""


class Shelf:
    """Entries by one key; those of a key in the order of their versions.

    A key with one entry, which most have, holds it without a container: that halves the memory of
    a large register.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[Hashable, Entry | dict[str, Entry]] = {}

    def add(self, key: Hashable, entry: Entry) -> None:
        """Put `entry` under `key`; its ref must not be there already."""
        held = self._held.get(key)
        if held is None:
            self._held[key] = entry
            return
        entries = {held.ref: held} if isinstance(held, Entry) else held
        newest = entries[next(reversed(entries))]
        entries[entry.ref] = entry
        self._held[key] = entries if newest.version <= entry.version else _in_order(entries)

    def remove(self, key: Hashable, entry: Entry) -> None:
        """Take `entry` from under `key`, where `add` put it."""
        held = self._held[key]
        if isinstance(held, Entry):
            del self._held[key]
            return
        del held[entry.ref]
        if len(held) == 1:
            (self._held[key],) = held.values()

    def under(self, key: Hashable) -> Collection[Entry]:
        """Give the entries under `key`, the smallest version first."""
        held = self._held.get(key)
        if held is None:
            return ()
        return held.values() if isinstance(held, dict) else (held,)


def _in_order(entries: dict[str, Entry]) -> dict[str, Entry]:
    return {entry.ref: entry for entry in sorted(entries.values(), key=lambda entry: entry.version)}


class Register:
    """The entries of one kind of evidence, by what an access can name.

    Where an entry names no customer, `*` stands for its customers. `by_customer_and_assignee` holds the
    entries that name assignees, by pairs of both; those with more than MOST_PAIRS pairs are in
    `broad_by_customer` instead.
    """

    __slots__ = (
        "broad_by_customer",
        "by_assignee",
        "by_customer",
        "by_customer_and_assignee",
        "by_organization",
    )

    def __init__(self) -> None:
        self.by_customer = Shelf()
        self.by_assignee = Shelf()
        self.by_customer_and_assignee = Shelf()
        self.broad_by_customer = Shelf()
        self.by_organization = Shelf()

    def places(self, entry: Entry) -> Iterator[tuple[Shelf, Hashable]]:
        """Give every place of `entry` in this register."""
        customer_ids = entry.customer_ids or (EVERY_CUSTOMER,)
        few = len(customer_ids) * len(entry.assignees) <= MOST_PAIRS
        for customer_id in customer_ids:
            yield self.by_customer, customer_id
            if not few:
                yield self.broad_by_customer, customer_id
                continue
            for assignee in entry.assignees:
                yield self.by_customer_and_assignee, (customer_id, assignee)
        for assignee in entry.assignees:
            yield self.by_assignee, assignee
        if entry.organization is not None:
            yield self.by_organization, entry.organization

    def naming(self, customer_id: str, names: Collection[str]) -> Collection[Entry]:
        """Give the entries for `customer_id` that name one of `names` as an assignee, by version."""
        pairs = self.by_customer_and_assignee
        found = [entry for name in names for entry in pairs.under((customer_id, name))]
        broad = self.broad_by_customer.under(customer_id)
        if broad:
            found += [entry for entry in broad if any(name in entry.assignees for name in names)]
        if len(found) > 1:
            found = sorted({entry.ref: entry for entry in found}.values(), key=lambda entry: entry.version)
        return found
