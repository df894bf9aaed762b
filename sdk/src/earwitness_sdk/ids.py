"""Version 7 UUIDs: they carry their time, so that a copy of an event is found without a mark."""

import secrets
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from .forks import renew_in_children

_COUNTER_BITS: Final = 12
_RANDOM_BITS: Final = 62
_VERSION_7: Final = 7 << 76
_VARIANT: Final = 2 << _RANDOM_BITS
_NS_PER_MS: Final = 1_000_000

_DRAWN: Final = struct.Struct(">512Q")
"""Chance is drawn for many ids at once: asking for it lets other threads run, for 5 ms each."""


class IdMaker:
    """Makes ids that grow within this process, from any number of threads, whatever the clock does."""

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._clock_ns = clock_ns
        self._last = 0
        self.begin_anew()
        renew_in_children(self)

    def new(self) -> str:
        """Make one id: 48 bits of milliseconds, 12 that count within one, 62 of chance."""
        with self._lock:
            self._last = max(self._last + 1, self._clock_ns() // _NS_PER_MS << _COUNTER_BITS)
            ticks = self._last
            if not self._drawn:
                self._drawn.extend(_DRAWN.unpack(secrets.token_bytes(_DRAWN.size)))
            chance = self._drawn.pop() >> 64 - _RANDOM_BITS
        milliseconds, counter = ticks >> _COUNTER_BITS, ticks & (1 << _COUNTER_BITS) - 1
        number = milliseconds << 80 | _VERSION_7 | counter << 64 | _VARIANT | chance
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def begin_anew(self) -> None:
        """Take a lock that nobody holds, and draw anew: the parent goes on with what it had drawn."""
        self._lock = threading.Lock()
        self._drawn: list[int] = []
