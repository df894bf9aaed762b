"""Are `models`, `streams` and `sinks` ours? Their names are common, and another's could be found first."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("models", "streams", "sinks")
ROOT: Final = Path(__file__).resolve().parent.parent
"""Where they should lie. Not taken from our settings, which import `models`."""


def strangers() -> list[str]:
    """Say of each package that lies elsewhere than beside ours where it does, and what to do."""
    return [fault for name in PACKAGES if (fault := _fault(name))]


def _fault(name: str) -> str:
    spec = find_spec(name)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if any(Path(folder).resolve() == ROOT / name for folder in folders):
        return ""
    found = ", ".join(folders) or "not as a package"
    return (
        f"the package `{name}` is found {found}, and not in {ROOT}: remove what provides it from "
        f"PYTHONPATH or the environment, or put {ROOT} first in PYTHONPATH"
    )
