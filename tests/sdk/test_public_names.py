import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import earwitness_sdk
import pytest
from earwitness_sdk import testing
from hatchling.builders.wheel import WheelBuilder

from earwitness.settings import ROOT, load

PACKAGE = ROOT / "sdk/src/earwitness_sdk"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_models" not in path.parts)
ALLOWED = {"earwitness_sdk", "kafka", "pydantic"} | sys.stdlib_module_names


def imported_by(path: Path) -> set[str]:
    """Name the top-level packages that a module imports; relative imports stay inside."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize("module", [earwitness_sdk, testing], ids=["earwitness_sdk", "testing"])
def test_what_is_promised_is_there(module: object) -> None:
    """`__all__` is what services may build on; it is sorted, so that a change shows as one line."""
    names: list[str] = module.__all__  # type: ignore[attr-defined]  # every module may have it
    assert names == sorted(names)
    for name in names:
        assert getattr(module, name).__doc__, name


def test_the_package_exports_all_that_its_documentation_uses() -> None:
    """A name that only a private module has could not be relied on."""
    text = (ROOT / "sdk/README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bearwitness_sdk\.([A-Z]\w+)", text))
    assert named >= {"Kafka", "Pseudonyms", "Recorder", "Register"}
    assert named <= set(earwitness_sdk.__all__)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_sdk_needs_nothing_of_the_application(path: Path) -> None:
    """A service installs it without Faust, ClickHouse or a top-level package called `models`."""
    assert imported_by(path) <= ALLOWED


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it, as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT / "sdk")).build(directory=str(folder), versions=["standard"])
    unpacked = folder / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_the_wheel_carries_the_contract_as_real_files(installed: Path) -> None:
    """In the tree it is a link; whoever installs the wheel has nothing it could lead to."""
    carried = installed / "earwitness_sdk/_models"
    assert not carried.is_symlink()
    for path in (ROOT / "models").glob("*.py"):
        assert (carried / path.name).read_bytes() == path.read_bytes()
    assert (installed / "earwitness_sdk/py.typed").exists()
    assert "Apache License" in next(installed.glob("*.dist-info/licenses/LICENSE")).read_text(
        encoding="utf-8"
    )


def test_the_wheel_works_where_the_application_is_not(installed: Path, tmp_path: Path) -> None:
    """From the wheel, in a folder of its own, with nothing of this repository to be found."""
    (libraries,) = [path for path in sys.path if path.endswith("site-packages")]
    program = f"""
import importlib.abc, sys
class NoApplication(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"models", "streams", "sinks", "earwitness"}}:
            raise AssertionError(name + " was asked for")
sys.meta_path[:] = [NoApplication()] + [f for f in sys.meta_path if "Editable" not in type(f).__name__]
sys.path[:] = [p for p in sys.path if {str(ROOT)!r} not in p or p == {libraries!r}]
sys.path.insert(0, {str(installed)!r})
import earwitness_sdk
from earwitness_sdk.testing import MemoryOutbox
assert earwitness_sdk.__file__.startswith({str(installed)!r}), earwitness_sdk.__file__
outbox = MemoryOutbox()
earwitness_sdk.Recorder(source="/s", outbox=outbox).record(
    actor_type="employee", actor_id="e-1", action="listen", resource_type="call_recording",
    resource_id="rec-9", customer_id="acme")
outbox.assert_recorded(actor_id="e-1")
print("recorded")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("recorded\n", 0), done.stderr


def test_a_command_runs_where_a_service_has_its_variables() -> None:
    """An engineer tries a service and `search` in one shell."""
    of_a_service = {"EARWITNESS_SDK__SOURCE": "/services/x", "EARWITNESS_SDK__PSEUDONYM_KEY": "k" * 16}
    assert load(of_a_service) == load({})
