"""The real Kafka and ClickHouse, started once a session for every test that asks for `stack`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client

from earwitness.cli import wiring
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.devstack.users import read_secret
from earwitness.settings import Settings


class Stack:
    """A running embedded stack. Ask it for the settings of a role (`devstack.users.ROLES`)."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    @property
    def state(self) -> state.StackState:
        """What the supervisor says now."""
        return state.read(self.data_dir)

    def settings(self, role: str) -> Settings:
        """Give the settings of a process in that role."""
        return state.settings_for(self.data_dir, role)

    def kafka_client(self, role: str) -> dict[str, Any]:
        """Give the keyword arguments of kafka-python for that role."""
        return wiring.kafka(self.settings(role).kafka).arguments()

    def clickhouse(self, user: str) -> Client:
        """Connect as earwitness_admin, _writer, _reader or _api; the caller disconnects."""
        password = read_secret(layout_of(self.data_dir), f"clickhouse-earwitness_{user}")
        settings = self.settings("admin").clickhouse
        return Client(
            host=settings.host,
            port=settings.port,
            database=settings.database,
            user=f"earwitness_{user}",
            password=password,
        )


@contextmanager
def started(data_dir: Path, workers: int) -> Iterator[Stack]:
    """Start a stack in a folder, and stop it in the end."""
    control.fetch_kafka(Settings().maven_url, print)
    control.start_detached(Options(data_dir=data_dir, workers=workers))
    try:
        yield Stack(data_dir)
    finally:
        control.stop(layout_of(data_dir), print)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what commands print be equally wide wherever the tests run."""
    monkeypatch.setenv("COLUMNS", "110")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let whoever works on one part leave the workers of `stack` out."""
    parser.addoption("--stack-workers", type=int, default=1, help="how many workers `stack` has")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Stack]:
    """Start one stack with a worker, and stop it when the last test is done."""
    workers = pytestconfig.getoption("--stack-workers")
    with started(tmp_path_factory.mktemp("stack") / "data", workers) as running:
        yield running
