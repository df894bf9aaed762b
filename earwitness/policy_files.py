"""Policy versions as files of a folder: policies/NAME/VERSION/policy.toml, with cases.toml beside it."""

from pathlib import Path
from typing import Final

from earwitness.policy import PolicySet, parse_policies
from models.errors import PolicyInvalid

POLICY_FILE: Final = "policy.toml"
CASES_FILE: Final = "cases.toml"

MOST_FILES: Final = 1_000
LARGEST_FILE_BYTES: Final = 5_000_000


def read_policies(folder: Path) -> PolicySet:
    """Read and compile every policy version under `folder`.

    Raises `PolicyInvalid` that names every fault, also where there is no version at all.
    """
    texts = read_texts(folder, POLICY_FILE)
    if not texts:
        raise PolicyInvalid(
            [f"{folder}: holds no policy; expected a file like {folder}/NAME/VERSION/{POLICY_FILE}"]
        )
    return parse_policies(texts)


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
