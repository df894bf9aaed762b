"""Electronic mail, by SMTP."""

import asyncio
import re
import ssl
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import Final, Literal, NamedTuple

import aiosmtplib
from pydantic import SecretStr

from models.alerts import Notice
from models.errors import ChannelRejected, ChannelUnavailable
from sinks.channels.base import LONGEST_TRY_S, Receipt, first_words

Security = Literal["starttls", "tls", "none"]
TRANSIENT: Final = range(400, 500)
ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
"""What a mail is sent to: one address, with nothing that could make two of it, or another header."""


class MailServer(NamedTuple):
    """Where mail is handed in, and as whom."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: Path | None = None


class _Client(aiosmtplib.SMTP):
    """Drops its connection in the end: closing one over TLS takes longer than the loop goes on."""

    def close(self) -> None:
        """End without a goodbye; QUIT was said where there was anybody to say it to."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        super().close()


class MailChannel:
    """Sends one mail a notice: to the recipients configured, or, for a question, to the one who is asked."""

    def __init__(
        self,
        name: str,
        server: MailServer,
        sender: str,
        recipients: tuple[str, ...],
        longest_s: float = LONGEST_TRY_S,
    ) -> None:
        self.name = name
        self._server = server
        self._tls = None if server.security == "none" else ssl.create_default_context(cafile=server.ca_file)
        self._sender = sender
        self._recipients = recipients
        self._longest_s = longest_s

    def send(self, notice: Notice) -> Receipt:
        """Hand it to the server; a repeat has the same Message-ID."""
        recipients = (notice.recipient,) if notice.kind == "question" else self._recipients
        if notice.kind == "question" and ADDRESS.fullmatch(notice.recipient) is None:
            raise ChannelRejected("the register knows no mail address (an alias with @) of the actor")
        return asyncio.run(self._send(message(notice, self._sender, recipients)))

    async def _send(self, mail: EmailMessage) -> Receipt:
        server = self._server
        try:
            async with asyncio.timeout(self._longest_s):
                async with _Client(
                    hostname=server.host,
                    port=server.port,
                    username=server.username or None,
                    password=server.password.get_secret_value() or None,
                    use_tls=server.security == "tls",
                    start_tls=server.security == "starttls",
                    tls_context=self._tls,
                    timeout=self._longest_s,
                ) as client:
                    _, answer = await client.send_message(mail)
        except TimeoutError as error:
            raise ChannelUnavailable(f"no whole answer within {self._longest_s:g} s") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, error.message) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            worst = max(error.recipients, key=lambda refused: refused.code)
            raise _refused(worst.code, worst.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ChannelUnavailable(f"{type(error).__name__}: {error}") from error
        return Receipt(250, first_words(answer))


def _refused(code: int, said: str) -> ChannelUnavailable | ChannelRejected:
    words = first_words(said)
    if code in TRANSIENT or code < 0:
        return ChannelUnavailable(f"answered {code}", max(code, 0), words)
    return ChannelRejected(f"answered {code}", code, words)


def message(notice: Notice, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """Write the mail: plain text, and the same as HTML."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = notice.at
    mail["Message-ID"] = f"<{notice.id}@earwitness.invalid>"
    mail["Subject"] = _subject(notice)
    mail["Auto-Submitted"] = "auto-generated"
    lines = _question(notice) if notice.kind == "question" else _told(notice)
    mail.set_content("\n".join(lines) + "\n")
    mail.add_alternative(_html(lines, notice.link), subtype="html")
    return mail


def _subject(notice: Notice) -> str:
    if notice.kind == "question":
        return "What was this access for? Please answer today"
    word = {"closed": "closed: ", "reopened": "again: "}.get(notice.kind, "")
    # A line break in a header would begin the next one.
    return f"[{notice.severity}] {word}{' '.join(notice.title.split())}"


def _told(notice: Notice) -> list[str]:
    done = {"raised": "was raised", "reopened": "was opened again", "closed": "was closed"}[notice.kind]
    accesses = "1 access" if notice.access_count == 1 else f"{notice.access_count} accesses"
    return [
        f"{notice.title}: {accesses}.",
        f"The alert {done} at {notice.at:%Y-%m-%d %H:%M:%S} UTC; its severity is {notice.severity}.",
        "",
        f"Who, what and why:  {notice.link}",
        f"In a terminal:      earwitness alerts show {notice.alert_id}",
        f"What to do:         {notice.runbook}",
        "",
        "This mail names no person and no customer on purpose.",
    ]


def _question(notice: Notice) -> list[str]:
    return [
        "You touched a customer's content, and no evidence on record says why that was allowed.",
        "If there was a ticket, cite it; if not, say in a sentence what it was for:",
        "",
        notice.link,
        "",
        "The link is yours alone, works once, and for seven days. Your answer is kept with the alert.",
        "If it was not you, say so there: somebody may be using your account.",
    ]


def _html(lines: list[str], link: str) -> str:
    shown = escape(link)
    body = "<br>\n".join(escape(line) for line in lines).replace(shown, f'<a href="{shown}">{shown}</a>')
    return f'<html><body style="font-family:sans-serif;line-height:1.5">{body}</body></html>'
