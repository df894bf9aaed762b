"""Policy versions as files of a folder: policies/NAME/VERSION/policy.toml.

Beside it stand cases.toml, what the version must and must not justify, and text.txt, the words it is made of.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from earwitness.policy import Policy, PolicySet, parse_policies
from earwitness.policy.cases import ReadyCase, parse_cases, parse_more_cases
from earwitness.policy.wording import faults_of_wording
from models.errors import PolicyInvalid

POLICY_FILE: Final = "policy.toml"
CASES_FILE: Final = "cases.toml"
TEXT_FILE: Final = "text.txt"

MOST_FILES: Final = 1_000
LARGEST_FILE_BYTES: Final = 5_000_000


def read_policies(folder: Path) -> PolicySet:
    """Read and compile every policy version under `folder`.

    Raises `PolicyInvalid` that names every fault, also where there is no version at all.
    """
    texts = read_texts(folder, POLICY_FILE)
    refuse_none(folder, texts)
    return parse_policies(texts)


def refuse_none(folder: Path, texts: Mapping[str, bytes]) -> None:
    """Raise `PolicyInvalid` where a folder holds no policy."""
    if not texts:
        raise PolicyInvalid(
            [f"{folder}: holds no policy; expected a file like {folder}/NAME/VERSION/{POLICY_FILE}"]
        )


class VersionWithText(NamedTuple):
    """A policy version, its file, and the words that it is made of where they stand beside it."""

    file: str
    policy: Policy
    text: str | None


def read_with_texts(folder: Path) -> list[VersionWithText]:
    """Read every policy version under `folder`, the earliest first, with its text.

    Raises `PolicyInvalid` as `read_policies` does.
    """
    policies = read_policies(folder)
    words = read_texts(folder, TEXT_FILE)
    files: dict[str, str] = {}
    for name, text in read_texts(folder, POLICY_FILE).items():
        (policy,) = parse_policies({name: text}).policies
        files.setdefault(policy.digest, name)
    return [
        VersionWithText(name, policy, found.decode("utf-8", "replace") if found is not None else None)
        for policy in policies.policies
        for name in [files[policy.digest]]
        for found in [words.get(name.replace(POLICY_FILE, TEXT_FILE))]
    ]


def read_version(path: Path) -> Policy:
    """Read the one policy version of a file, of the folder that holds it, or of a folder of versions.

    Raises `PolicyInvalid`, also where a folder holds several.
    """
    if path.is_dir() and not (path / POLICY_FILE).is_file():
        policies = read_policies(path)
    else:
        file = path / POLICY_FILE if path.is_dir() else path
        policies = parse_policies({str(file): _read(file)})
    if len(policies.policies) != 1:
        versions = ", ".join(policy.version for policy in policies.policies)
        raise PolicyInvalid([f"{path}: holds several versions: {versions}; name the folder of one"])
    return policies.policies[0]


def read_more_cases(file: Path, policy: Policy) -> tuple[ReadyCase, ...]:
    """Read a file of cases from anywhere. Raises `PolicyInvalid`."""
    return tuple(parse_more_cases(str(file), _read(file), policy))


def read_policy(file: Path) -> Policy:
    """Read and compile one policy file, wherever it lies. Raises `PolicyInvalid` that names every fault."""
    (policy,) = parse_policies({file.as_posix(): _read(file)}).policies
    return policy


class VersionWithCases(NamedTuple):
    """A policy version with the cases that it carries."""

    policy: Policy
    cases: tuple[ReadyCase, ...]


def read_with_cases(folder: Path) -> list[VersionWithCases]:
    """Read every policy version under `folder` with its cases, and hold its quotes against its text.

    Raises `PolicyInvalid` that names every fault, also a version without cases or without its text.
    """
    read_policies(folder)
    faults: list[str] = []
    versions = [
        _with_cases(folder, name, text, faults) for name, text in read_texts(folder, POLICY_FILE).items()
    ]
    if faults:
        raise PolicyInvalid(faults)
    return versions


def _with_cases(folder: Path, name: str, text: bytes, faults: list[str]) -> VersionWithCases:
    (policy,) = parse_policies({name: text}).policies
    return VersionWithCases(policy, read_companions(folder, name, policy, faults))


def read_companions(folder: Path, name: str, policy: Policy, faults: list[str]) -> tuple[ReadyCase, ...]:
    """Read the cases of a version, and hold its quotes against its text; what is wrong goes to `faults`."""
    place = (folder / name).parent
    cases: tuple[ReadyCase, ...] = ()
    try:
        found = _read(place / CASES_FILE)
        cases = tuple(parse_cases((place / CASES_FILE).relative_to(folder).as_posix(), found, policy))
    except PolicyInvalid as error:
        faults += error.faults
    try:
        words = _read(place / TEXT_FILE).decode("utf-8")
    except UnicodeDecodeError as error:
        faults.append(f"{place / TEXT_FILE}: is not UTF-8: {error.reason}")
    except PolicyInvalid as error:
        faults += error.faults
    else:
        faults += [f"{name}: {fault}" for fault in faults_of_wording(policy.document, words)]
    return cases


def read_texts(folder: Path, file_name: str) -> dict[str, bytes]:
    """Read NAME/VERSION/`file_name` of every version: path in the folder → content."""
    paths = sorted(folder.glob(f"*/*/{file_name}"))
    if len(paths) > MOST_FILES:
        raise PolicyInvalid(
            [f"{folder}: holds {len(paths)} files {file_name}; at most {MOST_FILES} are read"]
        )
    return {path.relative_to(folder).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise PolicyInvalid([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(content) > LARGEST_FILE_BYTES:
        raise PolicyInvalid([f"{path}: is larger than {LARGEST_FILE_BYTES} bytes"])
    return content
