"""Webhooks, signed as Standard Webhooks 1.0.0 has it (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from models.alerts import Notice
from models.fields import format_time
from sinks.channels.base import Receipt, judged
from sinks.channels.http import Target, post

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how a secret begins
SHORTEST_SECRET_BYTES: Final = 24
LONGEST_SECRET_BYTES: Final = 64


class WebhookChannel:
    """Posts a notice to a URL. With two secrets, while one is rotated, it signs with both."""

    def __init__(self, name: str, to: Target, keys: Sequence[bytes], clock: Callable[[], datetime]) -> None:
        self.name = name
        self._to = to
        self._keys = tuple(keys)
        self._clock = clock

    def send(self, notice: Notice) -> Receipt:
        """Post it; a receiver knows a repeat by the header webhook-id."""
        sent_at = str(int(self._clock().timestamp()))
        body = payload(notice)
        headers = {
            "content-type": "application/json",
            "webhook-id": notice.id,
            "webhook-timestamp": sent_at,
            "webhook-signature": " ".join(signature(key, notice.id, sent_at, body) for key in self._keys),
        }
        answered = post(self._to, body, headers)
        return judged(answered.code, answered.text, answered.retry_after)


def payload(notice: Notice) -> bytes:
    """Write a notice as it travels: ids, a count and links; no person, no customer."""
    kind = "question" if notice.kind == "question" else f"alert.{notice.kind}"
    asked = {"actor": notice.recipient} if notice.kind == "question" else {}
    return json.dumps(
        {
            "type": f"earwitness.{kind}",
            "timestamp": format_time(notice.at),
            "data": {
                "alert_id": str(notice.alert_id),
                "rule": notice.rule,
                "title": notice.title,
                "severity": notice.severity,
                "access_count": notice.access_count,
                "access_ids": list(notice.access_ids),
                "link": notice.link,
                "runbook": notice.runbook,
                **asked,
            },
        },
        separators=(",", ":"),
    ).encode()


def signature(key: bytes, id_: str, sent_at: str, body: bytes) -> str:
    """Sign `id.timestamp.body` with one key."""
    signed = b".".join((id_.encode(), sent_at.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def read_key(secret: str) -> bytes:
    """Give the key that a secret `whsec_…` holds. Raises ValueError, which never shows it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        msg = f"is no {SECRET_PREFIX} followed by base64"
        raise ValueError(msg) from None
    if not SHORTEST_SECRET_BYTES <= len(key) <= LONGEST_SECRET_BYTES:
        msg = f"holds {len(key)} bytes; it takes {SHORTEST_SECRET_BYTES} to {LONGEST_SECRET_BYTES}"
        raise ValueError(msg)
    return key
