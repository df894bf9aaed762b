"""`earwitness provision`: give a Kafka its topics and access rules."""

import click

from earwitness import settings
from earwitness.devstack.provision import provision_kafka


@click.command()
def provision() -> None:
    """Create the topics and access rules that a Kafka lacks; needs a user that may.

    \b
    Example:
      EARWITNESS_KAFKA__BOOTSTRAP=kafka:9092 EARWITNESS_KAFKA__USERNAME=admin earwitness provision

    What exists is left as it is. The users themselves belong to whoever runs Kafka.

    """
    kafka = settings.load().kafka
    provision_kafka(kafka)
    click.echo(f"Kafka {kafka.bootstrap} has the topics and access rules")
