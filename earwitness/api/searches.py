"""Routes about saved searches: queries that are kept under a name, for everybody who may search.

A query names actors and customers, so reading one is recorded like any reading, and so is each change.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from earwitness.api import answers
from earwitness.api.errors import NotFound
from earwitness.api.recording import Asked
from earwitness.api.sources import From
from earwitness.query.language import limits, parse, write
from models.errors import QueryRejected
from models.fields import format_time
from models.searches import MOST_SEARCHES, SavedSearch, SearchName

Name = Annotated[SearchName, Path(examples=["vendors-last-week"])]

router: Final = APIRouter(tags=["saved searches"])


class Kept(BaseModel):
    """The query to keep. Relative times in it stay relative: `time:>=-7d` is about the week before asking."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(
        max_length=limits.LONGEST_QUERY, examples=["actor_type:vendor verdict:unjustified time:>=-7d"]
    )


@router.get("/searches", response_model=answers.SavedSearches)
def list_searches(asked: Asked, sources: From) -> JSONResponse:
    """List the saved searches, by name."""
    found = sources.searches.current()
    return asked.answer(
        {"searches": [_shown(search) for search in found]}, "searches.list", "", row_count=len(found)
    )


@router.get("/searches/{name}", response_model=answers.SavedSearch)
def show_search(name: Name, asked: Asked, sources: From) -> JSONResponse:
    """Give one saved search."""
    search = sources.searches.named(name)
    if search is None:
        asked.record("searches.show", name, row_count=0)
        raise _unknown(name)
    return asked.answer(_shown(search), "searches.show", name, row_count=1)


@router.put("/searches/{name}", response_model=answers.Saved)
def save_search(name: Name, kept: Kept, asked: Asked, sources: From) -> JSONResponse:
    """Keep a query under a name, in place of one that was there.

    `changed` tells whether that said anything new.
    """
    text = write(parse(kept.query))
    if not text:
        raise QueryRejected("an empty query finds everything", "name at least one term, as actor:e-1")
    known = {search.name: search for search in sources.searches.current()}
    if name not in known and len(known) >= MOST_SEARCHES:
        raise QueryRejected(
            f"{len(known)} searches are saved, and there can be no more", "delete those that nobody uses"
        )
    changed = name not in known or known[name].query != text
    if changed:
        asked.record("searches.save", f"{name} {text}")
        sources.keep_search(name, text, asked.principal)
    return JSONResponse({"name": name, "query": text, "changed": changed})


@router.delete("/searches/{name}", response_model=answers.Deleted)
def delete_search(name: Name, asked: Asked, sources: From) -> JSONResponse:
    """Delete one saved search. What was recorded of it stays."""
    if sources.searches.named(name) is None:
        raise _unknown(name)
    asked.record("searches.delete", name)
    sources.keep_search(name, "", asked.principal)
    return JSONResponse({"name": name, "deleted": True})


def _shown(search: SavedSearch) -> dict[str, str]:
    return {**search._asdict(), "saved_at": format_time(search.saved_at)}


def _unknown(name: str) -> NotFound:
    return NotFound(f"no search is saved as {name}; `earwitness searches list` names them")
