"""From settings to the words of the clients with which the stack itself is set up and examined."""

from typing import Any

from earwitness.settings import ClickHouseSettings, KafkaSettings
from sinks.clickhouse.client import Address
from streams.connection import KafkaConnection


def kafka_arguments(settings: KafkaSettings) -> dict[str, Any]:
    """Give the keyword arguments with which kafka-python reaches this Kafka as this user."""
    connection = KafkaConnection(
        bootstrap=settings.bootstrap,
        security_protocol=settings.security_protocol,
        sasl_mechanism=settings.sasl_mechanism,
        username=settings.username,
        password=settings.password.get_secret_value(),
        ca_file=settings.ca_file,
    )
    return connection.arguments()


def clickhouse_address(settings: ClickHouseSettings) -> Address:
    """Give the address at which our clients reach this ClickHouse as this user."""
    return Address(
        host=settings.host,
        port=settings.port,
        database=settings.database,
        user=settings.username,
        password=settings.password.get_secret_value(),
        secure=settings.secure,
    )
