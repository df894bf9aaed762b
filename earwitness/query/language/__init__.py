"""The one language in which console, API and commands ask the trail. Pure: no clock, network or store.

Text becomes a tree (`parse`), a tree becomes text again (`write`), means the same at any time once the
clock is made part of it (`fixed`), and becomes a condition of SQL whose values are all parameters
(`condition_of`). `complete` says what may follow while somebody types.
"""

from earwitness.query.language.compiler import condition_of
from earwitness.query.language.completion import Candidate, Completion, complete
from earwitness.query.language.faults import MalformedQuery, Place
from earwitness.query.language.parser import parse
from earwitness.query.language.printer import quote, write
from earwitness.query.language.times import (
    between,
    fixed,
    names_a_time,
    reach,
    received_until,
    until_now,
)
from earwitness.query.language.tree import Query, all_of, any_of, conjuncts, names_any, negation

__all__ = [
    "Candidate",
    "Completion",
    "MalformedQuery",
    "Place",
    "Query",
    "all_of",
    "any_of",
    "between",
    "complete",
    "condition_of",
    "conjuncts",
    "fixed",
    "names_a_time",
    "names_any",
    "negation",
    "parse",
    "quote",
    "reach",
    "received_until",
    "until_now",
    "write",
]
