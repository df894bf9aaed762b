"""A stream of any length to readers of any kind: slow ones, stalled ones, and those who leave."""

import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from earwitness.api.streaming import Stream
from models.errors import SinkUnavailable
from tests.api.serving import serving

PIECE = b"x" * 65_536
SOON_S = 10.0


class Source:
    """Pieces without an end, or a few; knows how many were taken and whether it was closed."""

    def __init__(self, most: int = 1_000_000, failure: Exception | None = None) -> None:
        self.most, self.failure = most, failure
        self.taken = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        try:
            while self.taken < self.most:
                self.taken += 1
                yield PIECE
            if self.failure:
                raise self.failure
        finally:
            self.closed.set()


def app_of(source: Source, stalled_after_s: float = 60.0) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def stream() -> Stream:
        return Stream(iter(source), {"Content-Type": "text/plain"}, stalled_after_s=stalled_after_s)

    return app


def asked(url: str) -> socket.socket:
    """Ask, and read nothing."""
    place = urlsplit(url)
    connection = socket.create_connection((place.hostname or "", place.port or 0))
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return connection


def test_a_whole_stream_says_that_it_is_whole() -> None:
    """By how HTTP ends a transfer, which every client checks."""
    source = Source(most=20)
    with serving(app_of(source)) as url:
        answer = httpx.get(url, trust_env=False)
    assert answer.content == PIECE * 20
    assert answer.headers["transfer-encoding"] == "chunked"
    assert source.closed.is_set()


def test_a_stream_that_fails_is_cut_and_not_ended() -> None:
    """A part of an export must not look like all of it."""
    source = Source(most=20, failure=SinkUnavailable("gone"))
    with serving(app_of(source)) as url, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, trust_env=False)
    assert source.closed.is_set()


def test_a_slow_reader_costs_no_memory() -> None:
    """No more is made than is taken, beside what buffers of the two ends hold."""
    source = Source()
    with serving(app_of(source)) as url:
        connection = asked(url)
        connection.recv(1_000)
        time.sleep(1.0)
        before = source.taken
        time.sleep(0.5)
        assert source.taken == before
        assert before * len(PIECE) < 32 << 20
        connection.close()
        assert source.closed.wait(SOON_S)


def test_a_reader_who_takes_nothing_is_left() -> None:
    """What the answer holds, a turn of a few, is for others then."""
    source = Source()
    with serving(app_of(source, stalled_after_s=0.5)) as url:
        connection = asked(url)
        assert source.closed.wait(SOON_S)
        connection.close()


def test_what_a_reader_who_left_was_sent_is_closed() -> None:
    """The end of an export is recorded, however it ends."""
    source = Source()
    with serving(app_of(source)) as url:
        with httpx.stream("GET", url, trust_env=False) as answer:
            next(answer.iter_bytes())
        assert source.closed.wait(SOON_S)
