import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from earwitness.cli.main import COMMANDS, earwitness
from earwitness.reference.__main__ import (
    ACCESS_EVENT,
    EVIDENCE_RECORD,
    FOLDER,
    find_breaks,
)
from earwitness.reference.pages import setting_variables
from earwitness.settings import ROOT

PACKAGES = ("models", "streams", "sinks", "earwitness", "sdk/src/earwitness_sdk")
FOLDERS = (
    *PACKAGES,
    "earwitness/policy",
    "earwitness/query",
    "earwitness/api",
    "earwitness/replay",
    "earwitness/cli",
    "earwitness/devstack",
    "sinks/clickhouse/migrations",
    "policies",
    "tests/contracts/wire",
    "tests/e2e",
    "tests/architecture",
    "benchmarks",
    "examples",
    "docs/decisions",
    "docs/runbooks",
    "docs/reference",
)
LONGEST_MODULE_LINES = 500
LONGEST_FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    """Every module of ours, once: the SDK's `_models` are the same files as models/."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if "_models" not in path.parts)


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def imports_inside_functions(path: Path) -> list[int]:
    return [
        node.lineno
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_down() -> None:
    """The layers of STYLE.md, and who may reach Kafka, ClickHouse and the settings."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folders_are_the_architecture(folder: str) -> None:
    """Whoever opens the repository finds each thing where the documents say it is."""
    assert (ROOT / folder).is_dir()


def test_no_module_is_too_long_to_read() -> None:
    """At 500 lines a module holds more than one thing."""
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE_LINES} == {}


def test_no_function_is_too_long_to_read() -> None:
    """At 60 lines a function does more than one thing."""
    long = {
        f"{relative(path)}:{function.lineno} {function.name}": length
        for path in modules()
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION_LINES
    }
    assert long == {}


def test_nothing_is_imported_inside_a_function() -> None:
    """Faust takes the working folder off sys.path once its app runs: a late import may find a stranger."""
    late = {relative(path): lines for path in modules() if (lines := imports_inside_functions(path))}
    assert late == {}


def test_the_sdk_carries_the_very_models_of_the_app() -> None:
    """A link in the tree, real files in the wheel: one contract, never two."""
    link = ROOT / "sdk/src/earwitness_sdk/_models"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "models"


def test_every_package_that_is_installed_says_that_it_is_typed() -> None:
    """A service's type checker reads the SDK's annotations only then."""
    assert (ROOT / "models/py.typed").exists()
    assert (ROOT / "sdk/src/earwitness_sdk/py.typed").exists()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_be_imported_and_says_what_it_does(name: str) -> None:
    """A command that is only named would fail when it is first needed."""
    command = earwitness.get_command(click.Context(earwitness), name)
    assert command is not None
    assert command.help or command.short_help


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_reference(name: str) -> None:
    """What is not documented is not found."""
    assert f"## earwitness {name}\n" in (ROOT / FOLDER / "cli.md").read_text(encoding="utf-8")


def test_every_setting_is_in_the_reference() -> None:
    """An operator must not have to read the code to change it."""
    page = (ROOT / FOLDER / "settings.md").read_text(encoding="utf-8")
    assert [name for name in setting_variables() if f"`{name}`" not in page] == []


def test_the_reference_says_what_the_code_says() -> None:
    """Help texts, settings, errors, schemas and the deployment's lock file are made, not kept.

    In a process of its own: click remembers the help option of a command that another test called alone.
    """
    done = subprocess.run(
        [sys.executable, "-m", "earwitness.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_accepts_what_it_accepted() -> None:
    """A change that breaks producers needs a new version in the schema's name."""
    assert (ROOT / ACCESS_EVENT).exists()
    assert (ROOT / EVIDENCE_RECORD).exists()
    assert find_breaks(ROOT) == []


def test_decisions_are_numbered_without_gaps() -> None:
    """A number is never used twice, and a decision that is replaced stays."""
    names = sorted(path.name for path in (ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(name[:4]) for name in names if re.fullmatch(r"[0-9]{4}-[a-z0-9-]+\.md", name)]
    assert len(numbers) == len(names)
    assert numbers == list(range(1, len(numbers) + 1))


def test_migrations_are_numbered_without_gaps() -> None:
    """The tool applies them in their order; a gap would be a migration that someone has and nobody else."""
    names = sorted(path.name for path in (ROOT / "sinks/clickhouse/migrations").glob("*.sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_the_licence_is_the_apache_licence_in_full() -> None:
    """As the package's metadata says."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text.splitlines()) > 200
