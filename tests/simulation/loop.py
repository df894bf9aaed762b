"""An event loop that does nothing by itself: whoever owns it says when a process goes on.

Within a process the order is asyncio's own, first come first served. What is left to chance in a real
worker is when its calls to the outside take effect and when its timers end; here somebody chooses that.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from itertools import count
from typing import Any, Final

_MOST_TURNS: Final = 100_000
"""Callbacks of one process between two choices; more means that it spins."""


class ProcessLoop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process. `call_outside` takes what it asks of threads."""

    def __init__(self, call_outside: Callable[[Callable[[], Any]], "asyncio.Future[Any]"]) -> None:
        self._call_outside = call_outside
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = count()
        self._now_s = 0.0
        self.tasks: list[asyncio.Task[Any]] = []
        self.errors: list[BaseException] = []

    def run_ready(self) -> None:
        """Run until the process waits for the outside or for time to pass."""
        asyncio._set_running_loop(self)
        try:
            for _ in range(_MOST_TURNS):
                if not self._ready:
                    return
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            asyncio._set_running_loop(None)
        raise AssertionError("a process spins without asking anything of the outside")

    @property
    def sleeps(self) -> bool:
        """Whether a timer is set."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        return bool(self._timers)

    def pass_time(self) -> None:
        """Let time pass up to the next timer, and that end."""
        self._now_s, _, handle = heapq.heappop(self._timers)
        self._ready.append(handle)

    def kill(self) -> None:
        """End every task where it stands. Nothing of the process is ever run again."""
        for task in self.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            if not task.done():
                task.cancel()
        self._call_outside = lambda _: self.create_future()
        self.run_ready()

    def time(self) -> float:
        return self._now_s

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> Any:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        return self._call_outside(partial(func, *args))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context.get("exception") or AssertionError(context["message"]))

    def get_debug(self) -> bool:
        return False

    def is_closed(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Forget nothing: cancelled timers are passed over when their turn comes."""
