"""The API as strangers' programs meet it: schemathesis makes requests of the OpenAPI document, good and bad.

In the suite it runs briefly, on the stack that all tests share. `python -m tests.api.fuzzing` starts a stack
of its own, and takes longer.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from earwitness.api.openapi import DOCUMENT_PATH
from tests.api.world import publish
from tests.conftest import Stack, started

LEFT_OUT: Final = "positive_data_acceptance,ignored_auth"
"""A text that is no query, no id or no SELECT is refused, and no schema says which texts are. And ten wrong
tokens would lock our address out; tests/api/test_gate.py and test_permissions.py are about those."""

CHANGES_THE_WATCH: Final = ("beat_register", "retire_register")
"""A register that beats once and never again makes other tests' accesses doubtful."""


def fuzz(stack: Stack, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run schemathesis against the API of a stack; its exit code is 0 where nothing was found."""
    api = stack.settings("api").api
    command = (
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}{DOCUMENT_PATH}"),
        *("--header", f"Authorization: Bearer {api.token.get_secret_value()}"),
        *("--exclude-checks", LEFT_OUT, "--continue-on-failure", "--no-color", "--workers", "2"),
        *options,
    )
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def main() -> int:
    """Run it at length."""
    parser = argparse.ArgumentParser(prog="python -m tests.api.fuzzing", description=__doc__)
    parser.add_argument("--examples", default="200", help="requests made up of each operation, at most")
    examples = parser.parse_args().examples
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "data", workers=1) as stack:
        publish(stack, "fuzz")
        ran = fuzz(stack, Path(folder), "--max-examples", examples)
    print(ran.stdout + ran.stderr)  # noqa: T201 - this is a command
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
