"""The channels of an installation, as a TOML file says them; secrets come from files or variables."""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from models.alerts import Notice, Severity
from models.errors import ConfigurationError
from sinks.channels.alertmanager import AlertmanagerChannel
from sinks.channels.apprise import AppriseChannel
from sinks.channels.base import Channel
from sinks.channels.mail import MailChannel, MailServer, Security
from sinks.channels.webhook import WebhookChannel, read_key

MOST_CHANNELS: Final = 50
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

_FROZEN: Final = ConfigDict(frozen=True, extra="forbid")
Url = Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=500)]
Address = Annotated[str, Field(pattern=r"^[^\s@<>,;\"]+@[^\s@<>,;\"]+$", max_length=254)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Secret(BaseModel):
    """Where a secret is: a file, or a variable. Never itself."""

    model_config = _FROZEN

    file: Path | None = None
    env: str | None = None

    def read(self, environ: Mapping[str, str]) -> str:
        """Give the secret. Raises ValueError that says what is wrong with its place."""
        if (self.file is None) == (self.env is None):
            msg = "a secret names one of file and env"
            raise ValueError(msg)
        if self.file is None:
            value = environ.get(str(self.env))
            if not value:
                msg = f"the variable {self.env} is not set"
                raise ValueError(msg)
            return value
        try:
            return self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            msg = f"{self.file} cannot be read: {error.strerror}"
            raise ValueError(msg) from error


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
    secrets: Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)]


class DescribedMail(_Described):
    """A mail server, and whom it tells."""

    kind: Literal["mail"]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Security = "starttls"
    username: str = ""
    password: Secret | None = None
    sender: Address
    recipients: Annotated[tuple[Address, ...], Field(max_length=50)] = ()


class DescribedAlertmanager(_Described):
    """One Prometheus Alertmanager."""

    kind: Literal["alertmanager"]
    url: Url


class DescribedApprise(_Described):
    """A service that apprise speaks to."""

    kind: Literal["apprise"]
    url: Secret


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
    faults: list[str] = []
    channels: list[Configured] = []
    for number, fields in enumerate(written, start=1):
        where = f"{path}: channel {fields.get('name', number) if isinstance(fields, dict) else number}"
        try:
            described = _ONE.validate_python(fields)
            channels.append(Configured(described, _made(described, environ, clock)))
        except ValidationError as error:
            faults += [f"{where}: {_said(fault)}" for fault in error.errors(include_input=False)]
        except ValueError as error:
            faults.append(f"{where}: {error}")
        except ConfigurationError as error:
            faults += [f"{path}: {fault}" for fault in error.faults]
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


def _made(described: Described, environ: Mapping[str, str], clock: Callable[[], datetime]) -> Channel:
    match described:
        case DescribedWebhook():
            keys = [read_key(secret.read(environ)) for secret in described.secrets]
            return WebhookChannel(described.name, described.url, keys, clock)
        case DescribedMail():
            password = described.password.read(environ) if described.password else ""
            server = MailServer(
                described.host, described.port, described.security, described.username, password
            )
            return MailChannel(described.name, server, described.sender, described.recipients)
        case DescribedAlertmanager():
            return AlertmanagerChannel(described.name, described.url, clock)
        case DescribedApprise():
            return AppriseChannel(described.name, described.url.read(environ))
