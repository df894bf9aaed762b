"""What the README and the examples show is run, on the real Kafka: they cannot rot."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from earwitness.settings import ROOT
from tests.conftest import Stack

README = ROOT / "sdk/README.md"
EXAMPLES = sorted((ROOT / "examples").glob("sdk_*.py"))
SERVICES = [path for path in EXAMPLES if not path.stem.endswith("_test")]
LONGEST_RUN_S = 90


def environment(stack: Stack, role: str, folder: Path) -> dict[str, str]:
    kafka = stack.settings(role).kafka
    return {
        **os.environ,
        "EARWITNESS_SDK__SOURCE": "/services/documented",
        "EARWITNESS_SDK__SPOOL": str(folder / "spool"),
        "EARWITNESS_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "EARWITNESS_KAFKA__USERNAME": kafka.username,
        "EARWITNESS_KAFKA__PASSWORD": kafka.password.get_secret_value(),
    }


def run(*arguments: str, env: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def snippets() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.stack
def test_what_the_readme_shows_works_from_top_to_bottom(stack: Stack, tmp_path: Path) -> None:
    """Whoever types it in gets what it says."""
    program = tmp_path / "readme.py"
    parts = snippets()
    assert len(parts) >= 8
    program.write_text("\n".join([*parts, "assert recorder.close().complete"]), encoding="utf-8")
    run(str(program), env=environment(stack, "producer", tmp_path), folder=tmp_path)


def test_the_readme_begins_with_the_one_line() -> None:
    """It is what a service engineer came for."""
    assert "recorder.record(" in snippets()[0]


@pytest.mark.stack
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_every_example_runs(stack: Stack, path: Path, tmp_path: Path) -> None:
    """One small service for each style."""
    role = "register" if "register" in path.stem else "producer"
    assert run(str(path), env=environment(stack, role, tmp_path), folder=tmp_path)


def test_the_example_of_a_test_passes(tmp_path: Path) -> None:
    """It shows how a service tests that it records."""
    (path,) = set(EXAMPLES) - set(SERVICES)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    assert "2 passed" in run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path), env=env, folder=tmp_path
    )
