"""Where Kafka is, and as whom to speak to it."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from .errors import BadSettings

PREFIX: Final = "EARWITNESS_KAFKA__"
PROTOCOLS: Final = ("PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL")
LARGEST_PORT: Final = 65_535
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class Address(NamedTuple):
    """Where one broker listens."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Kafka:
    """Where Kafka listens (`host:port`, several joined by commas) and as whom to speak to it.

    Raises `BadSettings` that names everything that is wrong.
    """

    bootstrap: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security_protocol: str = "SASL_PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-256"
    ca_file: str | None = None

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise BadSettings(faults)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Kafka":
        """Read `EARWITNESS_KAFKA__BOOTSTRAP`, `…__USERNAME`, `…__PASSWORD` and the other fields.

        `…__PASSWORD_FILE` names a file that holds the password. Raises `BadSettings`.
        """
        environ = os.environ if environ is None else environ
        given = {
            name: environ[PREFIX + name.upper()]
            for name in cls.__dataclass_fields__
            if PREFIX + name.upper() in environ
        }
        if PREFIX + "PASSWORD_FILE" in environ:
            given["password"] = secret_from(environ, PREFIX + "PASSWORD_FILE").decode()
        if "bootstrap" not in given:
            raise BadSettings([f"{PREFIX}BOOTSTRAP is not set; it names Kafka's host:port"])
        return cls(**given)

    @property
    def addresses(self) -> list[Address]:
        """Where brokers may be found, in the order given. Raises ValueError where one is not `host:port`."""
        return [_address(text.strip()) for text in self.bootstrap.split(",")]

    def arguments(self) -> dict[str, object]:
        """Give the keyword arguments of kafka-python. Raises `BadSettings` where `ca_file` is unusable."""
        chosen: dict[str, object] = {
            "bootstrap_servers": [text.strip() for text in self.bootstrap.split(",")],
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            chosen |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.security_protocol.endswith("SSL"):
            chosen["ssl_context"] = self._ssl_context()
        return chosen

    def _faults(self) -> list[str]:
        faults = []
        try:
            _ = self.addresses
        except ValueError:
            faults.append(
                f"kafka.bootstrap: {self.bootstrap!r} must be host:port, or several joined by commas"
            )
        if self.security_protocol not in PROTOCOLS:
            faults.append(f"kafka.security_protocol: must be one of {', '.join(PROTOCOLS)}")
        if self.sasl_mechanism not in MECHANISMS:
            faults.append(f"kafka.sasl_mechanism: must be one of {', '.join(MECHANISMS)}")
        if self.security_protocol.startswith("SASL"):
            faults += [
                f"kafka.{name}: is needed with {self.security_protocol}"
                for name, value in (("username", self.username), ("password", self.password))
                if not value
            ]
        return faults

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise BadSettings([f"kafka.ca_file: {self.ca_file} cannot be used: {error}"]) from error


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not 0 < int(port) <= LARGEST_PORT:
        raise ValueError(text)
    return Address(host.strip("[]"), int(port))


def secret_from(environ: Mapping[str, str], variable: str) -> bytes:
    """Read the file that a variable names, without the white space around it. Raises `BadSettings`."""
    try:
        return Path(environ[variable]).read_bytes().strip()
    except OSError as error:
        raise BadSettings([f"{variable}: {environ[variable]} cannot be read: {error.strerror}"]) from error
