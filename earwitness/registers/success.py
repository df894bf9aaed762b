"""Where a register's success is reported: one function, called after each load, sync or webhook."""

from typing import Protocol

from earwitness.registers.config import Register


class OnSuccess(Protocol):
    """Takes note that a register has told what it knows."""

    def __call__(self, register: Register) -> None:
        """Note the success. Called once what was told is durable; must not raise for want of a listener."""


def unheeded(register: Register) -> None:
    """Let a success pass: for who keeps no heartbeats."""
