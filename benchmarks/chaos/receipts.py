"""Which ids were acknowledged to a producer: 16 bytes each, in files that outlive it."""

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple
from uuid import UUID

Kind = Literal["sdk", "bulk", "direct", "copies", "conflicts", "malformed"]
"""`sdk`, `bulk` and `direct` are accesses, by the way they were sent; `copies` were sent again, `conflicts`
under an id that was taken; `malformed` records are no accesses."""

ACCESSES: Final[tuple[Kind, ...]] = ("sdk", "bulk", "direct")
ENCODED: Final[tuple[Kind, ...]] = ("bulk", "direct")
ID_BYTES: Final = 16


class Past(NamedTuple):
    """An access that was acknowledged before."""

    identity: UUID
    round_number: int


class Receipts:
    """Takes note of acknowledgements. What is written outlives the process, also one that is killed.

    `ready_file` is made once something was acknowledged.
    """

    def __init__(self, folder: Path, name: str, ready_file: Path | None = None) -> None:
        self._folder = folder
        self._name = f"{name}-{os.getpid()}-{os.times().elapsed:.0f}"
        self._ready_file = ready_file
        self._handles: dict[Kind, int] = {}

    def note(self, kind: Kind, identity: UUID) -> None:
        """Write down that this id was acknowledged, at once."""
        if kind not in self._handles:
            path = self._folder / f"{kind}.{self._name}.ids"
            self._handles[kind] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._handles[kind], identity.bytes)
        if self._ready_file is not None:
            self._ready_file.touch()
            self._ready_file = None


def read(folder: Path, *kinds: Kind) -> set[bytes]:
    """Give the ids of those kinds; half an id, which a kill may leave, is none."""
    return {identity for kind in kinds for path in folder.glob(f"{kind}.*.ids") for identity in _ids(path)}


def count(folder: Path, kind: Kind) -> int:
    """Count the acknowledgements of one kind, an id that was acknowledged twice as two."""
    return sum(path.stat().st_size // ID_BYTES for path in folder.glob(f"{kind}.*.ids"))


def pick(rounds: Path, kinds: Sequence[Kind], chance: random.Random) -> Past | None:
    """Draw an access from all of those kinds that were acknowledged in any round; None where none was yet."""
    files = [path for kind in kinds for path in rounds.glob(f"*/{kind}.*.ids")]
    if not files:
        return None
    path = chance.choice(files)
    known = path.stat().st_size // ID_BYTES
    if not known:
        return None
    with path.open("rb") as file:
        file.seek(chance.randrange(known) * ID_BYTES)
        return Past(UUID(bytes=file.read(ID_BYTES)), int(path.parent.name))


def _ids(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    for at in range(0, len(content) - ID_BYTES + 1, ID_BYTES):
        yield content[at : at + ID_BYTES]
