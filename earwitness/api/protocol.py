"""HTTP/1.1 as uvicorn speaks it, with refusals in the one shape of an error.

uvicorn answers a request that it cannot read with a sentence, and closes while the client still sends, so
that many a client never sees why. Here it is told what was too long, and what it sends further is dropped.
"""

import asyncio
import json
import sys
from http import HTTPStatus
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from earwitness.api.limits import LARGEST_HEAD_BYTES

LINGER_S: Final = 2.0
"""How long a refused client may go on sending before its connection ends."""

_HEAD_TOO_LARGE: Final = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_TOO_LONG: Final = {
    "code": "too_large",
    "message": f"path, query string and headers together are larger than {LARGEST_HEAD_BYTES} bytes",
    "hint": "ask for less at once",
}
_UNREADABLE: Final = {"code": "invalid_request", "message": "this is no HTTP/1.1 request", "hint": ""}


class Protocol(H11Protocol):
    """One connection."""

    _refused = False

    def data_received(self, data: bytes) -> None:
        """Take what arrived; nothing of one who was refused."""
        if not self._refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence
        """Say why the request cannot be read; called while the reason is being handled."""
        reason = sys.exception()
        status, error = HTTPStatus.BAD_REQUEST, _UNREADABLE
        if isinstance(reason, h11.RemoteProtocolError) and reason.error_status_hint == _HEAD_TOO_LARGE:
            status, error = _HEAD_TOO_LARGE, _TOO_LONG
        body = json.dumps({"error": error}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        head = h11.Response(status_code=int(status), headers=headers)
        for event in (head, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self._refused = True
        self.transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_S, self.transport.close)
