"""From settings to connections: the one place where an entry point joins the two."""

from earwitness.settings import ClickHouseSettings, KafkaSettings
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
