"""The words of policy versions, as they were when verdicts named them."""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from earwitness.query.conditions import Parameters
from earwitness.query.store import Store

_DOCUMENTS: Final = "SELECT document FROM policies"

Named = tuple[str | None, str | None]
"""A version and the digest of its content, as a verdict names them."""


class Version(NamedTuple):
    """One policy version. Without title and clauses, nobody told the store of its content."""

    version: str | None
    digest: str | None
    title: str | None
    clauses: tuple[dict[str, Any], ...]

    def words(self, clause_id: str) -> dict[str, Any]:
        """Give a clause with its number (its place in the policy), its title, and what it rests on."""
        for number, clause in enumerate(self.clauses, start=1):
            if clause["id"] == clause_id:
                return {
                    "number": number,
                    "id": clause_id,
                    "title": clause["title"],
                    "quotes": list(clause["quotes"]),
                }
        return {"number": None, "id": clause_id, "title": None, "quotes": []}


class PolicyWords:
    """Reads the versions that are known."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, named: Sequence[Named]) -> dict[Named, Version]:
        """Give each version that is named, with its words where the content is the one that was judged by."""
        parameters = Parameters()
        digests = parameters.add([digest for _, digest in named if digest], "Array(String)")
        answer = self._store.ask(
            f"SELECT version, digest, document FROM policies WHERE digest IN {digests}",  # noqa: S608 - a placeholder
            parameters.values,
        )
        documents = {(version, digest): json.loads(document) for version, digest, document in answer.rows}
        return {name: _version(name, documents.get(name)) for name in named}

    def clauses(self) -> frozenset[str]:
        """Name the clauses of every version that is known, as far as its document is one of ours."""
        documents = (json.loads(document) for (document,) in self._store.ask(_DOCUMENTS).rows)
        return frozenset(clause["id"] for document in documents for clause in _clauses_of(document))


def _version(named: Named, document: dict[str, Any] | None) -> Version:
    if document is None:
        return Version(*named, None, ())
    return Version(*named, document["title"], _clauses_of(document))


def _clauses_of(document: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Give what a version permits, in order, and what it forbids; nothing of a document that is not ours."""
    clauses = (*document.get("clauses", ()), document.get("forbid", {}))
    return tuple(clause for clause in clauses if "id" in clause)
