"""What a check of `earwitness doctor` answers."""

from typing import Literal, NamedTuple

Outcome = Literal["ok", "warn", "fail"]


class Check(NamedTuple):
    """One thing looked at. `remedy` says what to do and is empty where all is well."""

    name: str
    outcome: Outcome
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Check:
    """Say that something is as it should be."""
    return Check(name, "ok", detail)


def warn(name: str, detail: str, remedy: str) -> Check:
    """Say that something may surprise, and what to do."""
    return Check(name, "warn", detail, remedy)


def fail(name: str, detail: str, remedy: str) -> Check:
    """Say that something is wrong, and what to do."""
    return Check(name, "fail", detail, remedy)
