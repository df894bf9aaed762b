"""TOML files read into models, with every fault named at once."""

import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ConfigurationError

M = TypeVar("M", bound=BaseModel)


class Part(BaseModel):
    """A table of such a file: nothing in it is ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


def parse(model: type[M], text: bytes, name: str) -> M:
    """Read a file; `name` is what to call it in errors.

    Raises ConfigurationError that names every key at fault and what is wanted there.
    """
    try:
        return model.model_validate(tomllib.loads(text.decode("utf-8")))
    except ValidationError as error:
        faults = [fault for fault in error.errors() if not _follows(fault, error)]
        raise ConfigurationError([f"{name}: {_describe(fault)}" for fault in faults]) from error
    except (ValueError, RecursionError) as error:  # endless digits and brackets are no TOMLDecodeError
        raise ConfigurationError([f"{name}: is not TOML: {error}"]) from error


def _follows(fault: Mapping[str, Any], error: ValidationError) -> bool:
    """Whether a list is called too short only because its faulty entries were not counted."""
    place = fault["loc"]
    return fault["type"] == "too_short" and any(
        other["loc"][: len(place)] == place != other["loc"] for other in error.errors()
    )


def _describe(fault: Mapping[str, Any]) -> str:
    parts = [part for part in fault["loc"] if part != "[key]"]  # pydantic's word for a key that is wrong
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    place = place.lstrip(".") or "the file"
    match fault["type"]:
        case "extra_forbidden":
            return f"{place}: there is no such setting"
        case "missing":
            return f"{place}: is required"
        case "value_error":
            return f"{place}: {fault['ctx']['error']}"
        case _:
            return f"{place}: {fault['msg']}"
