"""Who sent a webhook, and when: the signatures of Zendesk and Jira as documented, and one of ours.

| flavour | header of the signature | what is signed | where the time is |
| --- | --- | --- | --- |
| zendesk | `X-Zendesk-Webhook-Signature`, base64 | time, body | `X-Zendesk-Webhook-Signature-Timestamp` |
| jira | `X-Hub-Signature`, `sha256=` and hexadecimal | body | `timestamp` in the body, milliseconds |
| earwitness | `X-Earwitness-Signature`, hexadecimal | time, a dot, body | `X-Earwitness-Timestamp` |
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from earwitness.registers.config import Flavour
from earwitness.registers.paths import Unusable
from earwitness.registers.times import RFC_3339, UNIX, UNIX_MS, read_time

LARGEST_TIMESTAMP_CHARACTERS: Final = 64


class Forged(Exception):
    """A delivery does not prove who sent it. The message says what it lacks, and shows nothing of it."""


class Delivery(NamedTuple):
    """What arrived; the names of its headers in lower case."""

    headers: Mapping[str, str]
    body: bytes


class Signed(NamedTuple):
    """When a genuine delivery was signed, and by which signature it is known again."""

    at: datetime
    signature: bytes


def check(flavour: Flavour, secret: bytes, delivery: Delivery) -> Signed:
    """Give the signed time of a genuine delivery. Raises `Forged`."""
    match flavour:
        case "zendesk":
            return _zendesk(secret, delivery)
        case "jira":
            return _jira(secret, delivery)
        case "earwitness":
            return _ours(secret, delivery)


def _zendesk(secret: bytes, delivery: Delivery) -> Signed:
    time = _header(delivery, "x-zendesk-webhook-signature-timestamp")
    expected = base64.b64encode(_mac(secret, _bytes(time) + delivery.body))
    signature = _same(_header(delivery, "x-zendesk-webhook-signature"), expected)
    return Signed(_read(time), signature)


def _jira(secret: bytes, delivery: Delivery) -> Signed:
    expected = b"sha256=" + _mac(secret, delivery.body).hex().encode()
    signature = _same(_header(delivery, "x-hub-signature"), expected)
    try:
        body = json.loads(delivery.body)
    except (ValueError, RecursionError) as error:
        raise Forged("the body is not JSON") from error
    stamp = body.get("timestamp") if isinstance(body, dict) else None
    if isinstance(stamp, bool) or not isinstance(stamp, int):
        raise Forged("the body has no timestamp in milliseconds")
    return Signed(_read(str(stamp), UNIX_MS), signature)


def _ours(secret: bytes, delivery: Delivery) -> Signed:
    time = _header(delivery, "x-earwitness-timestamp")
    expected = _mac(secret, _bytes(time) + b"." + delivery.body).hex().encode()
    signature = _same(_header(delivery, "x-earwitness-signature"), expected)
    return Signed(_read(time, UNIX if time.isdecimal() else RFC_3339), signature)


def _header(delivery: Delivery, name: str) -> str:
    value = delivery.headers.get(name, "")
    if not value:
        raise Forged(f"the header {name} is missing")
    return value


def _mac(secret: bytes, message: bytes) -> bytes:
    return hmac.new(secret, message, hashlib.sha256).digest()


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _same(given: str, expected: bytes) -> bytes:
    if not hmac.compare_digest(_bytes(given), expected):
        raise Forged("the signature is not the one of this secret")
    return expected


def _read(text: str, form: str = RFC_3339) -> datetime:
    try:
        return read_time(text[:LARGEST_TIMESTAMP_CHARACTERS], form, None, "begin")
    except Unusable as error:
        raise Forged(f"its time {error}") from error
