"""From settings to connections: the one place where an entry point joins the two."""

from earwitness.settings import ClickHouseSettings, KafkaSettings
from sinks.clickhouse.client import ClickHouse
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


def clickhouse(settings: ClickHouseSettings) -> ClickHouse:
    """Describe the ClickHouse that the settings name; it is reached at the first statement."""
    return ClickHouse(
        settings.host,
        settings.port,
        database=settings.database,
        user=settings.username,
        password=settings.password.get_secret_value(),
        secure=settings.secure,
    )
