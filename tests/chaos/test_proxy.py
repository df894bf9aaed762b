"""What the proxy makes of ClickHouse's native protocol, and what it can do at an exact instant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from benchmarks.chaos.plan import Moment
from benchmarks.chaos.proxy import BrokerProxy, Stored, StoreProxy, Then
from tests.conftest import Stack

TOKEN = "access.events.v1:3:120-139:1"
BLOCK = Stored("worker-1", 3, 120, 139)


class Probe:
    """A table of its own under the name that workers insert into, reached through the proxy."""

    def __init__(self, stack: Stack, port: int, database: str) -> None:
        self.stack = stack
        self.port = port
        self.database = database

    def insert(self) -> None:
        client = self._client(self.port)
        try:
            client.execute(
                "INSERT INTO access_log (number) VALUES",
                [[1, 2, 3]],
                columnar=True,
                settings={"insert_deduplication_token": TOKEN},
            )
        finally:
            client.disconnect()

    def count(self) -> int:
        client = self._client(self.stack.settings("admin").clickhouse.port)
        try:
            return int(client.execute("SELECT count() FROM access_log")[0][0])
        finally:
            client.disconnect()

    def _client(self, port: int) -> Client:
        settings = self.stack.settings("admin").clickhouse
        return Client(
            host=settings.host,
            port=port,
            database=self.database,
            user=settings.username,
            password=settings.password.get_secret_value(),
        )


@asynccontextmanager
async def a_probe(stack: Stack, database: str) -> AsyncIterator[tuple[StoreProxy, Probe]]:
    proxy = StoreProxy(lambda: stack.settings("admin").clickhouse.port)
    admin = stack.clickhouse("admin")
    admin.execute(f"CREATE DATABASE {database}")
    admin.execute(f"CREATE TABLE {database}.access_log (number UInt64) ENGINE = MergeTree ORDER BY number")
    try:
        yield proxy, Probe(stack, await proxy.serve("worker-1"), database)
    finally:
        await proxy.close()
        admin.execute(f"DROP DATABASE {database}")
        admin.disconnect()


async def caught(
    stack: Stack, database: str, moment: Moment, then: Then
) -> tuple[Stored | None, int, int, bool]:
    """Insert with a trap set: the block it caught, rows then and afterwards, whether the insert failed."""
    seen: list[Stored | None] = []
    rows_then: list[int] = []
    async with a_probe(stack, database) as (proxy, probe):

        async def spring(block: Stored | None) -> Then:
            seen.append(block)
            rows_then.append(await asyncio.to_thread(probe.count))
            return then

        trap = asyncio.create_task(proxy.at(moment, "worker-1", spring, 20))
        await asyncio.sleep(0)
        try:
            await asyncio.to_thread(probe.insert)
            failed = False
        except (Error, EOFError, OSError):
            failed = True
        assert await trap
        return seen[0], rows_then[0], await asyncio.to_thread(probe.count), failed


@pytest.mark.stack
def test_an_answer_is_lost_after_the_rows_were_stored(stack: Stack) -> None:
    """The instant that matters most: the worker cannot know, and must neither lose nor double."""
    assert asyncio.run(caught(stack, "chaos_lost", "rows_stored", "drop")) == (BLOCK, 3, 3, True)


@pytest.mark.stack
def test_a_request_is_cut_within_its_rows(stack: Stack) -> None:
    """Half a block must be no block."""
    assert asyncio.run(caught(stack, "chaos_cut", "rows_sent", "half")) == (BLOCK, 0, 0, True)


@pytest.mark.stack
def test_what_is_only_held_passes_in_the_end(stack: Stack) -> None:
    """A stall is no failure."""
    assert asyncio.run(caught(stack, "chaos_held", "rows_stored", "pass")) == (BLOCK, 3, 3, False)


def test_a_moment_that_does_not_come_is_not_waited_for_for_ever() -> None:
    """A fault that is aimed must happen all the same, by the clock."""

    async def nothing(_: Stored | None) -> Then:
        raise AssertionError

    assert not asyncio.run(StoreProxy(lambda: 1).at("rows_stored", None, nothing, 0.01))


def test_kafka_is_told_to_be_where_the_proxy_is() -> None:
    """Clients connect to the address that the broker names, which would lead around the proxy."""
    assert asyncio.run(_told_address()) == "127.0.0.1:port of the proxy"


async def _told_address() -> str:
    real = 0

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"metadata \x00\x09127.0.0.1" + real.to_bytes(4, "big") + b" and more")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(broker, "127.0.0.1", 0)
    real = server.sockets[0].getsockname()[1]
    proxy = BrokerProxy(lambda: real)
    port = await proxy.serve("worker-1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"?")
    told = await reader.readuntil(b"more")
    writer.close()
    await writer.wait_closed()
    await proxy.close()
    server.close()
    await server.wait_closed()
    expected = b"metadata \x00\x09127.0.0.1" + port.to_bytes(4, "big") + b" and more"
    return "127.0.0.1:port of the proxy" if told == expected else repr(told)
