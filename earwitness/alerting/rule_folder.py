"""The rules in use: those of a folder, as they last were sound."""

from pathlib import Path
from typing import Final

import structlog

from earwitness.alerts.loading import load_rules
from earwitness.alerts.rules import Rule
from models.errors import RulesInvalid

log = structlog.get_logger(__name__)

_Stamp = tuple[tuple[str, int, int], ...]
NEVER_READ: Final[_Stamp] = ()


class RuleFolder:
    """Reads a folder, and again when a file of it changes. An unsound change leaves the rules as they are.

    Raises `RulesInvalid` where the rules are unsound at the start.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp = _stamp(folder)
        self.rules: tuple[Rule, ...] = load_rules(folder)
        self.faults: tuple[str, ...] = ()

    def refresh(self) -> bool:
        """Say whether the rules are others now; `faults` tells why a change was not taken."""
        stamp = _stamp(self._folder)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.rules, self.faults = load_rules(self._folder), ()
        except RulesInvalid as error:
            self.faults = error.faults
            log.warning("rules_refused", faults=list(error.faults), kept=len(self.rules))
            return False
        log.info("rules_taken_up", rules=[f"{rule.id} {rule.digest}" for rule in self.rules])
        return True


def _stamp(folder: Path) -> _Stamp:
    try:
        seen = sorted((path.name, path.stat()) for path in folder.glob("*.toml"))
    except OSError:
        return NEVER_READ
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in seen)
