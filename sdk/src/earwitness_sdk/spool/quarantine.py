"""What cannot be sent is kept aside for people: damaged bytes, and records that Kafka refuses for ever."""

import contextlib
import logging
import os
from pathlib import Path
from typing import Final

from .journal import write_all
from .parts import sync_folder

FOLDER: Final = "quarantine"

_LOG: Final = logging.getLogger("earwitness_sdk")


class Quarantine:
    """A folder beside the parts, which nothing empties."""

    def __init__(self, spool: Path) -> None:
        self.folder = spool / FOLDER

    def keep(self, segment: Path, start: int, content: bytes, why: str) -> bool:
        """Keep the bytes that stood in a segment from that offset on; say whether they are safe here."""
        path = self.folder / f"{segment.stem}-{start}.bad"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                write_all(file, content, 0)
                os.fsync(file)
            finally:
                os.close(file)
            sync_folder(self.folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            _LOG.error("%s: %s; they could not be copied to %s: %s", segment, why, path, error)
            return False
        _LOG.error("%s: %s; they are kept in %s", segment, why, path)
        return True

    def keep_whole(self, segment: Path) -> None:
        """Move a segment here whose damaged bytes could not be copied: that takes no room on the disk."""
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            segment.rename(self.folder / segment.name)
        except OSError as error:
            _LOG.error("%s holds damaged bytes and stays where it is: %s", segment, error)
