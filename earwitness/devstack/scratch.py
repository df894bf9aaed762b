"""A ClickHouse of one test's own."""

import subprocess
import sys
import time
from pathlib import Path

from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError, SocketTimeoutError

from earwitness.devstack import clickhouse_config
from earwitness.devstack.layout import layout_of, prepare
from earwitness.devstack.ports import HOST, choose
from earwitness.devstack.users import make_secrets, read_secret
from earwitness.query.clickhouse_http import HttpAddress
from earwitness.settings import ROOT
from sinks.clickhouse.client import Address

ANSWERS_WITHIN_S = 60.0


class Server:
    """An empty ClickHouse with our users."""

    def __init__(self, folder: Path) -> None:
        self._layout = layout_of(folder)
        prepare(self._layout)
        make_secrets(self._layout)
        self._ports = choose(self._layout, {})
        clickhouse_config.configure(self._layout, self._ports)
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "earwitness.devstack.clickhouse_server", str(self._layout.clickhouse)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_and_start(self) -> None:
        """Kill it without a warning, and start it again."""
        self.process.kill()
        self.process.wait()
        self.process = self._started()
        self.wait()

    def address(self, user: str) -> Address:
        password = read_secret(self._layout, f"clickhouse-{user}")
        return Address(HOST, self._ports.clickhouse, "earwitness", user, password, secure=False)

    def http(self, user: str) -> HttpAddress:
        password = read_secret(self._layout, f"clickhouse-{user}")
        return HttpAddress(HOST, self._ports.clickhouse_http, "earwitness", user, password, secure=False)

    def ask(
        self, user: str, query: str, rows: list[tuple[object, ...]] | None = None
    ) -> list[tuple[object, ...]]:
        client = Client(**self.address(user)._asdict())
        try:
            answer: list[tuple[object, ...]] = client.execute(query, rows)
        finally:
            client.disconnect()
        return answer

    def wait(self) -> None:
        give_up_at = time.monotonic() + ANSWERS_WITHIN_S
        while True:
            client = Client(**{**self.address("earwitness_admin")._asdict(), "database": "default"})
            try:
                client.execute("SELECT 1")
            except (EOFError, NetworkError, SocketTimeoutError):
                assert time.monotonic() < give_up_at, "ClickHouse did not answer"
                time.sleep(0.2)
            else:
                return
            finally:
                client.disconnect()
