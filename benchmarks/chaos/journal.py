"""What a campaign has done so far, on disk: it goes on from there, whatever became of it."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from benchmarks.chaos.faults import Met

VERDICT_FILE: Final = "verdict.json"
BEGUN_FILE: Final = "begun.json"
FAULTS_FILE: Final = "faults.jsonl"
NOTE_FILE: Final = "note.txt"
RECORDS: Final = (BEGUN_FILE, FAULTS_FILE, VERDICT_FILE, NOTE_FILE)
PRODUCT: Final = ("models", "streams", "sinks", "earwitness", "policies", "sdk/src")


class Begun(BaseModel):
    """A round as it was begun; `since` is the first offset of each partition that is its own."""

    model_config = ConfigDict(frozen=True)

    number: int
    profile: str
    seed: int
    code: str = ""
    """The digest of the product's code that ran; empty where it was not noted."""
    began_at: float
    since: dict[int, int]


class Recovery(BaseModel):
    """How long the partitions of a worker that was killed, with nothing else wrong, were not served."""

    model_config = ConfigDict(frozen=True)

    worker: str
    partitions: int
    seconds: tuple[float, ...]
    """From the kill to the next range of each partition."""
    load_per_core: float | None = None
    """What the machine was burdened with then, others' work included: runnable processes for each core."""
    has_priority: bool = False
    """Whether the campaign ran before all else on the machine (`chrt -r 1`), so that load hardly counts."""


class Ended(BaseModel):
    """What came of a round."""

    model_config = ConfigDict(frozen=True)

    took_s: float
    right: bool
    acknowledged_through_sdk: int
    acknowledged_in_bulk: int
    acknowledged_by_kafka: int
    """Of both: those that Kafka acknowledged to the producer itself; the others its spool did, on disk."""
    rows: int
    unacknowledged_rows: int
    offsets: int
    duplicates: int
    letters: int
    acknowledged_copies: int
    ranges: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    doubled_meanwhile: int
    """The most rows too many that any look at the plain table saw while the round went on."""
    looks: int
    wrong: tuple[str, ...]
    longest_stall_s: float
    """The longest that nothing at all was stored while producers ran."""
    longest_wait_s: float
    """The longest that an access lay on the topic before it was stored."""
    drained_in_s: float
    recoveries: tuple[Recovery, ...]
    worker_failures: tuple[str, ...]
    """How workers ended that nobody had sent a signal."""
    load_per_core: float | None = None
    """What the machine was burdened with: runnable processes for each core, in the minutes before."""
    interrupted: bool
    """Whether the campaign itself was interrupted in this round."""


def code_digest(root: Path) -> str:
    """Name the state of the product's code: the first digits of a digest of all its files."""
    digest = hashlib.sha256()
    for package in PRODUCT:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in {".py", ".sql", ".toml"}:
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


class Round:
    """One round's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, begun: Begun) -> None:
        """Write down that the round began."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / BEGUN_FILE).write_text(begun.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def note(self, met: Met) -> None:
        """Add a fault that happened."""
        with (self.folder / FAULTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(met._asdict()) + "\n")

    def end(self, ended: Ended) -> None:
        """Write down what came of it."""
        beside = self.folder / f".{VERDICT_FILE}"
        beside.write_text(ended.model_dump_json(indent=1) + "\n", encoding="utf-8")
        beside.replace(self.folder / VERDICT_FILE)

    @property
    def begun(self) -> Begun:
        """How it began."""
        return Begun.model_validate_json((self.folder / BEGUN_FILE).read_bytes())

    @property
    def ended(self) -> Ended | None:
        """What came of it; None where it is not over."""
        try:
            return Ended.model_validate_json((self.folder / VERDICT_FILE).read_bytes())
        except FileNotFoundError:
            return None

    @property
    def remark(self) -> str:
        """What somebody wrote down about it, in `note.txt` of its folder, for the report to tell."""
        path = self.folder / NOTE_FILE
        return path.read_text(encoding="utf-8").strip() if path.exists() else ""

    @property
    def faults(self) -> list[Met]:
        """Everything that went wrong in it so far."""
        try:
            text = (self.folder / FAULTS_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [Met(**line) for line in _whole_lines(text)]


class Journal:
    """All rounds of a data folder, in order, behind those whose records are kept in another.

    Records without receipts are small: kept in the repository, they let a campaign go on on another machine.
    """

    def __init__(self, folder: Path, kept: Path | None = None) -> None:
        self.folder = folder / "rounds"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._kept = kept

    @property
    def rounds(self) -> list[Round]:
        """Every round that was begun."""
        folders = [self.folder] if self._kept is None else [self._kept, self.folder]
        found = {
            path.parent.name: path.parent for folder in folders for path in folder.glob(f"*/{BEGUN_FILE}")
        }
        return [Round(found[name]) for name in sorted(found)]

    def keep(self) -> None:
        """Copy the records of rounds that are over to where they are kept."""
        for round_ in self.rounds:
            if self._kept is None or round_.folder.parent == self._kept or round_.ended is None:
                continue
            kept = self._kept / round_.folder.name
            kept.mkdir(parents=True, exist_ok=True)
            for name in RECORDS:
                if (round_.folder / name).exists():
                    shutil.copyfile(round_.folder / name, kept / name)

    def round(self, number: int) -> Round:
        """Give the round of that number, begun or not."""
        return Round(self.folder / f"{number:05d}")


def _whole_lines(text: str) -> Iterator[dict[str, Any]]:
    """Read JSON lines; the last may be cut off where the campaign was killed."""
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return
