"""Files of JSON lines that are published: read with a limit, refused with a place, awaited in order."""

import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple

import click
from earwitness_sdk import InvalidEvent, NotRecorded

LARGEST_LINE_BYTES: Final = 1_000_000
MOST_UNDER_WAY: Final = 10_000
ANSWERED_WITHIN_S: Final = 30.0
MOST_SHOWN: Final = 50
"""Faults named one by one; the rest are counted."""

STDIN: Final = "-"


class Line(NamedTuple):
    """One line that is not blank, and where it stands."""

    file: str
    number: int
    text: bytes


class Fault(NamedTuple):
    """Why a line was not published: which field, and what was expected."""

    file: str
    line: int
    field: str
    message: str


class Published(NamedTuple):
    """What became of all lines."""

    read: int
    acknowledged: int
    faults: list[Fault]

    @property
    def complete(self) -> bool:
        """Whether every line was acknowledged."""
        return self.read == self.acknowledged


Submit = Callable[[bytes], tuple[Any, "Future[None]"]]


def read_lines(files: Iterable[str]) -> Iterator[Line]:
    """Yield the lines of files, `-` for standard input; blank ones are skipped.

    Raises `click.ClickException` where a file cannot be read.
    """
    for name in files:
        if name == STDIN:
            yield from _lines_of("standard input", sys.stdin.buffer)
            continue
        try:
            with Path(name).open("rb") as file:
                yield from _lines_of(name, file)
        except OSError as error:
            raise click.ClickException(f"{name} cannot be read: {error.strerror}") from error


def publish_lines(lines: Iterable[Line], submit: Submit) -> Published:
    """Publish line by line and wait for every acknowledgement; a bad line costs the others nothing.

    Stops reading where the broker no longer acknowledges: what follows would fail as well.
    """
    faults: list[Fault] = []
    under_way: deque[tuple[Line, Future[None]]] = deque()
    read = acknowledged = 0
    try:
        for line in lines:
            read += 1
            future = _submitted(line, submit, faults)
            if future is not None:
                under_way.append((line, future))
            if len(under_way) >= MOST_UNDER_WAY:
                acknowledged += _await(*under_way.popleft())
        while under_way:
            acknowledged += _await(*under_way.popleft())
    except _Unacknowledged as stopped:
        faults.append(stopped.fault)
        acknowledged += sum(future.done() and future.exception() is None for _, future in under_way)
    return Published(read, acknowledged, faults)


def report(published: Published, output: Literal["text", "json"]) -> None:
    """Name every fault on stderr, say on stdout how many were acknowledged; exit 1 unless all were."""
    for fault in published.faults[:MOST_SHOWN]:
        what = f"{fault.field}: {fault.message}" if fault.field else fault.message
        click.echo(f"{fault.file}:{fault.line}: {what}", err=True)
    if len(published.faults) > MOST_SHOWN:
        click.echo(f"… and {len(published.faults) - MOST_SHOWN} more faults", err=True)
    if output == "json":
        click.echo(
            json.dumps(
                {
                    "read": published.read,
                    "acknowledged": published.acknowledged,
                    "refused": published.read - published.acknowledged,
                    "errors": [fault._asdict() for fault in published.faults],
                }
            )
        )
    else:
        missing = published.read - published.acknowledged
        click.echo(
            f"{published.acknowledged} of {published.read} acknowledged"
            + (f", {missing} not published" if missing else "")
        )
    if not published.complete:
        sys.exit(1)


class _Unacknowledged(Exception):
    """The broker did not take a line: stop here."""

    def __init__(self, line: Line, reason: str) -> None:
        self.fault = Fault(line.file, line.number, "", reason)


def _submitted(line: Line, submit: Submit, faults: list[Fault]) -> "Future[None] | None":
    if len(line.text) > LARGEST_LINE_BYTES:
        faults.append(Fault(line.file, line.number, "line", f"is longer than {LARGEST_LINE_BYTES} bytes"))
        return None
    try:
        return submit(line.text)[1]
    except InvalidEvent as error:
        faults.extend(Fault(line.file, line.number, *fault) for fault in error.faults)
        return None
    except NotRecorded as error:
        raise _Unacknowledged(line, str(error)) from error


def _await(line: Line, future: "Future[None]") -> int:
    try:
        future.result(ANSWERED_WITHIN_S)
    except (NotRecorded, TimeoutError) as error:
        raise _Unacknowledged(line, str(error) or "was not acknowledged in time") from error
    return 1


def _lines_of(name: str, file: BinaryIO) -> Iterator[Line]:
    number = 0
    while text := file.readline(LARGEST_LINE_BYTES + 1):
        number += 1
        if len(text) > LARGEST_LINE_BYTES:
            while text and not text.endswith(b"\n"):
                text = file.readline(LARGEST_LINE_BYTES + 1)
            yield Line(name, number, b" " * (LARGEST_LINE_BYTES + 1))
        elif text.strip():
            yield Line(name, number, text)
