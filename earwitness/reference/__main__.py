"""Write the reference, or with `--check` say what is stale.

Exit 1 where a page is stale, or a schema would refuse what its committed version accepts.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from earwitness.api.app import openapi_document
from earwitness.reference.compatibility import breaks
from earwitness.reference.pages import commands_page, errors_page, metrics_page, query_page, settings_page
from earwitness.reference.runtime_lock import runtime_lock
from earwitness.reference.schemas import Schema, access_event_schema, evidence_record_schema
from earwitness.settings import ROOT

FOLDER: Final = Path("docs/reference")
ACCESS_EVENT: Final = FOLDER / "access-event.schema.json"
EVIDENCE_RECORD: Final = FOLDER / "evidence-record.schema.json"
OPENAPI: Final = FOLDER / "openapi.json"
RUNTIME_LOCK: Final = Path("deploy/requirements.lock")


def make_schemas() -> dict[Path, Schema]:
    """Give each schema with the file that holds it."""
    return {ACCESS_EVENT: access_event_schema(), EVIDENCE_RECORD: evidence_record_schema()}


def make_files() -> dict[Path, str]:
    """Give the text of every generated file, by its path below the root."""
    schemas = {
        path: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for path, schema in make_schemas().items()
    }
    return schemas | {
        FOLDER / "settings.md": settings_page(),
        FOLDER / "cli.md": commands_page(),
        FOLDER / "errors.md": errors_page(),
        FOLDER / "metrics.md": metrics_page(),
        FOLDER / "query.md": query_page(),
        OPENAPI: json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n",
        RUNTIME_LOCK: runtime_lock((ROOT / "requirements.lock").read_text(encoding="utf-8")),
    }


def find_breaks(root: Path) -> list[str]:
    """Name what the schemas of the code refuse and the files below `root` accept."""
    faults: list[str] = []
    for path, schema in make_schemas().items():
        if (root / path).exists():
            committed = json.loads((root / path).read_text(encoding="utf-8"))
            faults += [f"{path}: {fault}" for fault in breaks(committed, schema)]
    return faults


def find_stale(root: Path, files: Mapping[Path, str]) -> list[str]:
    """Name the files that are missing or say something else than the code."""
    return [
        f"{path}: is stale"
        for path, text in files.items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or check them; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m earwitness.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    only_check = parser.parse_args(arguments).check
    files, faults = make_files(), find_breaks(ROOT)
    if only_check:
        faults += find_stale(ROOT, files)
    elif not faults:
        for path, text in files.items():
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - this is a command
    if faults:
        print(  # noqa: T201
            "Run `python -m earwitness.reference`. A change that refuses what was accepted needs a new "
            "version at the end of the schema's name in models/topics.py.",
            file=sys.stderr,
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
