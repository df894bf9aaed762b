"""Where the embedded stack keeps its things: everything lies in one data folder."""

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from models.errors import ConfigurationError

FOLDER_MODE: Final = 0o700
SECRET_MODE: Final = 0o600
MARKER: Final = "earwitness-stack"
"""An empty file that says: this folder is a stack of earwitness and may be written to."""


class Layout(NamedTuple):
    """The files and folders of one stack. `root` is absolute."""

    root: Path

    @property
    def lock(self) -> Path:
        """The file whose lock the one supervisor of this folder holds."""
        return self.root / "supervisor.lock"

    @property
    def state(self) -> Path:
        """What the supervisor last said of itself and its processes."""
        return self.root / "state.json"

    @property
    def ports(self) -> Path:
        """The ports that this stack had last, to have them again."""
        return self.root / "ports.json"

    @property
    def secrets(self) -> Path:
        """One file per password."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """One log per process, the supervisor's included."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Files that say that a worker is ready; emptied at every start."""
        return self.root / "run"

    @property
    def kafka(self) -> Path:
        """Kafka's configuration and data."""
        return self.root / "kafka"

    @property
    def clickhouse(self) -> Path:
        """ClickHouse's configuration and data."""
        return self.root / "clickhouse"

    @property
    def backups(self) -> Path:
        """Copies of the trail, each in a folder of its own."""
        return self.root / "backups"

    def log(self, process: str) -> Path:
        """Name the log of one process."""
        return self.logs / f"{process}.log"


def layout_of(data_dir: Path) -> Layout:
    """Give the layout of a data folder, which need not exist yet."""
    return Layout(data_dir.expanduser().absolute())


def prepare(layout: Layout) -> None:
    """Make the folders, for their owner alone.

    Raises `ConfigurationError` where the folder belongs to something else, cannot be written, or has
    a name that Kafka cannot take.
    """
    root = layout.root
    if "," in str(root) or "\n" in str(root):
        raise ConfigurationError([f"data folder {root}: Kafka takes no comma or line break in its path"])
    try:
        root.mkdir(parents=True, exist_ok=True)
        _claim(root)
        for folder in (
            layout.secrets,
            layout.logs,
            layout.run,
            layout.kafka,
            layout.clickhouse,
            layout.backups,
        ):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            [f"data folder {root}: {error.strerror}; make it writable or name another with --data-dir"]
        ) from error


def _claim(root: Path) -> None:
    marker = root / MARKER
    if not marker.exists():
        if any(root.iterdir()):
            raise ConfigurationError(
                [f"data folder {root}: holds other files and no stack; name an empty or a new folder"]
            )
        marker.touch()
    if stat.S_IMODE(root.stat().st_mode) != FOLDER_MODE:
        root.chmod(FOLDER_MODE)


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, SECRET_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
