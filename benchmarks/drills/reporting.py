"""What a drill found, as a page of docs/reports/."""

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from earwitness.settings import ROOT

FOLDER: Final = ROOT / "docs" / "reports"


@dataclass
class Report:
    """A page in the making. `faults` are what must not be; without any the drill has passed."""

    title: str
    about: str
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.lines += ["", f"## {text}"]
        print(f"== {text}", flush=True)

    def say(self, line: str) -> None:
        """Note a figure."""
        self.lines.append(f"- {line}")
        print(f"   {line}", flush=True)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Note figures side by side."""
        self.lines += ["", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        self.lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
        for row in rows:
            print("  ", *row, sep="\t", flush=True)


def written_to(name: str, report: Report) -> int:
    """Write the page; give the exit code."""
    verdict = "Passed: nothing lost, nothing doubled." if not report.faults else "**Failed.**"
    page = [f"# {report.title}", "", report.about, "", f"{verdict} {_circumstances()}", *report.lines]
    if report.faults:
        page += ["", "## Faults", *(f"- {fault}" for fault in report.faults)]
        print(*report.faults, sep="\n", flush=True)
    (FOLDER / f"{name}.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    return 1 if report.faults else 0


def _circumstances() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, Python {platform.python_version()}."
