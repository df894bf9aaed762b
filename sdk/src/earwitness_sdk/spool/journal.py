"""This process's records on disk: segments that only grow, and are durable up to where they say so."""

import contextlib
import os
import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from .frames import frame
from .parts import SUFFIX, Part, sync_folder

SEGMENT_BYTES: Final = 4 * 1024 * 1024
"""A segment that has reached this is followed by another; it is deleted when all of it was sent."""

BLOCK_BYTES: Final = 4096
"""What a disk reads at once, and may fail to."""

synced = getattr(os, "fdatasync", os.fsync)  # macOS has only the second


class Extent(NamedTuple):
    """How many bytes of a segment are durable, and how many records they hold, where that is known."""

    end: int
    records: int | None


class Segment:
    """A file of records. Its writer moves `extent`, then sets `sealed`; whoever reads looks the other way."""

    def __init__(self, path: Path, extent: Extent, *, sealed: bool) -> None:
        self.path = path
        self.extent = extent
        self.sealed = sealed

    def read(self, start: int, end: int) -> bytes:
        """Give the bytes between two offsets: fewer where the file was cut, none where it is gone.

        Zeros stand for what the disk cannot read. Raises OSError where nothing can be opened at present.
        """
        try:
            file = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return b""
        try:
            return b"".join(_readable(file, start, end))
        finally:
            os.close(file)


class DiskUse:
    """How many bytes lie in a spool's folder. One thread changes each count, so none is locked."""

    def __init__(self) -> None:
        self.written_bytes = 0
        self.deleted_bytes = 0
        self.others_bytes = 0
        """What other processes' parts took when they were last looked at, and what is kept aside."""

    @property
    def total_bytes(self) -> int:
        """All that counts against the limit."""
        return self.written_bytes - self.deleted_bytes + self.others_bytes


class Journal:
    """Appends records durably, in a part of a spool that it makes when it first needs one.

    `segments` holds those that are not yet sent, the oldest first; whoever sends takes them off.
    """

    def __init__(self, spool: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.segments: deque[Segment] = deque()
        self.part: Part | None = None
        self._spool = spool
        self._segment_bytes = segment_bytes
        self._made = 0
        self._file = -1
        self._segment: Segment | None = None

    def append(self, bodies: Sequence[bytes]) -> None:
        """Make records durable, all or none. Raises OSError, and may then be called again."""
        for _ in range(2):
            segment = self._current()
            try:
                is_there = self._write(segment, bodies)
            except OSError:
                self.seal()
                raise
            if not is_there or segment.extent.end >= self._segment_bytes:
                self.seal()  # at once: a full spool takes nothing more before this is sent and deleted
            if is_there:
                return
        raise FileNotFoundError(f"{self._spool}: what is written there is deleted at once")

    def seal(self) -> None:
        """Write no more into the present segment."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        self.let_go_of_file()
        segment.sealed = True
        if segment.extent.end == 0:
            segment.path.unlink(missing_ok=True)

    def let_go_of_file(self) -> None:
        """Close the file of the present segment, which a forked child has no business with."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _current(self) -> Segment:
        if self._segment is None:
            self._segment = self._opened()
        return self._segment

    def _opened(self) -> Segment:
        self._made += 1
        name = f"{self._made:08d}-{secrets.token_hex(4)}{SUFFIX}"
        try:
            folder = self._own_part().folder
            self._file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            self._leave_part()
            folder = self._own_part().folder
            self._file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            sync_folder(folder)
        except OSError:
            self.let_go_of_file()
            raise
        return Segment(folder / name, Extent(0, 0), sealed=False)

    def _own_part(self) -> Part:
        if self.part is None:
            self.part = Part.create(self._spool)
        return self.part

    def _leave_part(self) -> None:
        if self.part is not None:
            self.part.release()
            self.part = None

    def _write(self, segment: Segment, bodies: Sequence[bytes]) -> bool:
        """Write and sync; say whether the file can still be found under its name."""
        end, records = segment.extent
        number = records or 0
        frames = b"".join(frame(body, segment.path.name, number + more) for more, body in enumerate(bodies))
        try:
            write_all(self._file, frames, end)
            synced(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, end)
            raise
        if os.fstat(self._file).st_nlink == 0:
            return False
        segment.extent = Extent(end + len(frames), number + len(bodies))
        if end == 0:
            self.segments.append(segment)
        return True


def _readable(file: int, start: int, end: int) -> Iterator[bytes]:
    """Read in blocks, so that one bad block costs no other."""
    while start < end:
        size = min(BLOCK_BYTES, end - start)
        try:
            block = os.pread(file, size, start)
        except OSError:
            block = bytes(size)
        if not block:
            return
        yield block
        start += len(block)


def write_all(file: int, content: bytes, offset: int) -> None:
    """Write everything; a disk that is full takes only a part at first. Raises OSError."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written
