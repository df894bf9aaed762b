"""Which clause always goes before another where an access declares no purpose and evidence explains it."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from models.policy import Clause, PolicyDocument

_OF_THE_PURPOSE = frozenset({"lists_purpose", "lists_function"})
"""Requirements that evidence can meet for one purpose and not for another."""


class Beaten(NamedTuple):
    """A clause that derivation never reaches for some actors, because an earlier one explains the same."""

    clause: Clause
    by: Clause
    actors: tuple[str, ...]

    @property
    def wholly(self) -> bool:
        """Whether that holds for every actor of the clause."""
        return set(self.actors) == set(self.clause.actors)


def beaten_clauses(document: PolicyDocument) -> Iterator[Beaten]:
    """Give each clause with the first one before it that explains whatever it could explain."""
    free = frozenset(document.forbid.free)
    for place, clause in enumerate(document.clauses):
        left = dict.fromkeys(clause.actors)
        for earlier in document.clauses[:place]:
            actors = tuple(actor for actor in left if actor in earlier.actors)
            if actors and explains_all_of(earlier, clause, free):
                yield Beaten(clause, earlier, actors)
                left = dict.fromkeys(actor for actor in left if actor not in actors)


def explains_all_of(wide: Clause, narrow: Clause, free: AbstractSet[str]) -> bool:
    """Say whether every access that evidence explains by `narrow`, the same evidence explains by `wide`.

    `free` are the purposes that the forbid does not concern. Actors are not compared.
    """
    return (
        wide.evidence == narrow.evidence
        and wide.evidence_found == narrow.evidence_found
        and not _OF_THE_PURPOSE & set(wide.requires)
        and set(wide.requires) <= set(narrow.requires)
        and _holds(wide.actions, narrow.actions)
        and _holds(wide.resource_types, narrow.resource_types)
        and (wide.purpose in free or narrow.purpose not in free)
    )


def _holds(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    """Compare two restrictions; an empty one does not restrict."""
    return not wide or (bool(narrow) and set(narrow) <= set(wide))
