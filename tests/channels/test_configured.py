"""Which channels there are: every fault is named at once, and no secret is ever shown."""

import base64
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.alerts import Notice
from models.errors import ChannelUnavailable, ConfigurationError
from sinks.channels.configured import Configured, read_channels
from tests.channels.receivers import receiving
from tests.channels.test_channels import SECRET, a_notice

PASSWORD = "correct-horse-battery"
ONE = '[[channel]]\nname = "a"\nkind = "webhook"\nurl = "http://127.0.0.1"\nsecrets = [{ file = "secret" }]\n'


def read(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[Configured, ...]:
    (folder / "channels.toml").write_text(text)
    return read_channels(folder / "channels.toml", environ or {}, clock=lambda: datetime.now(UTC))


def faults(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as error:
        read(folder, text, environ)
    return "\n".join(error.value.faults)


def hearing(folder: Path, more: str, kind: str = "webhook") -> Configured:
    where = {
        "webhook": 'url = "http://127.0.0.1:9/"\nsecrets = [{ env = "S" }]',
        "mail": 'host = "127.0.0.1"\nsender = "e@example.com"',
    }[kind]
    (made,) = read(folder, f'[[channel]]\nname = "a"\nkind = "{kind}"\n{where}\n{more}\n', {"S": SECRET})
    return made


def hears(channel: Configured, notice: Notice, *named: str) -> bool:
    return channel.described.hears(notice, named)


def test_without_a_file_there_is_no_channel() -> None:
    """Alerts are then on the list, and nobody is told."""
    assert read_channels(None, {}, clock=lambda: datetime.now(UTC)) == ()


def test_every_fault_of_every_channel_is_named_at_once(tmp_path: Path) -> None:
    """Nobody wants to mend a file one error at a time."""
    said = faults(
        tmp_path,
        """
[[channel]]
name = "Upper"
kind = "webhook"
url = "ftp://example.com"
secrets = []
typo = 1

[[channel]]
name = "mail"
kind = "mail"
host = "mail.example.com"
sender = "nobody"
recipients = ["a@example.com, b@example.com"]

[[channel]]
name = "am"
kind = "alertmanager"
url = "http://user:hidden-word@127.0.0.1:9093"
questions = true

[[channel]]
name = "soc"
kind = "webhook"
url = "https://soc.example.com/hook"
secrets = [{ env = "NOT_SET" }, { file = "missing" }]

[[channel]]
kind = "pigeon"
""",
    )
    for expected in (
        "Upper: webhook.name", "webhook.url", "webhook.secrets", "webhook.typo", "mail.sender",
        "mail.recipients.0", "am: alertmanager.url", "alertmanager.questions",
        "the variable NOT_SET holds nothing", "missing cannot be read", "channel 5: ", "pigeon",
    ):  # fmt: skip
        assert expected in said
    assert "hidden-word" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[channel]\n", "is no TOML"),
        ("channel = 3\n", "holds [[channel]] tables"),
        ("[webhook]\n", "holds [[channel]] tables"),
        ('[[channel]]\nname = "a"\nkind = "mail"\nhost = "h"\nsender = "e@example.com"\n', "tells nobody"),
        (
            '[[channel]]\nname = "a"\nkind = "mail"\nhost = "h"\nsender = "e@example.com"\nquestions = true\n'  # noqa: ISC004
            'security = "none"\nusername = "u"\n',
            "would show the password",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """At the start, by name, and not when the first alert is lost."""
    assert said in faults(tmp_path, text)


def test_one_name_is_one_channel(tmp_path: Path) -> None:
    """The evidence of who was told is kept under it."""
    one = '[[channel]]\nname = "am"\nkind = "alertmanager"\nurl = "http://127.0.0.1:9093"\n'
    assert "there are several" in faults(tmp_path, one + one)


@pytest.mark.parametrize(
    "secret", [SECRET[:-9], "whsec_not base64!", base64.b64encode(b"short").decode(), PASSWORD]
)
def test_a_secret_that_is_none_is_refused_and_not_shown(tmp_path: Path, secret: str) -> None:
    """Not by its place, not by what is wrong with it."""
    (tmp_path / "secret").write_text(secret)
    if secret == SECRET[:-9]:
        (tmp_path / "secret").write_bytes(b"\xff" + SECRET.encode())
    said = faults(tmp_path, ONE)
    assert "a: secret" in said
    assert secret not in said


def test_a_secret_in_the_file_itself_is_refused_and_not_shown(tmp_path: Path) -> None:
    """Configuration is copied, mailed and kept in repositories."""
    said = faults(
        tmp_path,
        f'[[channel]]\nname = "a"\nkind = "webhook"\nurl = "http://127.0.0.1"\nsecrets = ["{SECRET}"]\n',
    )
    assert "webhook.secrets.0" in said
    assert SECRET not in said


def test_secrets_appear_in_nothing_that_is_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four channels that work and fail: neither reprs, errors, logs nor outputs hold one of four secrets."""
    caplog.set_level(logging.DEBUG)
    secrets = {"HOOK": SECRET, "MAIL": PASSWORD, "AM": "token-of-the-proxy", "URL": ""}
    with receiving() as receiver:
        receiver.behaviour = 500
        host = receiver.url.removeprefix("http://")
        secrets["URL"] = f"json://user:word-in-the-url@{host}/path-that-is-a-key"
        channels = read(
            tmp_path,
            f"""
[[channel]]
name = "hook"
kind = "webhook"
url = "{receiver.url}/hook"
secrets = [{{ env = "HOOK" }}]
[[channel]]
name = "mail"
kind = "mail"
host = "127.0.0.1"
port = 9
security = "none"
username = "u"
password = {{ env = "MAIL" }}
sender = "e@example.com"
recipients = ["s@example.com"]
[[channel]]
name = "am"
kind = "alertmanager"
url = "{receiver.url}"
token = {{ env = "AM" }}
[[channel]]
name = "chat"
kind = "apprise"
url = {{ env = "URL" }}
""",
            secrets,
        )
        shown = repr(channels) + "".join(repr(vars(each.channel)) for each in channels[1:2])
        for each in channels:
            with pytest.raises(ChannelUnavailable) as error:
                each.channel.send(a_notice())
            shown += str(error.value) + repr(vars(error.value)) + str(error.value.__cause__)
        assert receiver.requests[1].headers["authorization"] == "Bearer token-of-the-proxy"
    captured = capsys.readouterr()
    shown += captured.out + captured.err + caplog.text
    for word in (SECRET, PASSWORD, "token-of-the-proxy", "word-in-the-url", "path-that-is-a-key"):
        assert word not in shown


def test_a_channel_hears_of_its_severity_and_above(tmp_path: Path) -> None:
    """Who is woken at night is not told of everything."""
    channel = hearing(tmp_path, 'severity = "high"')
    heard = [
        severity
        for severity in ("info", "low", "medium", "high", "critical")
        if hears(channel, a_notice(severity=severity))
    ]
    assert heard == ["high", "critical"]


def test_a_rule_that_names_channels_is_told_to_those_alone(tmp_path: Path) -> None:
    """Whatever their severity and rules say: the rule's author knows who can act on it."""
    channel = hearing(tmp_path, 'severity = "critical"\nrules = ["other"]')
    assert hears(channel, a_notice(severity="info"), "a")
    assert not hears(channel, a_notice(severity="critical", rule="other"), "b")


def test_a_channel_of_some_rules_hears_of_no_other(tmp_path: Path) -> None:
    """A team has its own."""
    channel = hearing(tmp_path, 'rules = ["bulk-access"]')
    assert hears(channel, a_notice(rule="bulk-access"))
    assert not hears(channel, a_notice(rule="unexplained-access"))


def test_questions_and_closings_go_where_they_are_wanted(tmp_path: Path) -> None:
    """A question holds a link that is its actor's alone."""
    closed, question = a_notice(kind="closed"), a_notice(kind="question", recipient="e-1@example.com")
    analysts = hearing(tmp_path, "closings = false")
    assert not hears(analysts, closed)
    assert not hears(analysts, question)
    asking = hearing(tmp_path, "questions = true", "mail")
    assert hears(asking, question)
    assert not hears(asking, closed)


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of the registers do."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "secret").write_text(SECRET)
    monkeypatch.chdir(tmp_path)
    assert len(read(tmp_path / "etc", ONE)) == 1


def test_an_extra_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    text = '[[channel]]\nname = "chat"\nkind = "apprise"\nurl = { env = "URL" }\n'
    said = faults(tmp_path, text, {"URL": "json://127.0.0.1"})
    assert said.endswith("channel chat: this kind needs the extra: pip install 'earwitness[apprise]'")


def test_a_url_that_apprise_does_not_know_is_refused_and_not_shown(tmp_path: Path) -> None:
    """It may be a webhook of a chat, mistyped."""
    text = '[[channel]]\nname = "chat"\nkind = "apprise"\nurl = { env = "URL" }\n'
    said = faults(tmp_path, text, {"URL": "slakc://token-a/token-b/token-c"})
    assert "does not know such a URL" in said
    assert "token-a" not in said
