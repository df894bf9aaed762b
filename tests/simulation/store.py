"""The store of a simulated world: it can say what it did, keep it to itself, and do it later.

It holds rows as the table does, so a block that is stored twice stands there twice. It forgets the names
of blocks as early as it is allowed to: it is relied on to know those that were stored while an insert is
under way, and no others (docs/decisions/0016-inserts-that-refuse-themselves.md).
"""

from collections import Counter
from itertools import count
from typing import NamedTuple

from sinks.base import Block, LedgerEntry
from sinks.memory import MemoryTrail


class Doubled(AssertionError):
    """An access has two rows."""


class Rules(NamedTuple):
    """What the store does; each of these is switched off somewhere to show that it is needed."""

    remembers_all: bool = False
    """Whether a name is known for ever; else only for as long as an insert from before is under way."""
    refuses_taken_ranges: bool = True
    knows_names: bool = True
    refuses_second_entries: bool = True


class SimulatedStore(MemoryTrail):
    """A trail whose inserts begin and end, and which watches that no access is stored twice."""

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self._rules = rules
        self._numbers = count()
        self._clock = 0
        self._named_at: dict[str, int] = {}
        self._begun: dict[int, tuple[int, bool]] = {}
        self.identities: Counter[tuple[str, str]] = Counter()
        self.entries: list[LedgerEntry] = []

    def begin(self, block: Block) -> int:
        """Begin an insert: whether the range has rows is asked now. Give its ticket."""
        ticket = next(self._numbers)
        refused = self._rules.refuses_taken_ranges and self.tally(block.range).row_count > 0
        self._begun[ticket] = self._clock, refused
        return ticket

    def end(self, block: Block, ticket: int) -> bool:
        """End an insert that has begun: its name is noted and its rows are there, or it changes nothing."""
        begun_at, refused = self._begun.pop(ticket)
        if refused:
            return False
        if not self._knows(block.range.token, begun_at):
            self._note(block.range.token)
            self._put(block)
        return True

    def note(self, block: Block) -> None:
        """Note the name of a block and be killed: neither its rows nor any other insert survives."""
        self._begun.clear()
        self._note(block.range.token)

    def is_under_way(self, ticket: int) -> bool:
        """Say whether an insert that began can still end."""
        return ticket in self._begun

    def write(self, block: Block) -> bool:
        return self.end(block, self.begin(block))

    def write_ledger(self, entry: LedgerEntry) -> None:
        known = entry.range.name in self.ledger
        if known and self._rules.refuses_second_entries:
            return
        self.ledger[entry.range.name] = entry
        self.entries.append(entry)

    def state(self) -> tuple[object, ...]:
        """Give all that tells this store from another, for whoever looks for states seen before."""
        since = min((begun_at for begun_at, _ in self._begun.values()), default=self._clock)
        names = [
            (name, at if self._begun else 0)
            for name, at in self._named_at.items()
            if self._rules.remembers_all or at > since
        ]
        return (
            tuple(sorted(self.blocks)),
            tuple(sorted(names)),
            tuple(sorted(self.dead_letters)),
            tuple(sorted(self.set_aside)),
            tuple(sorted(map(repr, self.entries))),
            tuple(refused for _, refused in self._begun.values()),
        )

    def _knows(self, name: str, begun_at: int) -> bool:
        if not self._rules.knows_names or name not in self._named_at:
            return False
        return self._rules.remembers_all or self._named_at[name] > begun_at

    def _note(self, name: str) -> None:
        self._clock += 1
        self._named_at[name] = self._clock

    def _put(self, block: Block) -> None:
        self.blocks[f"{block.range.token}#{self._named_at[block.range.token]}"] = block
        for row in block.rows:
            identity = row.event.source, row.event.id
            self.identities[identity] += 1
            if self.identities[identity] > 1:
                raise Doubled(f"{identity[1]} has two rows, the second by {block.range.token}")
