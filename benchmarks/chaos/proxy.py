"""The way from each worker to the servers, which can be watched, held up, and cut at an exact instant.

Each worker has a port of its own here, so that what passes is known to be its. Of ClickHouse's native
protocol only this is read: which statement a client began, that it sent rows, and that the answer ends.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, Literal, NamedTuple

from benchmarks.chaos.plan import Moment
from earwitness.devstack.ports import HOST

CHUNK_BYTES: Final = 65_536
END_OF_STREAM: Final = 5
"""The packet, one byte, with which ClickHouse ends an answer; nothing follows it."""

EXCEPTION: Final = 2
"""The packet with which it refuses."""

_TOKEN: Final = re.compile(rb"access\.events\.v1:(\d+):(\d+)-(\d+):(\d+)")
_STATEMENTS: Final = (
    (b"INSERT INTO access_log", "rows"),
    (b"INSERT INTO range_ledger", "ledger"),
    (b"INSERT INTO dead_letters", "letters"),
    (b"INSERT INTO ", "other rows"),
    (b"SELECT ", "asking"),
)

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_BEGUN: Final[Mapping[str, Moment]] = {"asking": "asking", "ledger": "ledger_sent"}
_ENDED: Final[Mapping[str, Moment]] = {"rows": "rows_stored", "ledger": "ledger_stored"}

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Treat = Callable[[bytes], Awaitable[bytes | None]]
"""What is done with bytes on their way: what it gives passes; where that is less, the connection ends."""

Then = Literal["pass", "drop", "half"]
"""What becomes of the bytes at a trap: they pass, are dropped with the connection, or half of them are."""


class Stored(NamedTuple):
    """A block of rows as its name tells: which records of which partition, sent by which worker."""

    worker: str
    partition: int
    first: int
    last: int


class Trap(NamedTuple):
    """Something that happens once, at a moment, while the bytes that mark it are held."""

    moment: Moment
    worker: str | None
    spring: Callable[[Stored | None], Awaitable[Then]]
    sprung: "asyncio.Future[None]"


class Conversation:
    """One connection of a worker to ClickHouse."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self.statement = ""
        self.block: Stored | None = None
        self._answering = False
        self._sent = False

    @property
    def phase(self) -> str:
        """Say what is under way; nothing where the last answer has ended."""
        return self.statement

    def from_client(self, chunk: bytes) -> Moment | None:
        """Take note of what the worker says; give the moment that this is."""
        for words, statement in _STATEMENTS:
            if words in chunk:
                self.statement, self._answering, self._sent = statement, False, False
                self.block = self._named(chunk) if statement in {"rows", "ledger"} else None
                return _BEGUN.get(statement)
        first = self._answering and not self._sent
        self._sent = self._sent or self._answering
        return "rows_sent" if first and self.statement == "rows" else None

    def from_server(self, chunk: bytes) -> Moment | None:
        """Take note of what ClickHouse says; give the moment that this is."""
        self._answering = True
        if chunk[0] == EXCEPTION:
            self.statement = ""
            return None
        if chunk[-1] != END_OF_STREAM or (self.statement == "rows" and not self._sent):
            return None
        ended, self.statement = self.statement, ""
        return _ENDED.get(ended)

    def _named(self, chunk: bytes) -> Stored | None:
        found = _TOKEN.search(chunk)
        if found is None:
            return None
        partition, first, last = (int(found[number]) for number in (1, 2, 3))
        return Stored(self.worker, partition, first, last)


class Gate:
    """One worker's port to one server. `open` is whether anything passes at all."""

    def __init__(self, upstream: Callable[[], int]) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.upstream = upstream
        self.writers: set[asyncio.StreamWriter] = set()
        self.relays: set[asyncio.Future[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, accept: Accept) -> int:
        """Take connections from now on; give the number of the port."""
        self._server = await asyncio.start_server(accept, HOST, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Take no more connections, and break those there are."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            await asyncio.gather(*self.relays)
            await asyncio.sleep(0)  # lets what was aborted close

    def cut(self) -> None:
        """Break every connection that passes here."""
        for writer in tuple(self.writers):
            writer.transport.abort()


class StoreProxy:
    """Stands between the workers and ClickHouse."""

    def __init__(self, upstream: Callable[[], int]) -> None:
        self._upstream = upstream
        self._gates: dict[str, Gate] = {}
        self._conversations: set[Conversation] = set()
        self._traps: list[Trap] = []
        self.last_writer: dict[int, str] = {}
        """Who stored the newest block of each partition."""
        self.stored_at: dict[str, float] = {}
        """When each worker last stored a block, in seconds since 1970."""

    async def serve(self, worker: str) -> int:
        """Open a port for one worker; give its number."""
        gate = self._gates[worker] = Gate(self._upstream)

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            conversation = Conversation(worker)
            self._conversations.add(conversation)
            try:
                await self._connect(gate, conversation, reader, writer)
            finally:
                self._conversations.discard(conversation)

        return await gate.listen(accept)

    def phase(self, worker: str) -> str:
        """Say what a worker is about with ClickHouse; empty where nothing is."""
        phases = {each.phase for each in self._conversations if each.worker == worker}
        return next((name for _, name in _STATEMENTS if name in phases), "")

    async def at(
        self,
        moment: Moment,
        worker: str | None,
        spring: Callable[[Stored | None], Awaitable[Then]],
        within_s: float,
    ) -> bool:
        """Do something at the next such moment of that worker, or of any; False where none came in time."""
        trap = Trap(moment, worker, spring, asyncio.get_running_loop().create_future())
        self._traps.append(trap)
        try:
            await asyncio.wait_for(asyncio.shield(trap.sprung), within_s)
        except TimeoutError:
            if trap not in self._traps:
                await trap.sprung
                return True
            self._traps.remove(trap)
            return False
        return True

    async def close(self) -> None:
        """Close every port, and break what passes there."""
        for gate in self._gates.values():
            await gate.close()

    async def part(self, worker: str, lasts_s: float) -> None:
        """Break every connection of a worker, and let nothing pass for a while."""
        await part(self._gates[worker], lasts_s)

    async def _connect(
        self,
        gate: Gate,
        conversation: Conversation,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        async def from_client(chunk: bytes) -> bytes | None:
            return await self._pass(conversation, conversation.from_client(chunk), chunk)

        async def from_server(chunk: bytes) -> bytes | None:
            return await self._pass(conversation, conversation.from_server(chunk), chunk)

        await relay(gate, (reader, writer), from_client, from_server)

    async def _pass(self, conversation: Conversation, moment: Moment | None, chunk: bytes) -> bytes | None:
        block = conversation.block
        if moment == "rows_stored" and block is not None:
            self.last_writer[block.partition] = block.worker
            self.stored_at[block.worker] = time.time()
        trap = self._caught(moment, conversation.worker)
        if trap is None:
            return chunk
        try:
            then = await trap.spring(block)
        finally:
            trap.sprung.set_result(None)
        return {"pass": chunk, "half": chunk[: len(chunk) // 2], "drop": None}[then]

    def _caught(self, moment: Moment | None, worker: str) -> Trap | None:
        for trap in self._traps:
            if trap.moment == moment and trap.worker in {None, worker}:
                self._traps.remove(trap)
                return trap
        return None


class BrokerProxy:
    """Stands between the workers and Kafka, and puts itself where Kafka tells its address."""

    def __init__(self, upstream: Callable[[], int]) -> None:
        self._upstream = upstream
        self._gates: dict[str, Gate] = {}

    async def serve(self, worker: str) -> int:
        """Open a port for one worker; give its number."""
        gate = self._gates[worker] = Gate(self._upstream)
        mine: list[bytes] = []

        async def same(chunk: bytes) -> bytes:
            return chunk

        async def renamed(chunk: bytes) -> bytes:
            # Same length, so that the frames of the protocol stay whole.
            return chunk.replace(_address(self._upstream()), mine[0])

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await relay(gate, (reader, writer), same, renamed)

        port = await gate.listen(accept)
        mine.append(_address(port))
        return port

    async def close(self) -> None:
        """Close every port, and break what passes there."""
        for gate in self._gates.values():
            await gate.close()

    async def part(self, worker: str, lasts_s: float) -> None:
        """Hold everything between a worker and Kafka for a while; then break the connections."""
        gate = self._gates[worker]
        gate.open.clear()
        try:
            await asyncio.sleep(lasts_s)
        finally:
            gate.cut()
            gate.open.set()


async def part(gate: Gate, lasts_s: float) -> None:
    """Break what passes a gate, and let nothing pass for a while."""
    gate.open.clear()
    gate.cut()
    try:
        await asyncio.sleep(lasts_s)
    finally:
        gate.open.set()


async def relay(gate: Gate, client: Ends, from_client: Treat, from_server: Treat) -> None:
    """Pass bytes both ways until either side ends, or one of the two functions gives less than it got."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    gate.relays.add(over)
    gate.writers.add(client[1])
    try:
        await gate.open.wait()
        await _relay(gate, client, from_client, from_server)
    finally:
        gate.writers.discard(client[1])
        client[1].transport.abort()
        gate.relays.discard(over)
        over.set_result(None)


async def _relay(gate: Gate, client: Ends, from_client: Treat, from_server: Treat) -> None:
    try:
        server = await asyncio.open_connection(HOST, gate.upstream())
    except OSError:
        return
    gate.writers.add(server[1])
    ways = (
        asyncio.ensure_future(_pump(gate, client[0], server[1], from_client)),
        asyncio.ensure_future(_pump(gate, server[0], client[1], from_server)),
    )
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        gate.writers.discard(server[1])
        server[1].transport.abort()


async def _pump(gate: Gate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, treat: Treat) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            await gate.open.wait()
            passed = await treat(chunk)
            if passed is not None:
                writer.write(passed)
                await writer.drain()
            if passed is None or len(passed) < len(chunk):
                return


def _address(port: int) -> bytes:
    """Write an address as Kafka's protocol does, from the text of the host on."""
    return HOST.encode() + port.to_bytes(4, "big")
