"""All versions of the policy: which is in effect when, and how their files are read."""

import hashlib
import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from earwitness.policy.compiled import Policy
from models.errors import PolicyInvalid
from models.fields import format_time
from models.policy import PolicyDocument

END: Final = "end"
"""The table, without content, that is the last line of a policy file. What is cut off lacks it: no part
of a whole file, up to wherever it was cut, is a version."""

_LAST_LINE: Final = re.compile(rf"\[{END}\][ \t]*(?:#.*)?".encode())


class PolicySet:
    """The versions of one policy, each in effect from its time until the next one's."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: policy.effective_from))
        self._starts = [policy.effective_from for policy in self.policies]
        self._newest = self.policies[-1] if self.policies else None

    def in_effect_at(self, time: datetime) -> Policy | None:
        """Give the newest version that is effective at `time` (inclusive); None before the first."""
        if self._newest is not None and time >= self._newest.effective_from:
            return self._newest
        place = bisect_right(self._starts, time)
        return self.policies[place - 1] if place else None

    def version(self, version: str) -> Policy | None:
        """Give the version of that name; None where there is none."""
        return next((policy for policy in self.policies if policy.version == version), None)


def parse_policies(texts: Mapping[str, bytes]) -> PolicySet:
    """Read policy files, given as name of the file → content.

    Raises `PolicyInvalid` that names every fault of every file: file, clause, field and what is wanted.
    """
    faults: list[str] = []
    policies = [
        (name, policy)
        for name, text in sorted(texts.items())
        if (policy := _read(name, text, faults)) is not None
    ]
    faults += _disagreements(policies)
    if faults:
        raise PolicyInvalid(faults)
    return PolicySet(list({policy.digest: policy for _, policy in policies}.values()))


def digest(content: Mapping[str, Any]) -> str:
    """Give the SHA-256 of a policy's content, as hex: comments, layout and order of keys do not matter."""
    canonical = json.dumps(
        content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_instant_as_text
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_toml(name: str, text: bytes, faults: list[str]) -> dict[str, Any] | None:
    """Read one TOML file; where it is none, add that to `faults` and give None."""
    try:
        return tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # endless digits and brackets are no TOMLDecodeError
        faults.append(f"{name}: is not TOML: {error}")
        return None


def describe_faults(name: str, content: Mapping[str, Any], error: ValidationError) -> list[str]:
    """Put a model's faults into words: file, the clause by its id, field, what is wrong."""
    found = error.errors(include_url=False, include_context=False)
    places = [fault["loc"] for fault in found]
    return [
        f"{name}: {_place(fault['loc'], content)}: {fault['msg']}"
        for fault in found
        if not (fault["type"] == "too_short" and _holds_another(fault["loc"], places))
    ]


def _holds_another(place: Sequence[int | str], places: Iterable[Sequence[int | str]]) -> bool:
    """Say whether something inside `place` is at fault: a list is then too short for that reason only."""
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)


def _read(name: str, text: bytes, faults: list[str]) -> Policy | None:
    content = read_toml(name, text, faults)
    if content is None:
        return None
    if content.pop(END, None) != {} or not _LAST_LINE.fullmatch(_last_line(text)):
        faults.append(
            f"{name}: does not end with the line [{END}]: it was cut off, is still being copied,"
            " or wants that line as its last"
        )
        return None
    try:
        return Policy(PolicyDocument.model_validate(content), digest(content))
    except ValidationError as error:
        faults += describe_faults(name, content, error)
        return None


def _last_line(text: bytes) -> bytes:
    return text.rstrip().rpartition(b"\n")[2].strip()


def _place(path: Sequence[int | str], content: object) -> str:
    words: list[str] = []
    for step in path:
        content = _inside(content, step)
        known = isinstance(content, Mapping) and isinstance(step, int)
        title = _title(content) if known and isinstance(content, Mapping) else None
        words.append(f"{step + 1} ({title})" if title and isinstance(step, int) else str(step))
    return ".".join(words) or "file"


def _title(content: Mapping[str, Any]) -> object:
    return content.get("id") or content.get("name") or content.get("clause")


def _inside(content: object, step: int | str) -> object:
    if isinstance(content, Mapping):
        return content.get(step)
    if isinstance(content, list) and isinstance(step, int) and step < len(content):
        return content[step]
    return None


def _instant_as_text(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    return str(value)


def _disagreements(policies: Sequence[tuple[str, Policy]]) -> list[str]:
    """Name pairs of files that cannot both hold; the same content twice is one version."""
    faults: list[str] = []
    for place, (name, policy) in enumerate(policies):
        for other_name, other in policies[:place]:
            if policy.digest == other.digest:
                continue
            if policy.document.policy != other.document.policy:
                faults.append(
                    f"{name}: is of policy {policy.document.policy}, {other_name} of {other.document.policy};"
                    " one installation judges by one policy"
                )
            elif policy.version == other.version:
                faults.append(
                    f"{name}: version {policy.version} is also in {other_name}, with other content"
                    f" (digest {policy.digest[:12]}… and {other.digest[:12]}…); a version never changes"
                )
            elif policy.effective_from == other.effective_from:
                faults.append(
                    f"{name}: effective_from {format_time(policy.effective_from)}"
                    f" is also that of {other_name}"
                )
    return faults
