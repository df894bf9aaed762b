import asyncio
from types import SimpleNamespace
from typing import Any

from streams.offsets import GroupOffsets


def test_a_worker_that_ends_may_still_ask_for_records() -> None:
    """Its owners are let go one after the other, when the consumer's thread may be over already."""
    loop = asyncio.new_event_loop()
    loop.close()
    thread = SimpleNamespace(
        thread_loop=loop, _ensure_consumer=lambda: SimpleNamespace(pause=None, resume=None)
    )
    app: Any = SimpleNamespace(consumer=SimpleNamespace(_thread=thread))
    offsets = GroupOffsets(app, {})
    offsets.pause("access.events.v1", 0)
    offsets.resume("access.events.v1", 0)
