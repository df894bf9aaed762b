"""How to reach Kafka, in the words of each client library."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import faust

from models.errors import BrokerUnavailable


class KafkaConnection(NamedTuple):
    """Where Kafka listens and as whom to speak to it."""

    bootstrap: str
    security_protocol: str
    sasl_mechanism: str
    username: str
    password: str
    ca_file: Path | None = None

    def arguments(self) -> dict[str, Any]:
        """Give the keyword arguments that aiokafka and kafka-python share."""
        common: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            common |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.security_protocol.endswith("SSL"):
            common["ssl_context"] = self._ssl_context()
        return common

    def faust_broker(self) -> dict[str, Any]:
        """Give the settings by which a Faust app reaches Kafka."""
        settings: dict[str, Any] = {"broker": f"kafka://{self.bootstrap}"}
        if self.security_protocol.startswith("SASL"):
            settings["broker_credentials"] = faust.SASLCredentials(
                username=self.username,
                password=self.password,
                mechanism=self.sasl_mechanism,
                ssl_context=self._ssl_context() if self.security_protocol == "SASL_SSL" else None,
            )
        return settings

    def _ssl_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))


def unreachable(arguments: Mapping[str, Any], error: Exception) -> BrokerUnavailable:
    """Say which Kafka could not be reached as whom, and what to check."""
    return BrokerUnavailable(
        f"Kafka {arguments['bootstrap_servers']} could not be reached as"
        f" {arguments.get('sasl_plain_username', 'nobody in particular')} ({type(error).__name__}: {error});"
        " check that it is up, EARWITNESS_KAFKA__BOOTSTRAP, and the user's name and password"
    )
