"""Questions about saved searches: which there are, and what one of them asks."""

from typing import Final

from earwitness.query.store import Store
from models.searches import MOST_SEARCHES, SavedSearch

_NEWEST: Final = (
    "SELECT name, argMax(query, saved_at) AS newest, max(saved_at), argMax(saved_by, saved_at)"
    " FROM saved_search_log WHERE {name:String} IN ('', name) GROUP BY name HAVING newest != ''"
    " ORDER BY name LIMIT {limit:UInt32}"
)


class SavedSearches:
    """The named questions about saved searches."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def current(self) -> list[SavedSearch]:
        """Give every search that is saved now, by name."""
        return self._ask("")

    def named(self, name: str) -> SavedSearch | None:
        """Give the search of one name; None where none is saved under it."""
        return next(iter(self._ask(name)), None)

    def _ask(self, name: str) -> list[SavedSearch]:
        # Twice as many as can be: two processes may each save the last one.
        answer = self._store.ask(_NEWEST, {"name": name, "limit": 2 * MOST_SEARCHES})
        return [SavedSearch(*row) for row in answer.rows]
