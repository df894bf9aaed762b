"""What another version changes in one clause: who may, for what, on what evidence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, get_args

from earwitness.policy.changes import Change, Effect, added_and_removed, listed
from earwitness.policy.in_words import ACTORS, CONTENT, KINDS, words_of_clause
from models.access import Action, ResourceType
from models.policy import Clause

_ACTIONS: Final = {action: action for action in get_args(Action)}


def added_clause(clause: Clause) -> Change:
    """Say what a new clause permits."""
    return Change(clause.id, "clause", "opens", "", clause.title, f"new: {_permission(clause)}")


def removed_clause(clause: Clause) -> Change:
    """Say what nobody may any more."""
    meaning = (
        f"gone: {_of(clause.actors)} may no longer touch content for {clause.purpose}; an access that"
        " declares it is unjustified (purpose_unknown)"
    )
    return Change(clause.id, "clause", "closes", clause.title, "", meaning)


def changes_of_clause(before: Clause, after: Clause) -> Iterator[Change]:
    """Name every difference between a clause and what became of it."""
    yield from _names(before, after)
    yield from _actors(before, after)
    yield from _evidence(before, after)
    yield from _requirements(before, after)
    yield from _restriction(before, after, "actions", _ACTIONS, get_args(Action))
    yield from _restriction(before, after, "resource_types", CONTENT, get_args(ResourceType))


def _permission(clause: Clause) -> str:
    words = words_of_clause(clause)
    by = "" if words.actions == "every action" else f" by {words.actions}"
    evidence = "without evidence" if clause.evidence == "none" else f"on {words.evidence}"
    return f"{_of(clause.actors)} may now touch {words.content}{by} for {clause.purpose}, {evidence}"


def _names(before: Clause, after: Clause) -> Iterator[Change]:
    if before.id != after.id:
        meaning = f"is the clause {before.id} of before; verdicts name it by its new id"
        yield Change(after.id, "id", "words", before.id, after.id, meaning)
    if before.purpose != after.purpose:
        meaning = (
            f"its purpose is now declared as {after.purpose}; an access that declares {before.purpose} is"
            " unjustified (purpose_unknown)"
        )
        yield Change(after.id, "purpose", "changes", before.purpose, after.purpose, meaning)
    if before.title != after.title:
        yield Change(after.id, "title", "words", before.title, after.title, "")
    if before.quotes != after.quotes:
        was, now = listed(before.quotes), listed(after.quotes)
        yield Change(after.id, "quotes", "words", was, now, "stands on other words of the policy's text")


def _actors(before: Clause, after: Clause) -> Iterator[Change]:
    was, now = listed(before.actors), listed(after.actors)
    added, removed = added_and_removed(before.actors, after.actors)
    if added:
        meaning = f"{_of(added)} may now touch content for {after.purpose}"
        yield Change(after.id, "actors", "opens", was, now, meaning)
    if removed:
        meaning = f"{_of(removed)} may no longer touch content for {after.purpose}"
        yield Change(after.id, "actors", "closes", was, now, meaning)


def _evidence(before: Clause, after: Clause) -> Iterator[Change]:
    who = _of(after.actors)
    if before.evidence != after.evidence:
        meaning = (
            f"{who} now need {KINDS.get(after.evidence, 'no evidence')};"
            f" {KINDS.get(before.evidence, 'no evidence')} is not enough any more"
        )
        yield Change(after.id, "evidence", "changes", before.evidence, after.evidence, meaning)
    if before.evidence_found != after.evidence_found:
        found = after.evidence_found == "by_assignee"
        meaning = (
            f"{who} cite nothing any more: evidence must name them, and what they cite is not looked at"
            if found
            else f"{who} now cite the evidence; it need not name them"
        )
        yield Change(
            after.id, "evidence_found", "changes", before.evidence_found, after.evidence_found, meaning
        )


def _requirements(before: Clause, after: Clause) -> Iterator[Change]:
    was, now = listed(before.requires), listed(after.requires)
    added, removed = added_and_removed(before.requires, after.requires)
    who = _of(after.actors)
    if added:
        meaning = f"{who} now also need {_wanted(added, after.purpose)}"
        yield Change(after.id, "requires", "closes", was, now, meaning)
    if removed:
        meaning = f"{who} no longer need {_wanted(removed, before.purpose)}"
        yield Change(after.id, "requires", "opens", was, now, meaning)


def _wanted(requirements: Sequence[str], purpose: str) -> str:
    wanted = {
        "own_content": "content of their own",
        "lists_purpose": f"evidence that lists the purpose {purpose}",
        "lists_function": f"evidence that lists the function {purpose}",
        "lists_action": "evidence that lists the action of the access",
        "same_organization": "evidence about their own organization",
    }
    return listed([wanted[requirement] for requirement in requirements])


def _restriction(
    before: Clause, after: Clause, field: str, names: Mapping[str, str], every: Sequence[str]
) -> Iterator[Change]:
    """Compare a list that restricts; an empty one stands for all that there are."""
    was: tuple[str, ...] = getattr(before, field)
    now: tuple[str, ...] = getattr(after, field)
    added, removed = added_and_removed(was or every, now or every)
    who, told = _of(after.actors), (listed(was) or "all", listed(now) or "all")
    rest = f"only {listed([names[one] for one in now])}" if now else "everything"
    doing = "" if field == "actions" else "touch "
    for values, effect, change in ((removed, "closes", "may no longer"), (added, "opens", "may now")):
        if values:
            some = listed([names[one] for one in values])
            yield Change(after.id, field, _effect(effect), *told, f"{who} {change} {doing}{some}: {rest}")


def _effect(name: str) -> Effect:
    return "opens" if name == "opens" else "closes"


def _of(actors: Sequence[str]) -> str:
    return listed([ACTORS[actor] for actor in actors])
