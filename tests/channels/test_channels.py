"""Every channel tells a notice once it is taken, and says of everything else whether to try again."""

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from shutil import which
from uuid import UUID, uuid4

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from models.alerts import Notice
from models.errors import ChannelRejected, ChannelUnavailable
from sinks.channels import http
from sinks.channels.alertmanager import AlertmanagerChannel
from sinks.channels.http import target
from sinks.channels.mail import MailChannel, MailServer
from sinks.channels.webhook import WebhookChannel, read_key
from tests.channels.receivers import Mailbox, Receiver, mail_server, receiving

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()


def a_notice(**changes: object) -> Notice:
    fields: dict[str, object] = {
        "id": str(uuid4()),
        "alert_id": UUID(int=7),
        "kind": "raised",
        "at": NOW,
        "rule": "unexplained-access",
        "title": "An access that nothing justifies",
        "severity": "high",
        "access_count": 3,
        "access_ids": ("a-1", "a-2"),
        "link": "http://127.0.0.1:8321/alerts/7",
        "runbook": "docs/runbooks/alerts/unexplained-access.md",
    }
    return Notice(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with mail_server() as made:
        yield made


def a_webhook(receiver: Receiver, *secrets: str) -> WebhookChannel:
    keys = [read_key(secret) for secret in secrets or (SECRET,)]
    return WebhookChannel("soc", target(f"{receiver.url}/hook"), keys, lambda: datetime.now(UTC))


def a_mail_channel(port: int, longest_s: float = 10.0) -> MailChannel:
    server = MailServer("127.0.0.1", port, "none")
    return MailChannel("mail", server, "earwitness@example.com", ("soc@example.com",), longest_s)


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_a_receiver_verifies_the_signature_with_either_secret_while_one_is_rotated(
    receiver: Receiver, secret: str
) -> None:
    """An independent implementation of the standard verifies what we sign."""
    notice = a_notice()
    a_webhook(receiver, SECRET, OTHER_SECRET).send(notice)
    (request,) = receiver.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    told = Webhook(secret).verify(request.body, headers)
    assert told == json.loads(request.body)
    assert headers["webhook-id"] == notice.id


def test_a_changed_byte_is_no_message_of_ours(receiver: Receiver) -> None:
    """The receiver must be able to tell."""
    a_webhook(receiver).send(a_notice())
    (request,) = receiver.requests
    changed = request.body.replace(b"high", b"info")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(changed, {name.lower(): value for name, value in request.headers.items()})


def test_a_payload_names_no_person_and_no_customer(receiver: Receiver) -> None:
    """It passes systems that nobody granted sight of the trail."""
    a_webhook(receiver).send(a_notice())
    data = json.loads(receiver.requests[0].body)["data"]
    assert set(data) == {
        "alert_id", "rule", "title", "severity", "access_count", "access_ids", "link", "runbook",
    }  # fmt: skip


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_what_passes_is_tried_again_and_when_is_for_the_receiver_to_say(
    receiver: Receiver, status: int
) -> None:
    """An hour of errors costs no alert."""
    receiver.behaviour, receiver.headers = status, {"Retry-After": "17"}
    with pytest.raises(ChannelUnavailable) as error:
        a_webhook(receiver).send(a_notice())
    assert (error.value.code, error.value.retry_after_s) == (status, 17.0)
    assert error.value.answer == "said <so> and more"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410])
def test_what_is_refused_is_said_to_be_refused(receiver: Receiver, status: int) -> None:
    """A redirect as well: it could lead anywhere, and a signed body would follow."""
    receiver.behaviour, receiver.headers = status, {"Location": f"{receiver.url}/elsewhere"}
    with pytest.raises(ChannelRejected) as error:
        a_webhook(receiver).send(a_notice())
    assert error.value.code == status
    assert [request.path for request in receiver.requests] == ["/hook"]


@pytest.mark.parametrize("behaviour", ["hangs", "closes", "drips"])
def test_a_receiver_that_misbehaves_does_not_hold_a_try(receiver: Receiver, behaviour: str) -> None:
    """Each try ends in time, and the notice is still to be told."""
    receiver.behaviour = behaviour
    began_at = time.monotonic()
    with pytest.raises(ChannelUnavailable):
        http.post(target(f"{receiver.url}/hook", longest_s=1.0), b"{}", {})
    assert time.monotonic() - began_at < 2.5


def test_of_a_flood_of_an_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    """Memory does not depend on what a receiver answers."""
    receiver.behaviour = "floods"
    assert len(http.post(target(f"{receiver.url}/hook"), b"{}", {}).text) == http.LARGEST_ANSWER_BYTES


def test_where_nobody_listens_it_is_tried_again() -> None:
    """The receiver is being restarted."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ChannelUnavailable):
            http.post(target(url), b"{}", {})


def test_a_mail_reads_well_and_a_repeat_is_known_by_its_id(mailbox: tuple[Mailbox, int]) -> None:
    """A mail program shows one of two mails with one Message-ID."""
    box, port = mailbox
    notice = a_notice()
    receipt = a_mail_channel(port).send(notice)
    a_mail_channel(port).send(notice)
    assert (receipt.code, "42" in receipt.answer) == (250, True)
    mails = [message_from_bytes(raw, policy=default) for _, raw in box.mails]
    assert mails[0]["Message-ID"] == mails[1]["Message-ID"] == f"<{notice.id}@earwitness.invalid>"
    assert mails[0]["Subject"] == "[high] An access that nothing justifies"
    plain = mails[0].get_body(("plain",))
    assert plain is not None
    assert notice.link in plain.get_content()


def test_a_question_goes_to_the_actor_alone(mailbox: tuple[Mailbox, int]) -> None:
    """Nobody else is to read what somebody is asked."""
    box, port = mailbox
    a_mail_channel(port).send(a_notice(kind="question", recipient="e-1@example.com"))
    assert [recipients for recipients, _ in box.mails] == [["e-1@example.com"]]


def test_an_actor_without_an_address_cannot_be_asked_by_mail(mailbox: tuple[Mailbox, int]) -> None:
    """That is said, and not tried for three days."""
    with pytest.raises(ChannelRejected, match="no mail address"):
        a_mail_channel(mailbox[1]).send(a_notice(kind="question", recipient="e-1"))


@pytest.mark.parametrize(
    ("said", "raised"),
    [("451 greylisted, come back", ChannelUnavailable), ("550 no such user", ChannelRejected)],
)
def test_a_mail_servers_answer_says_whether_to_come_back(
    mailbox: tuple[Mailbox, int], said: str, raised: type[Exception]
) -> None:
    """4xx is for now, 5xx is for good (RFC 5321)."""
    mailbox[0].refusal = said
    with pytest.raises(raised) as error:
        a_mail_channel(mailbox[1]).send(a_notice())
    assert getattr(error.value, "code", None) == int(said[:3])


def test_a_mail_server_that_says_nothing_does_not_hold_a_try() -> None:
    """It accepts the connection and never greets."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ChannelUnavailable):
        a_mail_channel(silent.getsockname()[1], longest_s=0.5).send(a_notice())


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    program = which("prometheus-alertmanager") or which("alertmanager")
    if program is None:
        pytest.skip(
            "prometheus-alertmanager is not installed (Debian: apt-get install prometheus-alertmanager)"
        )
    (tmp_path / "config.yml").write_text(
        "global: {resolve_timeout: 1s}\nroute: {receiver: none}\nreceivers: [{name: none}]\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={tmp_path}/config.yml",
            f"--storage.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up_at = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{url}/-/ready").raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < give_up_at
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def test_a_real_alertmanager_shows_an_alert_until_it_is_closed(alertmanager: str) -> None:
    """Told twice it is one there as well; closed, it ends."""
    channel = AlertmanagerChannel("am", target(alertmanager), lambda: datetime.now(UTC))
    notice = a_notice(at=datetime.now(UTC) - timedelta(seconds=3))
    channel.send(notice)
    channel.send(notice)
    (shown,) = httpx.get(f"{alertmanager}/api/v2/alerts").json()
    assert shown["labels"]["alertname"] == "unexplained-access"
    assert shown["labels"]["alert_id"] == str(notice.alert_id)
    assert shown["generatorURL"] == notice.link
    channel.send(notice._replace(kind="closed", id=str(uuid4())))
    assert httpx.get(f"{alertmanager}/api/v2/alerts").json() == []
    channel.send(notice._replace(kind="reopened", id=str(uuid4()), at=datetime.now(UTC)))
    assert len(httpx.get(f"{alertmanager}/api/v2/alerts").json()) == 1


def test_an_open_alert_outlasts_the_time_after_which_alertmanager_forgets(alertmanager: str) -> None:
    """It is posted once, with an end far off; without one it is gone after `resolve_timeout`, here 1 s."""
    AlertmanagerChannel("am", target(alertmanager), lambda: datetime.now(UTC)).send(a_notice())
    endless = json.dumps([{"labels": {"alertname": "without-an-end"}}]).encode()
    http.post(target(f"{alertmanager}/api/v2/alerts"), endless, {"content-type": "application/json"})
    time.sleep(2.0)
    shown = httpx.get(f"{alertmanager}/api/v2/alerts").json()
    assert [alert["labels"]["alertname"] for alert in shown] == [a_notice().rule]
