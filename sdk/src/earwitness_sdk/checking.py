"""From what a caller gives to a valid event or record, or to an error that names every field."""

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from .errors import InvalidEvent
from .pseudonyms import Pseudonyms

M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], given: Mapping[str, object] | bytes, pseudonymise: Pseudonyms | None) -> M:
    """Read a whole event or record, given as fields or as JSON. Raises `InvalidEvent`."""
    try:
        if not isinstance(given, bytes):
            fields = given if pseudonymise is None else pseudonymise.applied(given)
            made: M = model.__pydantic_validator__.validate_python(fields)
            return made
        if pseudonymise is None:
            return model.model_validate_json(given)
    except ValidationError as error:
        raise InvalidEvent(_faults(error)) from error
    # Through JSON once more: the model reads arrays from JSON as it does not from Python.
    return checked(model, json.dumps(pseudonymise.applied(_object(given))).encode(), None)


def _object(text: bytes) -> Mapping[str, object]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent([("line", f"is not JSON: {error}")]) from error
    if not isinstance(parsed, dict):
        raise InvalidEvent([("line", "must be a JSON object")])
    return parsed


def _faults(error: ValidationError) -> list[tuple[str, str]]:
    """Say in (field, what it wants) what pydantic found."""
    found = []
    for fault in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in fault["loc"]) or "line"
        match fault["type"]:
            case "extra_forbidden":
                found.append((path, "there is no such field"))
            case "missing":
                found.append((path, "is required"))
            case "json_invalid":
                found.append((path, f"is not JSON: {fault['msg'].removeprefix('Invalid JSON: ')}"))
            case "model_type" | "model_attributes_type":
                found.append((path, "must be a JSON object"))
            case _:
                found.append((path, fault["msg"].removeprefix("Value error, ")))
    return found
