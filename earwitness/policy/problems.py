"""What may be wrong with policy files, in the form in which it is told."""

from typing import Final, Literal, NamedTuple

Severity = Literal["fault", "warning", "note"]

SEVERITIES: Final[tuple[Severity, ...]] = ("fault", "warning", "note")
"""fault: the version must not be used so. warning: it can be, but hardly means what it says. note: it is
as it should be, and whoever reads or amends it should know."""


class Problem(NamedTuple):
    """One thing that is wrong, or worth knowing: in which file, about which part, and what to do."""

    severity: Severity
    file: str
    part: str
    """A clause by its id, `standing employment`, or a field; empty where the whole file is meant."""
    what: str
    advice: str = ""
