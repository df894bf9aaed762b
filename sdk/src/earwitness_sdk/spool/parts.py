"""A spool's folder has a part for each process, which whoever holds its lock owns."""

import contextlib
import os
import re
import secrets
import socket
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

if sys.platform != "win32":
    import fcntl

PREFIX: Final = "part-"
LOCK: Final = "lock"
CURSOR: Final = "cursor"
SUFFIX: Final = ".records"
MOST_TRIES: Final = 20
LONGEST_HOST: Final = 60

_CURSOR = re.compile(r"(?P<said>(?P<name>\S+) (?P<offset>\d+) (?P<number>\d+)) (?P<checksum>[0-9a-f]{8})\n")
_CURSOR_BYTES: Final = 128


class Place(NamedTuple):
    """How far Kafka has acknowledged a segment: the next record's offset and number."""

    segment: str
    offset: int
    number: int


class Part:
    """A folder that this process owns until it ends, or `release`s it.

    A lock of `flock` belongs to the open file: it is gone with the process, whatever kills it.
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock = lock
        self._noted: Place | None = None

    @classmethod
    def create(cls, spool: Path) -> "Part":
        """Make a part of one's own. Raises OSError."""
        for _ in range(MOST_TRIES):
            name = f"{PREFIX}{socket.gethostname()[:LONGEST_HOST]}-{os.getpid()}-{secrets.token_hex(4)}"
            folder = spool / name
            folder.mkdir(mode=0o700)
            try:
                part = cls.claim(folder)
            except OSError:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                raise
            # Another process may have taken it for one that was left.
            if part is not None:
                sync_folder(spool)
                return part
        raise BlockingIOError(f"{spool}: no part could be made in {MOST_TRIES} tries")

    @classmethod
    def claim(cls, folder: Path) -> "Part | None":
        """Own a part whose owner is gone; None where it lives, is another user, or another was quicker.

        Raises OSError.
        """
        if sys.platform == "win32":
            raise OSError("a spool needs the file locks of a POSIX system")
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), (folder / LOCK).stat()):
                return cls(folder, lock)
        except (BlockingIOError, FileNotFoundError):
            pass
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
        return None

    def segments(self) -> list[Path]:
        """List what is there, the oldest first. Raises OSError."""
        return sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)

    def read_cursor(self) -> Place | None:
        """Give what was noted last; None where that is missing or damaged, and everything is sent again."""
        try:
            found = _CURSOR.match((self.folder / CURSOR).read_text(encoding="ascii", errors="replace"))
        except OSError:
            return None
        if found is None or int(found["checksum"], 16) != zlib.crc32(found["said"].encode()):
            return None
        return Place(found["name"], int(found["offset"]), int(found["number"]))

    def write_cursor(self, place: Place) -> None:
        """Note how far it was sent, in place and without a sync: an older note only sends more again.

        Raises OSError.
        """
        if place == self._noted:
            return
        said = f"{place.segment} {place.offset} {place.number}"
        text = f"{said} {zlib.crc32(said.encode()):08x}\n".encode().ljust(_CURSOR_BYTES)
        cursor = os.open(self.folder / CURSOR, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(cursor, text, 0)
        finally:
            os.close(cursor)
        self._noted = place

    def remove(self) -> None:
        """Remove the part, of which no segment is left, and release it."""
        with contextlib.suppress(OSError):  # whoever claims what stays finds nothing to send
            for name in (CURSOR, LOCK):
                (self.folder / name).unlink(missing_ok=True)
            self.folder.rmdir()
        self.release()

    def release(self) -> None:
        """Leave what is there to whoever claims it; in a forked child, to the parent."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def parts_in(spool: Path) -> Iterator[Path]:
    """Name every part, whoever owns it. Raises OSError."""
    return (path for path in spool.iterdir() if path.name.startswith(PREFIX))


def bytes_in(spool: Path, own: Path | None) -> int:
    """Count the bytes of all files in a spool but one's own part. Raises OSError."""
    total = 0
    for folder in spool.iterdir():
        if folder == own or not folder.is_dir():
            continue
        with contextlib.suppress(FileNotFoundError):  # it was sent meanwhile
            total += sum(path.stat().st_size for path in folder.iterdir() if path.name not in (LOCK, CURSOR))
    return total


def sync_folder(folder: Path) -> None:
    """Make names within a folder durable. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
