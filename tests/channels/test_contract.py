"""What holds for every channel, whatever it speaks: the seam that the deliverer leans on."""

import re
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import pytest

from models.errors import ChannelUnavailable
from sinks.channels.alertmanager import AlertmanagerChannel
from sinks.channels.apprise import AppriseChannel
from sinks.channels.base import MOST_OF_ANSWER, Channel
from sinks.channels.http import target
from sinks.channels.mail import MailChannel, MailServer
from sinks.channels.webhook import WebhookChannel, read_key
from tests.channels.misbehaving import BEHAVIOURS, Behaviour, misbehaving
from tests.channels.receivers import mail_server, receiving
from tests.channels.test_channels import SECRET, a_notice

LONGEST_S: Final = 2.0
SLACK_S: Final = 3.0
"""What a busy machine may add."""

KINDS: Final = ("webhook", "alertmanager", "mail", "apprise")


def a_channel(kind: str, port: int) -> Channel:
    to = target(f"http://127.0.0.1:{port}", longest_s=LONGEST_S)
    match kind:
        case "webhook":
            return WebhookChannel("a", to, [read_key(SECRET)], lambda: datetime.now(UTC))
        case "alertmanager":
            return AlertmanagerChannel("a", to, lambda: datetime.now(UTC))
        case "mail":
            server = MailServer("127.0.0.1", port, "none")
            return MailChannel("a", server, "e@example.com", ("s@example.com",), LONGEST_S)
        case _:
            return AppriseChannel("a", f"json://127.0.0.1:{port}", LONGEST_S)


@contextmanager
def a_sound_receiver(kind: str) -> Iterator[tuple[int, Callable[[], list[bytes]]]]:
    """Give its port, and what it was sent."""
    if kind == "mail":
        with mail_server() as (box, port):
            yield port, lambda: [raw for _, raw in box.mails]
    else:
        with receiving() as receiver:
            port = int(receiver.url.rsplit(":", 1)[1])
            yield port, lambda: [request.body for request in receiver.requests]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_has_a_receipt_and_may_be_sent_again(kind: str) -> None:
    """A process that was killed before it could note it does."""
    notice = a_notice()
    with a_sound_receiver(kind) as (port, sent):
        channel = a_channel(kind, port)
        for _ in range(2):
            receipt = channel.send(notice)
            assert 200 <= receipt.code < 300
            assert len(receipt.answer) <= MOST_OF_ANSWER
        assert len(sent()) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_leads_to_the_alert_and_names_nobody(kind: str) -> None:
    """A link and a count; the address or id of an actor travels in nothing but a question to them."""
    with a_sound_receiver(kind) as (port, sent):
        a_channel(kind, port).send(a_notice(recipient="e-17@example.com"))
        (body,) = sent()
    text = re.sub(rb"=\r?\n", b"", body)
    assert b"/alerts/7" in text
    assert b"3 accesses" in text or b'"access_count":3' in text or b"accesses: 3" in text
    assert b"e-17" not in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_receiver_that_misbehaves_holds_a_try_no_longer_than_it_may_and_fills_no_memory(
    kind: str, behaviour: Behaviour
) -> None:
    """Whether it says nothing, a byte at a time, half a line, or lines without end: it is tried again."""
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with misbehaving(behaviour, "smtp" if kind == "mail" else "http") as port:
        channel = a_channel(kind, port)
        began_at = time.monotonic()
        with pytest.raises(ChannelUnavailable) as error:
            channel.send(a_notice())
        assert time.monotonic() - began_at < LONGEST_S + SLACK_S
    assert len(error.value.answer) <= MOST_OF_ANSWER
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 50_000


@pytest.mark.parametrize("kind", KINDS)
def test_where_nobody_listens_it_is_tried_again(kind: str) -> None:
    """The receiver is being restarted."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ChannelUnavailable):
            a_channel(kind, unused.getsockname()[1]).send(a_notice())


@pytest.mark.parametrize("kind", ["webhook", "alertmanager", "apprise"])
def test_a_redirect_is_followed_by_none(kind: str) -> None:
    """It could lead anywhere, and a signed body would follow."""
    with receiving() as elsewhere, receiving() as receiver:
        receiver.behaviour, receiver.headers = 307, {"Location": f"{elsewhere.url}/"}
        with pytest.raises(Exception, match=r"redirect|deliver"):
            a_channel(kind, int(receiver.url.rsplit(":", 1)[1])).send(a_notice())
        assert (len(receiver.requests), elsewhere.requests) == (1, [])
