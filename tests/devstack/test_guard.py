import os
import subprocess
import sys
from pathlib import Path

from earwitness import guard
from earwitness.settings import ROOT


def test_our_packages_are_found_where_they_should_be() -> None:
    """The guard must not fire on a sound installation."""
    assert guard.strangers() == []
    assert guard.ROOT == ROOT


def test_a_stranger_s_models_keeps_every_command_from_starting(tmp_path: Path) -> None:
    """`models` is a common name: another's code must not judge, nor fail with a riddle."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").touch()
    answer = subprocess.run(
        [sys.executable, "-m", "earwitness.cli.main", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 2
    assert f"`models` is found {tmp_path / 'models'}" in answer.stderr
    assert "Traceback" not in answer.stderr
