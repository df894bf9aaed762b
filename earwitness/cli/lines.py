"""Files of JSON lines that are published: read with a limit, refused with a place, awaited in order."""

import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple

import click
from earwitness_sdk import InvalidEvent, NotRecorded

from earwitness.cli.output import visible

LARGEST_LINE_BYTES: Final = 1_000_000
MOST_UNDER_WAY: Final = 10_000
ANSWERED_WITHIN_S: Final = 30.0
"""How long an acknowledgement is waited for; the SDK gives up earlier, and says why."""

MOST_FAULTS: Final = 10_000
"""Faults that are named; the lines of all others are counted."""

MOST_FAULTS_OF_A_LINE: Final = 20
LONGEST_SHOWN: Final = 300
"""Characters of a field's name or a message; whoever made the line chose the names in it."""

STDIN: Final = "-"

JSON_LINES: Final = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
"""The type of a FILE argument: what is missing or unreadable is refused before anything is published."""


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
    """What became of the lines that were read."""

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

    Of a line that is too long only the beginning is given, longer than `LARGEST_LINE_BYTES`.
    """
    for name in files:
        if name == STDIN:
            yield from _lines_of("standard input", sys.stdin.buffer)
            continue
        with Path(name).open("rb") as file:
            yield from _lines_of(name, file)


def publish_lines(lines: Iterable[Line], submit: Submit) -> Published:
    """Publish line by line and wait for every acknowledgement; a bad line costs the others nothing.

    Stops reading where a line is not acknowledged: what follows would fail as well.
    """
    faults: list[Fault] = []
    under_way: deque[tuple[Line, Future[None]]] = deque()
    read = acknowledged = 0
    try:
        for line in lines:
            read += 1
            future = _submitted(line, submit, faults)
            if future is not None:
                under_way.append((line._replace(text=b""), future))
            if len(under_way) >= MOST_UNDER_WAY:
                acknowledged += _await(*under_way.popleft())
        while under_way:
            acknowledged += _await(*under_way.popleft())
    except _Unacknowledged as stopped:
        faults.append(stopped.fault)
        acknowledged += _acknowledged_after_all(future for _, future in under_way)
    return Published(read, acknowledged, faults)


def report(published: Published, output: Literal["text", "json"]) -> None:
    """Name every fault on stderr, say on stdout how many were acknowledged; exit 1 unless all were."""
    for fault in published.faults:
        what = f"{fault.field}: {fault.message}" if fault.field else fault.message
        click.echo(f"{fault.file}:{fault.line}: {what}", err=True)
    if len(published.faults) >= MOST_FAULTS:
        click.echo(f"… only the first {MOST_FAULTS} faults are named", err=True)
    missing = published.read - published.acknowledged
    if output == "json":
        told = {
            "read": published.read,
            "acknowledged": published.acknowledged,
            "refused": missing,
            "errors": [fault._asdict() for fault in published.faults],
        }
        click.echo(json.dumps(told))
    else:
        click.echo(
            f"{published.acknowledged} of {published.read} acknowledged"
            + (f", {missing} not published" if missing else "")
        )
    if not published.complete:
        sys.exit(1)


class _Unacknowledged(Exception):
    """The broker did not take a line: stop here."""

    def __init__(self, line: Line, reason: str) -> None:
        advice = "stopped here; what was acknowledged is safe, and publishing all of it again adds no row"
        self.fault = Fault(line.file, line.number, "", f"{reason}; {advice}")


def _submitted(line: Line, submit: Submit, faults: list[Fault]) -> "Future[None] | None":
    if len(line.text) > LARGEST_LINE_BYTES:
        _note(faults, line, [("line", f"is longer than {LARGEST_LINE_BYTES} bytes")])
        return None
    try:
        return submit(line.text)[1]
    except InvalidEvent as error:
        _note(faults, line, error.faults)
        return None
    except NotRecorded as error:
        raise _Unacknowledged(line, str(error)) from error


def _note(faults: list[Fault], line: Line, found: Iterable[tuple[str, str]]) -> None:
    room = min(MOST_FAULTS_OF_A_LINE, MOST_FAULTS - len(faults))
    for field, message in list(found)[: max(0, room)]:
        faults.append(Fault(line.file, line.number, shown(field), shown(message)))


def shown(text: str) -> str:
    """Give text as a terminal may show it: not endless, and unable to move the cursor."""
    cut = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return visible(cut).plain


def _await(line: Line, future: "Future[None]") -> int:
    try:
        future.result(ANSWERED_WITHIN_S)
    except (NotRecorded, TimeoutError) as error:
        reason = str(error) or f"was not acknowledged within {ANSWERED_WITHIN_S:.0f} s"
        raise _Unacknowledged(line, reason) from error
    return 1


def _acknowledged_after_all(futures: Iterable["Future[None]"]) -> int:
    done = wait(futures, ANSWERED_WITHIN_S).done
    return sum(future.exception() is None for future in done)


def _lines_of(name: str, file: BinaryIO) -> Iterator[Line]:
    number = 0
    # One octet for the line break, one to tell a line that is too long.
    while text := file.readline(LARGEST_LINE_BYTES + 2):
        number += 1
        whole = text.endswith(b"\n")
        text = text.removesuffix(b"\n")
        if text.strip() or len(text) > LARGEST_LINE_BYTES:
            yield Line(name, number, text)
        while not whole and (rest := file.readline(LARGEST_LINE_BYTES)):
            whole = rest.endswith(b"\n")
