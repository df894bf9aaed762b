"""Where the spool is, and how much it may hold."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness_sdk.errors import BadSettings

FOLDER_VARIABLE: Final = "EARWITNESS_SDK__SPOOL"
DISK_VARIABLE: Final = "EARWITNESS_SDK__SPOOL_MOST_BYTES"
MEMORY_VARIABLE: Final = "EARWITNESS_SDK__MEMORY_MOST_BYTES"

MOST_DISK_BYTES: Final = 1024**3
"""About 1.6 million accesses: an hour of outage at 450 a second."""

MOST_MEMORY_BYTES: Final = 16 * 1024**2
LEAST_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Spool:
    """A folder in which records wait for Kafka, and how many bytes may wait there and in memory.

    Several processes may share a folder, of one user and one Kafka; the bytes on disk are theirs together.
    Raises `BadSettings`.
    """

    folder: Path
    most_disk_bytes: int = MOST_DISK_BYTES
    most_memory_bytes: int = MOST_MEMORY_BYTES

    def __post_init__(self) -> None:
        faults = [
            f"spool.{name}: {value} is too little; at least {LEAST_BYTES} are needed"
            for name, value in (
                ("most_disk_bytes", self.most_disk_bytes),
                ("most_memory_bytes", self.most_memory_bytes),
            )
            if value < LEAST_BYTES
        ]
        if faults:
            raise BadSettings(faults)

    @classmethod
    def from_environment(cls, source: str, environ: Mapping[str, str] | None = None) -> "Spool":
        """Read `EARWITNESS_SDK__SPOOL`, `…__SPOOL_MOST_BYTES` and `…__MEMORY_MOST_BYTES`.

        Without the first it is a folder of this source in the user's own state folder, which
        `XDG_STATE_HOME` names. Raises `BadSettings`.
        """
        environ = os.environ if environ is None else environ
        folder = environ.get(FOLDER_VARIABLE)
        return cls(
            folder=Path(folder) if folder else default_folder(source, environ),
            most_disk_bytes=_bytes(environ, DISK_VARIABLE, MOST_DISK_BYTES),
            most_memory_bytes=_bytes(environ, MEMORY_VARIABLE, MOST_MEMORY_BYTES),
        )


def default_folder(source: str, environ: Mapping[str, str]) -> Path:
    """Give each source a folder of its own: another service may lead to another Kafka."""
    state = environ.get("XDG_STATE_HOME") or "~/.local/state"
    try:
        above = Path(state).expanduser()
    except RuntimeError as error:
        raise BadSettings([f"{FOLDER_VARIABLE} is not set, and this user has no home: {error}"]) from error
    readable = re.sub(r"[^A-Za-z0-9]+", "-", source).strip("-")[:80]
    return above / "earwitness" / "spool" / f"{readable}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def _bytes(environ: Mapping[str, str], variable: str, default: int) -> int:
    try:
        return int(environ.get(variable, default))
    except ValueError as error:
        raise BadSettings([f"{variable}: {environ[variable]!r} is no number of bytes"]) from error
