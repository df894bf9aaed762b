"""Mail as it is handed in for real: over TLS, to a server that is known, after a login."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from models.errors import ChannelRejected, ChannelUnavailable
from sinks.channels.mail import MailChannel, MailServer, Security
from tests.channels.receivers import Mailbox, mail_server
from tests.channels.test_channels import a_notice

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody else signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=earwitness"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return cert, key


def logged_in(*arguments: Any) -> AuthResult:
    """Let in whoever knows the password."""
    given = arguments[-1]
    assert isinstance(given, LoginPassword)
    return AuthResult(
        success=(given.login, given.password) == (b"earwitness", PASSWORD.encode()), handled=False
    )


@contextmanager
def a_server(certificate: tuple[Path, Path], security: Security) -> Iterator[tuple[Mailbox, int]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    # aiosmtpd cannot require a login over TLS that it did not begin itself, only offer one.
    tls: dict[str, Any] = (
        {"ssl_context": context, "auth_require_tls": False}
        if security == "tls"
        else {"tls_context": context, "require_starttls": True, "auth_required": True}
    )
    with mail_server(authenticator=logged_in, **tls) as served:
        yield served


def a_channel(
    port: int, security: Security, ca_file: Path | None, *, password: str = PASSWORD
) -> MailChannel:
    server = MailServer("127.0.0.1", port, security, "earwitness", SecretStr(password), ca_file)
    return MailChannel("mail", server, "earwitness@example.com", ("soc@example.com",), longest_s=5.0)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_is_handed_in_over_tls_after_a_login(
    certificate: tuple[Path, Path], security: Security
) -> None:
    """In either of the two ways in which servers offer TLS."""
    with a_server(certificate, security) as (box, port):
        receipt = a_channel(port, security, certificate[0]).send(a_notice())
    assert receipt.code == 250
    assert [recipients for recipients, _ in box.mails] == [["soc@example.com"]]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_nobody_vouches_for_learns_nothing(
    certificate: tuple[Path, Path], security: Security
) -> None:
    """Neither the password nor the mail; it is tried again, for a certificate is soon renewed."""
    with a_server(certificate, security) as (box, port), pytest.raises(ChannelUnavailable):
        a_channel(port, security, None).send(a_notice())
    assert box.mails == []


def test_a_server_without_starttls_is_not_spoken_to_in_the_clear() -> None:
    """Somebody between may have taken the offer out."""
    with mail_server() as (box, port), pytest.raises(ChannelUnavailable):
        a_channel(port, "starttls", None).send(a_notice())
    assert box.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_wrong_password_is_a_refusal_that_does_not_show_it(
    certificate: tuple[Path, Path], security: Security
) -> None:
    """A person has to mend it."""
    with a_server(certificate, security) as (box, port), pytest.raises(ChannelRejected) as error:
        a_channel(port, security, certificate[0], password="wrong-horse").send(a_notice())
    assert error.value.code == 535
    assert "wrong-horse" not in str(error.value) + error.value.answer
    assert box.mails == []


@pytest.mark.parametrize(
    "recipient",
    ["e-1", "", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com", "<a@example.com>"],
)
def test_who_is_asked_is_one_address_and_nothing_else(recipient: str) -> None:
    """It comes from a register: it can neither add a header nor a second reader."""
    with pytest.raises(ChannelRejected) as error:
        a_channel(9, "none", None).send(a_notice(kind="question", recipient=recipient))
    assert error.value.code == 0


def test_a_title_cannot_begin_a_header(certificate: tuple[Path, Path]) -> None:
    """It comes from a rule, which may be edited by many."""
    with a_server(certificate, "tls") as (box, port):
        notice = a_notice(title="One\r\nBcc: everybody@example.com\n\nTwo <b>")
        a_channel(port, "tls", certificate[0]).send(notice)
    ((recipients, raw),) = box.mails
    mail = message_from_bytes(raw, policy=default)
    assert recipients == ["soc@example.com"]
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[high] One Bcc: everybody@example.com Two <b>"
    page = mail.get_body(("html",))
    assert page is not None
    assert "&lt;b&gt;" in page.get_content()
