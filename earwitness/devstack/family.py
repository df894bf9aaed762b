"""The children of one stack: what each is run with, and how its readiness is seen."""

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from earwitness.devstack import clickhouse_config, kafka_server
from earwitness.devstack.children import ChildSpec
from earwitness.devstack.layout import Layout
from earwitness.devstack.ports import HOST, Ports
from earwitness.devstack.users import API_TOKEN, ROLES, SCOPES, STATEMENT_KEY, Role
from earwitness.settings import PREFIX, ROOT

PROBE_TIMEOUT_S: Final = 1.0
KAFKA_STOP_S: Final = 30.0
CLICKHOUSE_STOP_S: Final = 10.0
WORKER_STOP_S: Final = 30.0
API_STOP_S: Final = 10.0
RECONCILED_EVERY: Final = "5m"

OURS: Final = (f"{PREFIX}KAFKA__", f"{PREFIX}CLICKHOUSE__")
"""Settings of which the stack's children inherit none; all others they do."""


def kafka(layout: Layout, ports: Ports, jars: Sequence[Path], logins: kafka_server.Logins) -> ChildSpec:
    """Write Kafka's configuration and say how to run it."""
    return ChildSpec(
        name="kafka",
        command=kafka_server.configure(layout, ports, jars, logins),
        environment=_environment(),
        folder=layout.kafka,
        log=layout.log("kafka"),
        address=f"{HOST}:{ports.kafka}",
        is_ready=_listens(ports.kafka),
        stop_limit_s=KAFKA_STOP_S,
    )


def clickhouse(layout: Layout, ports: Ports, memory_mb: int) -> ChildSpec:
    """Write ClickHouse's configuration and say how to run it."""
    clickhouse_config.configure(layout, ports, memory_mb)
    scratch = layout.clickhouse / "tmp"
    scratch.mkdir(exist_ok=True)
    return ChildSpec(
        name="clickhouse",
        command=_python("earwitness.devstack.clickhouse_server", str(layout.clickhouse)),
        environment={**_environment(), "TMPDIR": str(scratch)},
        folder=layout.clickhouse,
        log=layout.log("clickhouse"),
        address=f"{HOST}:{ports.clickhouse}",
        is_ready=_listens(ports.clickhouse),
        stop_limit_s=CLICKHOUSE_STOP_S,
    )


def worker(layout: Layout, ports: Ports, number: int, health_port: int) -> ChildSpec:
    """Say how to run the worker of that number, which tells how it is on that port."""
    return _writer(layout, ports, f"worker-{number}", health_port, ("worker",))


def reconcile(layout: Layout, ports: Ports, health_port: int) -> ChildSpec:
    """Say how to run what proves that the trail is complete."""
    command = ("reconcile", "--every", RECONCILED_EVERY)
    return _writer(layout, ports, "reconcile", health_port, command)


def alerter(layout: Layout, ports: Ports, health_port: int) -> ChildSpec:
    """Say how to run what raises alerts."""
    key = {"ALERTS__STATEMENT_KEY_FILE": str(layout.secrets / STATEMENT_KEY)}
    return _service(layout, ports, "alerter", health_port, ("alerter",), role=ROLES["alerter"], more=key)


def _writer(layout: Layout, ports: Ports, name: str, health_port: int, command: tuple[str, ...]) -> ChildSpec:
    return _service(layout, ports, name, health_port, command, role=ROLES["worker"])


def _service(  # noqa: PLR0913 - the parts of one process
    layout: Layout,
    ports: Ports,
    name: str,
    health_port: int,
    command: tuple[str, ...],
    *,
    role: Role,
    more: Mapping[str, str] | None = None,
) -> ChildSpec:
    """A process with the rights of a role, which tells how it is on a port."""
    values = {
        "KAFKA__USERNAME": role.kafka,
        "KAFKA__PASSWORD_FILE": str(layout.secrets / f"kafka-{role.kafka}"),
        "CLICKHOUSE__USERNAME": f"{role.clickhouse}",
        "CLICKHOUSE__PASSWORD_FILE": str(layout.secrets / f"clickhouse-{role.clickhouse}"),
        "HEALTH__HOST": HOST,
        "HEALTH__PORT": str(health_port),
        **(more or {}),
    }
    address = f"{HOST}:{health_port}"
    return ChildSpec(
        name=name,
        command=_python("earwitness.cli.main", *command),
        environment={**_environment(), **_settings(layout, ports, values)},
        folder=Path.cwd(),
        log=layout.log(name),
        address=address,
        is_ready=_healthy(f"http://{address}/readyz"),
        stop_limit_s=WORKER_STOP_S,
        trouble=_trouble(f"http://{address}/readyz"),
    )


def api(layout: Layout, ports: Ports) -> ChildSpec:
    """Say how to run the read API; what it publishes is the evidence of webhooks."""
    secrets = {
        "KAFKA__USERNAME": "register",
        "KAFKA__PASSWORD_FILE": str(layout.secrets / "kafka-register"),
        "CLICKHOUSE__USERNAME": "earwitness_api",
        "CLICKHOUSE__PASSWORD_FILE": str(layout.secrets / "clickhouse-earwitness_api"),
        "CLICKHOUSE__READER_PASSWORD_FILE": str(layout.secrets / "clickhouse-earwitness_reader"),
        "CLICKHOUSE__SCOPES_PASSWORD_FILE": str(layout.secrets / f"clickhouse-{SCOPES}"),
        "API__TOKEN_FILE": str(layout.secrets / API_TOKEN),
        "ALERTS__STATEMENT_KEY_FILE": str(layout.secrets / STATEMENT_KEY),
    }
    return ChildSpec(
        name="api",
        command=_python("earwitness.cli.main", "api"),
        environment={**_environment(), **_settings(layout, ports, secrets)},
        folder=Path.cwd(),
        log=layout.log("api"),
        address=f"{HOST}:{ports.api}",
        is_ready=_healthy(f"http://{HOST}:{ports.api}/healthz"),
        stop_limit_s=API_STOP_S,
        trouble=_trouble(f"http://{HOST}:{ports.api}/readyz"),
    )


def _settings(layout: Layout, ports: Ports, more: Mapping[str, str]) -> dict[str, str]:
    values = {
        "KAFKA__BOOTSTRAP": f"{HOST}:{ports.kafka}",
        "KAFKA__SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA__SASL_MECHANISM": kafka_server.SCRAM,
        "CLICKHOUSE__HOST": HOST,
        "CLICKHOUSE__PORT": str(ports.clickhouse),
        "CLICKHOUSE__HTTP_PORT": str(ports.clickhouse_http),
        "CLICKHOUSE__DATABASE": "earwitness",
        "CLICKHOUSE__SECURE": "false",
        "API__HOST": HOST,
        "API__PORT": str(ports.api),
        "API__URL": f"http://{HOST}:{ports.api}",
        "DATA_DIR": str(layout.root),
        **more,
    }
    return {f"{PREFIX}{name}": value for name, value in values.items()}


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    """Run a module of ours; `-P` keeps the working folder from providing another of that name."""
    return (sys.executable, "-P", "-m", module, *arguments)


def _listens(port: int) -> Callable[[], bool]:
    def probe() -> bool:
        try:
            with socket.create_connection((HOST, port), timeout=PROBE_TIMEOUT_S):
                return True
        except OSError:
            return False

    return probe


def _healthy(url: str) -> Callable[[], bool]:
    def probe() -> bool:
        try:
            return httpx.get(url, timeout=PROBE_TIMEOUT_S, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    return probe


def _trouble(url: str) -> Callable[[], str]:
    """Ask a process what keeps it from its work; nothing where it is ready."""

    def ask() -> str:
        try:
            answer = httpx.get(url, timeout=PROBE_TIMEOUT_S, trust_env=False)
            return "" if answer.is_success else "; ".join(answer.json()["why"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            return f"does not answer: {type(error).__name__}"

    return ask
