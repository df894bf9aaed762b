"""`--pseudonym-key-file`: telephone numbers replaced alike in accesses, imports and evidence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from earwitness_sdk import BadSettings, Pseudonyms

from models.errors import ConfigurationError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def pseudonym_option(command: _Command) -> _Command:
    """Add `--pseudonym-key-file`, which a command passes to `read_pseudonyms`."""
    option = click.option(
        "--pseudonym-key-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The key by which telephone numbers are replaced; the same for accesses and evidence.",
    )
    return option(command)


def read_pseudonyms(key_file: Path | None) -> Pseudonyms | None:
    """Read the key; None where none is asked for. Raises `ConfigurationError`."""
    if key_file is None:
        return None
    try:
        return Pseudonyms(key_file.read_bytes().strip())
    except (OSError, BadSettings) as error:
        raise ConfigurationError([f"--pseudonym-key-file {key_file}: {error}"]) from error
