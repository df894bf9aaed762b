"""Every setting of a process, read once, from `EARWITNESS_…` variables and a TOML file.

Only entry points call `load`; everything below receives values. A variable beats the file; nested
names are joined by two underscores, as `EARWITNESS_KAFKA__BOOTSTRAP`. A secret can be named by the
file that holds it: `EARWITNESS_KAFKA__PASSWORD_FILE`.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from models.errors import ConfigurationError

PREFIX: Final = "EARWITNESS_"
CONFIG_FILE_VARIABLE: Final = "EARWITNESS_CONFIG_FILE"
SDK_PREFIX: Final = "EARWITNESS_SDK__"
"""Variables of the SDK, which a service may have set where a command runs."""

NO_SECRETS: Final = frozenset(
    {"ca_file", "channels_file", "registers_file", "tls_cert_file", "tls_key_file", "tls_ca_file"}
)
"""Settings that end as the name of a secret's file does, and are themselves a file's name."""

ROOT: Final = Path(__file__).resolve().parent.parent
"""The folder that holds models/, streams/, sinks/, earwitness/ and policies/."""


_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:]+\]|[^\s:,\[\]]+):(?P<port>[0-9]{1,5})")
_LARGEST_PORT: Final = 65_535


def _check_addresses(text: str) -> str:
    for address in text.split(","):
        found = _ADDRESS.fullmatch(address.strip())
        if found is None or not 0 < int(found["port"]) <= _LARGEST_PORT:
            message = f"{address.strip()!r} is not host:port, as kafka:9092"
            raise ValueError(message)
    return text


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(_Part):
    """How a process reaches Kafka, and as whom."""

    bootstrap: Annotated[str, AfterValidator(_check_addresses)] = Field(
        "127.0.0.1:9092", description="host:port of the broker, or several with commas"
    )
    security_protocol: Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "SASL_PLAINTEXT", description="how the connection is authenticated and protected"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-256", description="how the password is proven"
    )
    username: str = Field("worker", description="the SASL user of this process")
    password: SecretStr = Field(SecretStr(""), description="its password")
    ca_file: Path | None = Field(None, description="the CA that signed the broker's certificate")


class ClickHouseSettings(_Part):
    """How a process reaches ClickHouse, and as whom."""

    host: str = Field("127.0.0.1", description="where ClickHouse listens")
    port: int = Field(9000, ge=1, le=65_535, description="its native port")
    http_port: int = Field(8123, ge=1, le=65_535, description="its HTTP port, by which exports are read")
    database: str = Field("earwitness", description="the database of the trail")
    username: str = Field("earwitness_writer", description="the ClickHouse user of this process")
    password: SecretStr = Field(SecretStr(""), description="its password")
    secure: bool = Field(default=False, description="whether to use TLS")
    reader_password: SecretStr = Field(
        SecretStr(""), description="password of earwitness_reader, as whom the API runs `sql`"
    )
    scopes_password: SecretStr = Field(
        SecretStr(""),
        description="password of earwitness_scope_01 and so on, as whom the API asks for scoped tokens",
    )


class WorkerSettings(_Part):
    """How a worker takes in accesses."""

    group: str = Field("earwitness-judge", description="the consumer group of the workers")
    largest_batch: int = Field(10_000, ge=1, le=100_000, description="most events in one range")
    shortest_interval_s: float = Field(
        0.25, ge=0, le=60, description="least time between two inserts of one partition"
    )
    session_timeout_s: int = Field(
        6, ge=6, le=300, description="after this silence the partitions of a dead worker move on"
    )


class ApiSettings(_Part):
    """The read API."""

    host: str = Field("127.0.0.1", description="where it listens")
    port: int = Field(8321, ge=1, le=65_535, description="its port")
    url: str | None = Field(None, description="where commands find it; default http://host:port")
    token: SecretStr = Field(
        SecretStr(""),
        description="the bearer token: of the API the first admin's, of commands the one they send",
    )
    tls_cert_file: Path | None = Field(None, description="its certificate, with those that signed it (PEM)")
    tls_key_file: Path | None = Field(None, description="the key of its certificate (PEM)")
    tls_ca_file: Path | None = Field(None, description="the CA by which commands know its certificate (PEM)")
    proxy: str | None = Field(
        None,
        min_length=1,
        description="the proxy that ends TLS before it, needed where it listens beyond loopback without a"
        " certificate; from this address or network it believes X-Forwarded-For",
    )
    query_timeout_s: int = Field(30, ge=1, le=600, description="longest that one question may run")
    longest_range_days: int | None = Field(
        None,
        ge=1,
        le=36_525,
        description="most days of event time in one search, count, export, page or report (not of a"
        " customer's); none: any",
    )
    most_requests: int = Field(
        64, ge=1, le=1_024, description="requests under way at once; further ones are answered 503"
    )
    largest_page: int = Field(10_000, ge=1, le=1_000_000, description="most rows in one answer")


class HealthSettings(_Part):
    """Where a worker, or `reconcile --every`, is asked for its health and its metrics."""

    host: str = Field("127.0.0.1", description="where /livez, /readyz and /metrics listen")
    port: int = Field(0, ge=0, le=65_535, description="their port; 0 takes a free one, which the log names")


class ReconcileSettings(_Part):
    """How the trail is proven complete."""

    grace_s: int = Field(
        900, ge=0, le=2_592_000, description="how long a producer's number may be missing before it is lost"
    )
    query_timeout_s: int = Field(300, ge=1, le=3_600, description="longest that one of its questions may run")


class AlertsSettings(_Part):
    """How alerts are raised."""

    group: str = Field("earwitness-alerts", description="the consumer group of the alerter")
    rules_dir: Path = Field(ROOT / "alert_rules", description="the folder of the alert rules")
    query_timeout_s: int = Field(30, ge=1, le=600, description="how long a question of a rule may run")
    channels_file: Path | None = Field(
        None, description="the TOML file of the channels over which people are told; none: nobody is told"
    )
    statement_key: SecretStr = Field(
        SecretStr(""), description="signs the links by which actors answer; empty: no actor is asked"
    )


class Settings(_Part):
    """All settings of one process."""

    kafka: KafkaSettings = KafkaSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    worker: WorkerSettings = WorkerSettings()
    api: ApiSettings = ApiSettings()
    health: HealthSettings = HealthSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    alerts: AlertsSettings = AlertsSettings()
    policies_dir: Path = Field(ROOT / "policies", description="the folder of the policy versions")
    registers_file: Path | None = Field(
        None, description="the TOML file of the registers: what each may tell, and its webhook"
    )
    data_dir: Path = Field(
        Path(".earwitness"), description="the folder of the embedded stack, its data and secrets"
    )
    log_format: Literal["console", "json"] = Field("console", description="how logs are written")
    maven_url: str = Field(
        "https://repo.maven.apache.org/maven2",
        description="the Maven repository from which the embedded stack fetches Kafka",
    )


def load(environ: Mapping[str, str] | None = None, config_file: Path | None = None) -> Settings:
    """Read the settings of this process.

    Raises `ConfigurationError` that names every faulty setting at once, unknown ones included.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(CONFIG_FILE_VARIABLE)
    path = config_file or (Path(named) if named else None)
    values = _read_toml(path) if path else {}
    faults: list[str] = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name != CONFIG_FILE_VARIABLE and not name.startswith(SDK_PREFIX):
            _assign(values, name, environ[name], faults)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults += [_describe(fault) for fault in error.errors()]
    if faults:
        raise ConfigurationError(faults)
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (ValueError, RecursionError) as error:  # endless digits and brackets are no TOMLDecodeError
        raise ConfigurationError([f"{path}: is not TOML: {error}"]) from error


def _assign(values: dict[str, Any], variable: str, text: str, faults: list[str]) -> None:
    *parts, last = variable.removeprefix(PREFIX).lower().split("__")
    if last.endswith("_file") and last not in NO_SECRETS:
        last = last.removesuffix("_file")
        try:
            text = Path(text).read_text(encoding="utf-8").strip()
        except OSError as error:
            faults.append(f"{variable}: {text} cannot be read: {error.strerror}")
            return
    here = values
    for part in parts:
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            faults.append(f"{variable}: {part} is not a group of settings")
            return
    here[last] = text


def _describe(fault: Mapping[str, Any]) -> str:
    path = [str(part) for part in fault["loc"]]
    variable = PREFIX + "__".join(path).upper()
    if fault["type"] == "extra_forbidden":
        return f"{variable} ({'.'.join(path)}): there is no such setting"
    return f"{variable} ({'.'.join(path)}): {fault['msg']}"
