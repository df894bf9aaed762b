"""A server that accepts connections and then behaves badly, below any protocol."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

Behaviour = Literal["hangs", "closes", "drips", "floods"]
BEHAVIOURS: Final[tuple[Behaviour, ...]] = ("hangs", "closes", "drips", "floods")
LINES: Final = {
    "http": (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"m" * 1_000 + b"\r\n"),
    "smtp": (b"220-", b"m" * 1_000 + b"\r\n220-"),
}
"""How an answer begins, and how it goes on without an end."""


@contextmanager
def misbehaving(behaviour: Behaviour, protocol: str) -> Iterator[int]:
    """Serve so on a port of loopback until the end."""
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        accepting = threading.Thread(target=_accept, args=(server, behaviour, protocol, ending))
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            ending.set()
            accepting.join()


def _accept(server: socket.socket, behaviour: Behaviour, protocol: str, ending: threading.Event) -> None:
    while not ending.is_set():
        with suppress(TimeoutError):
            connection, _ = server.accept()
            threading.Thread(
                target=_answer, args=(connection, behaviour, protocol, ending), daemon=True
            ).start()


def _answer(connection: socket.socket, behaviour: Behaviour, protocol: str, ending: threading.Event) -> None:
    begin, more = LINES[protocol]
    with connection, suppress(OSError):
        connection.settimeout(5)
        if behaviour == "closes":
            connection.sendall(begin[: len(begin) // 2])
            return
        if behaviour == "floods":
            connection.sendall(begin)
        while not ending.is_set():
            if behaviour == "floods":
                connection.sendall(more)
                continue
            if behaviour == "drips":
                connection.sendall(begin[:1])
                begin = begin[1:] or more
            ending.wait(0.2)
