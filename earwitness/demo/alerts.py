"""The alerts that the day's misuse raises, and the messages that somebody is sent."""

import base64
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.alerts import SEVERITIES

from .progress import Report
from .trail import Ask

RAISED_WITHIN_S: Final = 60.0
POLL_S: Final = 0.5
MOST_SEVERE_FIRST: Final = SEVERITIES[::-1]
TOLD: Final = MOST_SEVERE_FIRST[:3]
"""What a channel is told of where its file says nothing else."""

CHANNELS_FILE: Final = "EARWITNESS_ALERTS__CHANNELS_FILE"
_SECRET_BYTES: Final = 32
_SECRET: Final = "DEMO_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


class Message(NamedTuple):
    """One message as it arrived."""

    body: dict[str, Any]


class AlertLine(NamedTuple):
    """What one rule made of the day."""

    rule: str
    severity: str
    alerts: int
    accesses: int
    example: str


class Inbox:
    """A receiver of webhooks on loopback: whom the demo's alerts are told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take a message."""
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                inbox.messages.append(Message(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def raised(self) -> list[Message]:
        """Give the messages that tell of new alerts."""
        return [each for each in list(self.messages) if each.body["type"] == "earwitness.alert.raised"]

    def channels(self) -> str:
        """Write the channel that leads here, as a file of channels says it."""
        return (
            '[[channel]]\nname = "demo"\nkind = "webhook"\n'
            f'url = "http://127.0.0.1:{self._server.server_port}/alerts"\n'
            f'secrets = [{{ env = "{_SECRET}" }}]\n'
        )

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def an_inbox() -> Iterator[Inbox | None]:
    """Receive the messages of a stack that is started within; None where its channels are chosen already.

    The file of its channel stays, in the folder for such things: a stack that is kept reads it again.
    """
    if CHANNELS_FILE in os.environ:
        yield None
        return
    inbox = Inbox()
    path = Path(tempfile.mkdtemp(prefix="earwitness-demo-")) / "channels.toml"
    path.write_text(inbox.channels(), encoding="utf-8")
    secret = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    os.environ |= {CHANNELS_FILE: str(path), _SECRET: f"whsec_{secret}"}
    try:
        yield inbox
    finally:
        del os.environ[CHANNELS_FILE], os.environ[_SECRET]
        inbox.close()


def wait_until_alerted(ask: Ask, tag: str, report: Report) -> int:
    """Return once every access of the day that nothing justifies is in an alert; give how many are not."""
    give_up_at = time.monotonic() + RAISED_WITHIN_S
    while True:
        ((missing,),) = ask(
            "SELECT count() FROM trail WHERE verdict != 'justified'"  # noqa: S608 - the tag is ours
            f" AND position(resource_id, '{tag}') > 0 AND outcome = 'succeeded'"
            " AND (source, id) NOT IN (SELECT source, id FROM alert_members)",
            1,
        )
        if not missing or time.monotonic() > give_up_at:
            return int(missing)
        report(f"{missing:,} accesses wait")
        time.sleep(POLL_S)


def wait_until_told(inbox: Inbox, lines: Sequence[AlertLine], report: Report) -> list[Message]:
    """Give the messages once there is one for each alert that people are told of, the most severe first."""
    expected = sum(line.alerts for line in lines if line.severity in TOLD)
    give_up_at = time.monotonic() + RAISED_WITHIN_S
    while len(inbox.raised()) < expected and time.monotonic() < give_up_at:
        report(f"{len(inbox.raised()):,} of {expected:,}")
        time.sleep(POLL_S)
    return sorted(
        inbox.raised(), key=lambda message: MOST_SEVERE_FIRST.index(message.body["data"]["severity"])
    )


def alert_lines(ask: Ask, tag: str) -> list[AlertLine]:
    """Say what each rule made of the day, the most severe first."""
    rows = ask(
        "SELECT rule, any(severity), count(), sum(access_count),"  # noqa: S608 - the tag is ours
        " toString(argMax(alert_id, (access_count, raised_at))) FROM alerts WHERE alert_id IN"
        f" (SELECT alert_id FROM alert_members WHERE (source, id) IN"
        f" (SELECT source, id FROM trail WHERE position(resource_id, '{tag}') > 0))"
        " GROUP BY rule",
        100,
    )
    lines = [AlertLine(*row) for row in rows]
    return sorted(lines, key=lambda line: (MOST_SEVERE_FIRST.index(line.severity), -line.alerts))
