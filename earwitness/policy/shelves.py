"""Entries kept by a key, so that the judge looks evidence up and never searches through it."""

from collections.abc import Collection, Hashable

from earwitness.policy.entries import Entry


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

    `by_customer` holds what goes without customers under `*`.
    """

    __slots__ = ("by_assignee", "by_customer", "by_organization")

    def __init__(self) -> None:
        self.by_customer = Shelf()
        self.by_assignee = Shelf()
        self.by_organization = Shelf()
