"""From settings to the SDK; apart from `wiring`, since a worker needs neither the SDK nor its imports."""

import earwitness_sdk

from earwitness.settings import KafkaSettings
from models.errors import ConfigurationError


def kafka(settings: KafkaSettings) -> earwitness_sdk.Kafka:
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
