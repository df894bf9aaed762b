"""From settings to connections: the one place where an entry point joins the two."""

import earwitness_sdk

from earwitness.settings import ClickHouseSettings, KafkaSettings
from models.errors import ConfigurationError
from sinks.clickhouse.client import Address
from streams.connection import KafkaConnection


def kafka(settings: KafkaSettings) -> KafkaConnection:
    """Describe the Kafka that the settings name."""
    return KafkaConnection(
        bootstrap=settings.bootstrap,
        security_protocol=settings.security_protocol,
        sasl_mechanism=settings.sasl_mechanism,
        username=settings.username,
        password=settings.password.get_secret_value(),
        ca_file=settings.ca_file,
    )


def clickhouse(settings: ClickHouseSettings) -> Address:
    """Describe the ClickHouse that the settings name."""
    return Address(
        host=settings.host,
        port=settings.port,
        database=settings.database,
        user=settings.username,
        password=settings.password.get_secret_value(),
        secure=settings.secure,
    )


def sdk_kafka(settings: KafkaSettings) -> earwitness_sdk.Kafka:
    """Describe the Kafka that the settings name, for the SDK. Raises `ConfigurationError`."""
    try:
        return earwitness_sdk.Kafka(
            bootstrap=settings.bootstrap,
            security_protocol=settings.security_protocol,
            sasl_mechanism=settings.sasl_mechanism,
            username=settings.username,
            password=settings.password.get_secret_value(),
            ca_file=None if settings.ca_file is None else str(settings.ca_file),
        )
    except earwitness_sdk.BadSettings as error:
        raise ConfigurationError(error.faults) from error
