"""A ClickHouse for a moment: with our users and nothing in it, gone with its folder."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError, SocketTimeoutError

from earwitness.devstack import clickhouse_config, ports
from earwitness.devstack.layout import layout_of, prepare
from earwitness.devstack.ports import HOST, choose
from earwitness.devstack.users import make_secrets, read_secret
from earwitness.query.clickhouse_http import HttpAddress
from earwitness.settings import ROOT
from models.errors import StackUnavailable
from sinks.clickhouse.client import Address

ANSWERS_WITHIN_S: Final = 60.0
PAUSE_S: Final = 0.1


class Server:
    """An empty ClickHouse with our users, for whoever has its folder. Its process is theirs to kill."""

    def __init__(self, folder: Path, memory_mb: int = clickhouse_config.MEMORY_MB) -> None:
        self._layout = layout_of(folder)
        prepare(self._layout)
        make_secrets(self._layout)
        self._ports = choose(self._layout, {})
        clickhouse_config.configure(self._layout, self._ports, memory_mb)
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

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()

    def address(self, user: str) -> Address:
        """Say where it is, as one of our users."""
        password = read_secret(self._layout, f"clickhouse-{user}")
        return Address(HOST, self._ports.clickhouse, "earwitness", user, password, secure=False)

    def http(self, user: str) -> HttpAddress:
        """Say where it speaks HTTP, as one of our users."""
        password = read_secret(self._layout, f"clickhouse-{user}")
        return HttpAddress(HOST, self._ports.clickhouse_http, "earwitness", user, password, secure=False)

    def ask(
        self, user: str, query: str, rows: list[tuple[object, ...]] | None = None
    ) -> list[tuple[object, ...]]:
        """Run one statement as a user, on a connection of its own."""
        client = Client(**self.address(user)._asdict())
        try:
            answer: list[tuple[object, ...]] = client.execute(query, rows)
        finally:
            client.disconnect()
        return answer

    def wait(self) -> None:
        """Return once it answers. Raises `StackUnavailable` where it does not in time."""
        give_up_at = time.monotonic() + ANSWERS_WITHIN_S
        while not self._answers():
            if time.monotonic() > give_up_at:
                raise StackUnavailable(f"ClickHouse did not answer within {ANSWERS_WITHIN_S:.0f} s")
            time.sleep(PAUSE_S)

    def _answers(self) -> bool:
        if ports.is_free(self._ports.clickhouse):  # the driver would log each refused connection
            return False
        client = Client(**{**self.address("earwitness_admin")._asdict(), "database": "default"})
        try:
            client.execute("SELECT 1")
        except (EOFError, NetworkError, SocketTimeoutError):
            return False
        finally:
            client.disconnect()
        return True
