"""What can go wrong when an access is recorded, named by what the caller must do.

SDKError
├── BadSettings       do not start: `faults` names every setting that is wrong
├── InvalidEvent      mend the call: `faults` names each field and what it wants
└── NotRecorded       the access is not known to be durable: refuse it, or record it again
"""

from collections.abc import Iterable

__all__ = ["BadSettings", "InvalidEvent", "NotRecorded", "SDKError"]


class SDKError(Exception):
    """The root of every error that this SDK raises on purpose."""


class BadSettings(SDKError):
    """The SDK cannot work with what it was given. `faults` names everything that is wrong."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class InvalidEvent(SDKError):
    """The event or record breaks the contract. `faults` holds (field, what it wants) for each fault."""

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{field}: {wanted}" for field, wanted in self.faults))


class NotRecorded(SDKError):
    """The event was not acknowledged in time; it may or may not have arrived.

    Recording the same event again is safe: an id that comes twice is one access.
    """
