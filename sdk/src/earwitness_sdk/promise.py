"""What a call waits for before it returns, and for how long."""

from typing import Final, Literal, NamedTuple

Durability = Literal["spool", "memory"]
OnFailure = Literal["wait", "deny"]

RECORDED_WITHIN_S: Final = 25.0
"""How long recording may take in all. An outbox gives up earlier, and says why."""

DENIED_WITHIN_S: Final = 0.2
"""How long recording may take in all where the access is refused on failure."""

DENIED_AFTER_S: Final = 0.15
"""When waiting ends there: the rest is for what the call does itself, on a machine that is busy."""


class Promise(NamedTuple):
    """How safe an event is when the call returns, and what is done where it cannot be made so.

    durability  `spool`: it is on disk (or with Kafka, where there is no spool). `memory`: it is in memory,
                and on disk some 10 ms later. A crash of the process costs the events of that time; so
                does a disk that fails until the process ends. Nobody is told but log and metrics.
    on_failure  `wait`: wait for room, or for a disk that is slow, and raise in the end. `deny`: raise
                within 200 ms, so that the caller can refuse the access.
    """

    durability: Durability = "spool"
    on_failure: OnFailure = "wait"

    @property
    def waits_s(self) -> float:
        """For how long the call may wait."""
        if self.durability == "memory" or self.on_failure == "deny":
            return DENIED_AFTER_S
        return RECORDED_WITHIN_S


SAFE: Final = Promise()
