"""What threads and locks leave behind when a process forks, and how a child begins anew."""

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that a forked child cannot use as it is."""

    def begin_anew(self) -> None:
        """Become as new, without touching what belongs to the parent."""


_RENEWABLE: "weakref.WeakSet[Renewable]" = weakref.WeakSet()


def renew_in_children(thing: Renewable) -> None:
    """Call `thing.begin_anew` in every process that is forked from this one, while `thing` lives."""
    _RENEWABLE.add(thing)


def _renew_all() -> None:
    for thing in list(_RENEWABLE):
        thing.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
