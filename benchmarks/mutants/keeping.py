"""What came of mutants, kept in a file as a run goes on: it takes long, and can then be continued."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.mutants.making import Mutant
from benchmarks.mutants.reporting import Result


def read(file: Path, mutants: Iterable[Mutant]) -> Iterator[Result]:
    """Give what the file says came of those of `mutants` that it holds; nothing where there is no file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = {line["mutant"]: line for line in map(json.loads, lines)}
    for mutant in mutants:
        if line := kept.get(_digest(mutant)):
            yield Result(mutant, line["outcome"], line["took_s"])


def append(file: Path, result: Result) -> None:
    """Add a result; it counts before an earlier one of the same mutant."""
    line = {
        "mutant": _digest(result.mutant),
        "outcome": result.outcome,
        "took_s": round(result.took_s, 3),
    }
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")


def _digest(mutant: Mutant) -> str:
    return hashlib.sha256(f"{mutant.module}\n{mutant.source}".encode()).hexdigest()
