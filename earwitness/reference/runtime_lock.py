"""The part of requirements.lock that a deployment installs: neither the embedded stack nor the tools."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import requires
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from earwitness.settings import ROOT

IMAGE_PYTHON: Final = "3.13"
"""The Python of the Dockerfile."""

_ENVIRONMENT: Final[Mapping[str, str]] = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{IMAGE_PYTHON}.0",
    "python_version": IMAGE_PYTHON,
    "sys_platform": "linux",
}
_OURS: Final = frozenset({"earwitness", "earwitness-sdk"})
_HEADER: Final = "# Made by `python -m earwitness.reference` from requirements.lock; do not edit.\n"
_ENTRY: Final = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def runtime_lock(lock: str) -> str:
    """Keep of a lock file what the app and the SDK need to run in the image, hashes included.

    Raises KeyError that names a package which the lock file lacks.
    """
    entries = _entries(lock)
    needed = sorted(_closure([requirement for text in _direct() for requirement in [Requirement(text)]]))
    return _HEADER + "".join(entries[name] for name in needed)


def _direct() -> Iterator[str]:
    for folder in (ROOT, ROOT / "sdk"):
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        yield from project["dependencies"]


def _closure(requirements: list[Requirement]) -> set[str]:
    found: set[str] = set()
    asked: set[str] = set()
    while requirements:
        requirement = requirements.pop()
        name = canonicalize_name(requirement.name)
        key = f"{name}[{','.join(sorted(requirement.extras))}]"
        if name in _OURS or key in asked:
            continue
        asked.add(key)
        found.add(name)
        inner = [Requirement(text) for text in requires(name) or ()]
        requirements += [wanted for wanted in inner if _applies(wanted, requirement.extras)]
    return found


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**_ENVIRONMENT, "extra": extra}) for extra in ("", *extras))


def _entries(lock: str) -> dict[str, str]:
    starts = [*_ENTRY.finditer(lock)]
    ends = [match.start() for match in starts[1:]] + [len(lock)]
    entries: dict[str, str] = {}
    for match, end in zip(starts, ends, strict=True):
        lines = lock[match.start() : end].splitlines(keepends=True)
        text = "".join(line for line in lines if not line.lstrip().startswith("#")).rstrip() + "\n"
        name = canonicalize_name(match[1])
        entries[name] = entries.get(name, "") + text
    return entries
