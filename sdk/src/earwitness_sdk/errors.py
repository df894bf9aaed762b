"""What can go wrong when an access is recorded, named by what the caller must do.

SDKError
├── InvalidEvent      mend the call: the message names each field and what it wants
└── NotRecorded       the access is not durable: refuse it, or record it again
"""

__all__ = ["InvalidEvent", "NotRecorded", "SDKError"]


class SDKError(Exception):
    """The root of every error that this SDK raises on purpose."""


class InvalidEvent(SDKError):
    """The event breaks the contract. `faults` holds (field, what it wants) for each fault."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{field}: {wanted}" for field, wanted in faults))


class NotRecorded(SDKError):
    """The event was not acknowledged in time; it may or may not have arrived.

    Recording the same event again is safe: an id that comes twice is one access.
    """
