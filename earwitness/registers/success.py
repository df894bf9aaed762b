"""What a register that told what it knows has shown by that: it works, so it beats."""

from typing import Protocol

from earwitness.registers.config import Register
from models.registers import Heartbeat


class OnSuccess(Protocol):
    """Takes note that a register has told what it knows."""

    def __call__(self, register: Register) -> None:
        """Note the success, once what was told is durable. Must not raise: what was told stays told."""


def heartbeat_of(register: Register) -> Heartbeat | None:
    """Give the beat of a register that told something; None where nobody waits for it."""
    if register.heartbeat_every_s is None:
        return None
    return Heartbeat(name=register.name, kinds=register.kinds, every_s=register.heartbeat_every_s)
