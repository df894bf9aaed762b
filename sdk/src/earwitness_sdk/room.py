"""How much may be under way at once."""

import threading
from typing import Final

_LOW_WATER: Final = 0.5
"""Who waits for room is woken once less than this share of it is taken, not at every acknowledgement."""


class Room:
    """Bounds the records, and the bytes, that are under way; safe to share by threads."""

    def __init__(self, most_records: int, most_bytes: int) -> None:
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._records = 0
        self._bytes = 0
        self._waiting = 0
        self._changed = threading.Condition()

    def enter(self, size_bytes: int, timeout_s: float) -> bool:
        """Take room for one record; False where there was none within `timeout_s`.

        A record that is larger than all the room gets it once nothing else is under way.
        """
        with self._changed:
            if not self._fits(size_bytes):
                self._waiting += 1
                try:
                    if not self._changed.wait_for(lambda: self._fits(size_bytes), timeout_s):
                        return False
                finally:
                    self._waiting -= 1
            self._records += 1
            self._bytes += size_bytes
            return True

    def leave(self, size_bytes: int) -> None:
        """Give back the room of one record."""
        with self._changed:
            self._records -= 1
            self._bytes -= size_bytes
            if self._records == 0 or (self._waiting and self._is_low()):
                self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> int:
        """Wait until nothing is under way, for `timeout_s` at most; give how many records still are."""
        with self._changed:
            self._changed.wait_for(lambda: self._records == 0, timeout_s)
            return self._records

    def _fits(self, size_bytes: int) -> bool:
        if self._records == 0:
            return True
        return self._records < self._most_records and self._bytes + size_bytes <= self._most_bytes

    def _is_low(self) -> bool:
        return (
            self._records <= self._most_records * _LOW_WATER and self._bytes <= self._most_bytes * _LOW_WATER
        )
