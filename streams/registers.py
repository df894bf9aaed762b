"""What the registers last said of themselves, next to the judge and a few seconds old at most."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final, Protocol

import structlog

from models.errors import SinkRejected, SinkUnavailable
from models.registers import RegisterState
from sinks.base import TrailSink

log = structlog.get_logger(__name__)

READ_EVERY_S: Final = 2.0
"""How long a beat may go unseen. Meanwhile a verdict can only say too much: that a register is overdue."""


class RegisterView(Protocol):
    """What the judge asks of the registers' heartbeats."""

    async def current(self) -> Sequence[RegisterState]:
        """Give the newest beat of each register as last read. Raises `SinkUnavailable` before that."""


class RegisterWatch:
    """A `RegisterView` on the store, which is read every few seconds in the worker's threads.

    Where the store does not answer, what was read last stays. Everything in it that grows old becomes
    overdue by itself, which is what the judge knows: it has not heard of any register since.
    """

    def __init__(self, trail: TrailSink, threads: Executor, every_s: float = READ_EVERY_S) -> None:
        self._trail = trail
        self._threads = threads
        self._every_s = every_s
        self._states: Sequence[RegisterState] | None = None
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        self._watching = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Read no more."""
        if self._watching is not None:
            self._watching.cancel()

    async def current(self) -> Sequence[RegisterState]:
        """Give what was read last; before anything was, read it now."""
        if self._watching is not None and self._watching.done():
            self._watching.result()
        if self._states is None:
            await self._read()
        return self._states or ()

    async def _watch(self) -> None:
        while True:
            try:
                await self._read()
            except (SinkUnavailable, SinkRejected) as error:
                log.warning("registers_unread", error=str(error), retry_after_s=self._every_s)
            await asyncio.sleep(self._every_s)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        self._states = await loop.run_in_executor(self._threads, self._trail.registers)
