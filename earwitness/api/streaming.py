"""Answers of any length: bytes as they come, to a reader who may be slow, but not stand still."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

import anyio
import structlog
from anyio.to_thread import run_sync
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

STALLED_AFTER_S: Final = 60.0
"""A reader who takes nothing for so long is left: what the answer holds is held no longer."""

log = structlog.get_logger()


class Stream(Response):
    """Sends pieces until there are no more, or the reader is gone.

    Memory holds one piece and what the server's buffer takes. Whatever ends it, `pieces` is closed. Where
    making a piece fails, the connection is cut without the mark of a complete answer.
    """

    def __init__(
        self, pieces: Iterator[bytes], headers: Mapping[str, str], *, stalled_after_s: float = STALLED_AFTER_S
    ) -> None:
        super().__init__(headers={name: value for name, value in headers.items() if name != "content-length"})
        del self.headers["content-length"]
        self._pieces = pieces
        self._stalled_after_s = stalled_after_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_until_gone, receive, group.cancel_scope)
                await self._send(send)
                group.cancel_scope.cancel()
        except* TimeoutError:
            log.warning("reader_stalled", path=scope["path"], stalled_after_s=self._stalled_after_s)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(getattr(self._pieces, "close", _nothing))

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in iterate_in_threadpool(self._pieces):
            body = {"type": "http.response.body", "body": piece, "more_body": True}
            await asyncio.wait_for(send(body), self._stalled_after_s)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _nothing() -> None:
    pass
