"""The channels of an installation, as a TOML file says them; secrets come from files or variables."""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from models.alerts import SEVERITIES, Notice, Severity
from models.errors import ConfigurationError
from sinks.channels.alertmanager import AlertmanagerChannel
from sinks.channels.apprise import AppriseChannel
from sinks.channels.base import Channel
from sinks.channels.http import Target, target
from sinks.channels.mail import ADDRESS, MailChannel, MailServer, Security
from sinks.channels.webhook import WebhookChannel, read_key

MOST_CHANNELS: Final = 50

_FROZEN: Final = ConfigDict(frozen=True, extra="forbid")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def _checked_url(url: str) -> str:
    # The text of httpx's errors may hold the URL, and a URL somebody's password.
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL()
    if parts.scheme not in ("http", "https") or not parts.host or parts.userinfo or parts.fragment:
        msg = "wants http:// or https://, a host, and no user, password or fragment"
        raise ValueError(msg)
    return url


def _checked_address(address: str) -> str:
    if ADDRESS.fullmatch(address) is None:
        msg = "wants one plain mail address"
        raise ValueError(msg)
    return address


Url = Annotated[str, Field(max_length=500), AfterValidator(_checked_url)]
Address = Annotated[str, Field(max_length=254), AfterValidator(_checked_address)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Secret(BaseModel):
    """Where a secret is: a file, or a variable. Never itself."""

    model_config = _FROZEN

    file: Path | None = None
    env: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.file is None) == (self.env is None):
            msg = "a secret names one of file and env"
            raise ValueError(msg)
        return self

    @property
    def place(self) -> str:
        """Say where it is."""
        return f"the variable {self.env}" if self.file is None else str(self.file)

    def read(self, surroundings: "Surroundings") -> str:
        """Give the secret. Raises `ConfigurationError` that says what is wrong with its place."""
        if self.file is None:
            value = surroundings.environ.get(str(self.env), "").strip()
        else:
            try:
                value = (surroundings.folder / self.file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigurationError([f"{self.place} cannot be read: {error.strerror}"]) from error
            except UnicodeDecodeError:
                raise ConfigurationError([f"{self.place} is no UTF-8 text"]) from None
        if not value:
            raise ConfigurationError([f"{self.place} holds nothing"])
        return value


class Surroundings(NamedTuple):
    """What a description leans on: the folder of its file, from which paths count, and the variables."""

    folder: Path
    environ: Mapping[str, str]
    clock: Callable[[], datetime]


class _Described(BaseModel):
    """What every channel has. `closings`: whether it is told as well when an alert is closed."""

    model_config = _FROZEN

    name: Name
    severity: Severity = "medium"
    rules: tuple[str, ...] = ()
    questions: bool = False
    closings: bool = True

    def hears(self, notice: Notice, channels: Sequence[str]) -> bool:
        """Say whether this channel is told; `channels` are those that the rule names, if it does."""
        if notice.kind == "question":
            return self.questions
        if notice.kind == "closed" and not self.closings:
            return False
        if channels:
            return self.name in channels
        if self.rules and notice.rule not in self.rules:
            return False
        return SEVERITIES.index(notice.severity) >= SEVERITIES.index(self.severity)


class DescribedWebhook(_Described):
    """A receiver of Standard Webhooks."""

    kind: Literal["webhook"]
    url: Url
    ca_file: Path | None = None
    secrets: Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)]


class DescribedMail(_Described):
    """A mail server, and whom it tells."""

    kind: Literal["mail"]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Security = "starttls"
    username: str = ""
    password: Secret | None = None
    ca_file: Path | None = None
    sender: Address
    recipients: Annotated[tuple[Address, ...], Field(max_length=50)] = ()
    """Without any it asks actors, and tells of no alert."""

    @model_validator(mode="after")
    def _somebody_is_told(self) -> Self:
        if not self.recipients and not self.questions:
            msg = "tells nobody: it names no recipients, and asks no questions"
            raise ValueError(msg)
        if self.username and self.security == "none" and self.host not in LOOPBACK:
            msg = "security none would show the password to the network"
            raise ValueError(msg)
        return self

    def hears(self, notice: Notice, channels: Sequence[str]) -> bool:
        """Say whether this channel is told, as any other."""
        return (bool(self.recipients) or notice.kind == "question") and super().hears(notice, channels)


class DescribedAlertmanager(_Described):
    """One Prometheus Alertmanager."""

    kind: Literal["alertmanager"]
    url: Url
    ca_file: Path | None = None
    token: Secret | None = None
    questions: Literal[False] = False
    """A question's link is its actor's alone, and many read an Alertmanager."""


class DescribedApprise(_Described):
    """A service that apprise speaks to."""

    kind: Literal["apprise"]
    url: Secret
    questions: Literal[False] = False
    """A question's link is its actor's alone, and many read a chat."""


Described = DescribedWebhook | DescribedMail | DescribedAlertmanager | DescribedApprise
_ONE: Final[TypeAdapter[Described]] = TypeAdapter(Annotated[Described, Field(discriminator="kind")])


class Configured(NamedTuple):
    """A channel, and how it is described."""

    described: Described
    channel: Channel


def read_channels(
    path: Path | None, environ: Mapping[str, str] = os.environ, *, clock: Callable[[], datetime]
) -> tuple[Configured, ...]:
    """Read the channels of a file; none where there is no file.

    Raises `ConfigurationError` that names every fault of every channel, and shows no secret.
    """
    if path is None:
        return ()
    written = _tables(path)
    around = Surroundings(path.resolve().parent, environ, clock)
    faults: list[str] = []
    channels: list[Configured] = []
    for number, fields in enumerate(written, start=1):
        where = f"{path}: channel {fields.get('name', number) if isinstance(fields, dict) else number}"
        try:
            described = _ONE.validate_python(fields)
            channels.append(Configured(described, _made(described, around)))
        except ValidationError as error:
            faults += [f"{where}: {_said(fault)}" for fault in error.errors(include_input=False)]
        except ConfigurationError as error:
            faults += [f"{where}: {fault}" for fault in error.faults]
    names = [each.described.name for each in channels]
    faults += [
        f"{path}: channel {name}: there are several" for name in sorted(set(names)) if names.count(name) > 1
    ]
    if faults:
        raise ConfigurationError(faults)
    return tuple(channels)


def _tables(path: Path) -> list[Any]:
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigurationError([f"{path}: is no TOML: {error}"]) from error
    tables = written.pop("channel", [])
    if written or not isinstance(tables, list) or len(tables) > MOST_CHANNELS:
        raise ConfigurationError(
            [f"{path}: holds [[channel]] tables, at most {MOST_CHANNELS}, and nothing else"]
        )
    return tables


def _said(fault: Any) -> str:  # noqa: ANN401 - pydantic's
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])


def _made(described: Described, around: Surroundings) -> Channel:
    match described:
        case DescribedWebhook():
            to = _target(described.url, described.ca_file, around)
            return WebhookChannel(described.name, to, _keys(described.secrets, around), around.clock)
        case DescribedMail():
            return _mail(described, around)
        case DescribedAlertmanager():
            token = described.token.read(around) if described.token else ""
            to = _target(described.url, described.ca_file, around)
            return AlertmanagerChannel(described.name, to, around.clock, token)
        case DescribedApprise():
            return AppriseChannel(described.name, described.url.read(around))


def _mail(described: DescribedMail, around: Surroundings) -> MailChannel:
    password = described.password.read(around) if described.password else ""
    server = MailServer(
        described.host,
        described.port,
        described.security,
        described.username,
        SecretStr(password),
        around.folder / described.ca_file if described.ca_file else None,
    )
    try:
        return MailChannel(described.name, server, described.sender, described.recipients)
    except OSError as error:  # ssl's own errors are among them
        raise ConfigurationError([f"ca_file {described.ca_file} cannot be used: {error}"]) from error


def _target(url: str, ca_file: Path | None, around: Surroundings) -> Target:
    try:
        return target(url, around.folder / ca_file if ca_file else None)
    except OSError as error:
        raise ConfigurationError([f"ca_file {ca_file} cannot be used: {error}"]) from error


def _keys(secrets: Sequence[Secret], around: Surroundings) -> list[bytes]:
    keys: list[bytes] = []
    faults: list[str] = []
    for secret in secrets:
        try:
            keys.append(read_key(secret.read(around)))
        except ValueError as error:
            faults.append(f"{secret.place}: {error}")
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        raise ConfigurationError(faults)
    return keys
