"""What another version of a policy changes, and what that means for those who touch content."""

from collections.abc import Iterator, Sequence

from earwitness.policy.changes import Change, added_and_removed, listed
from earwitness.policy.clause_difference import added_clause, changes_of_clause, removed_clause
from earwitness.policy.in_words import ACTORS, KINDS, words_of_grace, words_of_standing
from models.fields import format_time
from models.policy import Clause, Forbid, PolicyDocument, Standing


def compare(before: PolicyDocument, after: PolicyDocument) -> list[Change]:
    """Name every difference between two versions; none where both say the same.

    A clause is the same clause where its id is the same, or else its purpose.
    """
    pairs = _paired(before.clauses, after.clauses)
    kept = {clause.id for _, clause in pairs}
    gone = {clause.id for clause in before.clauses} - {clause.id for clause, _ in pairs}
    return [
        *_heading(before, after),
        *(removed_clause(clause) for clause in before.clauses if clause.id in gone),
        *(added_clause(clause) for clause in after.clauses if clause.id not in kept),
        *(change for old, new in pairs for change in changes_of_clause(old, new)),
        *_order(pairs, after.clauses),
        *_forbid(before.forbid, after.forbid),
        *_standing(before.standing, after.standing),
        *_passages(before, after),
    ]


def _paired(before: Sequence[Clause], after: Sequence[Clause]) -> list[tuple[Clause, Clause]]:
    by_id = {clause.id: clause for clause in after}
    left = {clause.purpose: clause for clause in after if clause.id not in {old.id for old in before}}
    pairs = []
    for old in before:
        new = by_id.get(old.id) or left.get(old.purpose)
        if new is not None:
            pairs.append((old, new))
    return pairs


def _heading(before: PolicyDocument, after: PolicyDocument) -> Iterator[Change]:
    if before.policy != after.policy:
        yield Change(
            "policy", "policy", "changes", before.policy, after.policy, "they are of different policies"
        )
    if before.version != after.version:
        yield Change(
            "version", "version", "words", before.version, after.version, "rows of the trail name it"
        )
    if before.title != after.title:
        yield Change("version", "title", "words", before.title, after.title, "")
    if before.effective_from != after.effective_from:
        was, now = format_time(before.effective_from), format_time(after.effective_from)
        meaning = f"an access that happens at {now} or later is judged by {after.version}"
        yield Change("version", "effective_from", "changes", was, now, meaning)
    if before.grace_hours != after.grace_hours:
        was, now = f"{before.grace_hours:g}", f"{after.grace_hours:g}"
        yield Change("version", "grace_hours", "changes", was, now, words_of_grace(after.grace_hours))


def _order(pairs: Sequence[tuple[Clause, Clause]], after: Sequence[Clause]) -> Iterator[Change]:
    """Tell which clauses change places for actors that both are open to: the first that explains counts."""
    place = {clause.id: number for number, clause in enumerate(after)}
    for number, (_, first) in enumerate(pairs):
        for _, second in pairs[number + 1 :]:
            shared = [actor for actor in first.actors if actor in second.actors]
            if shared and place[second.id] < place[first.id]:
                actors = listed([ACTORS[actor] for actor in shared])
                yield Change(
                    second.id,
                    "order",
                    "changes",
                    f"after {first.id}",
                    f"before {first.id}",
                    f"now goes before {first.id}: where {actors} declare no purpose, an access that both"
                    f" explain is laid to {second.id}",
                )


def _forbid(before: Forbid, after: Forbid) -> Iterator[Change]:
    part = after.id
    if before.title != after.title:
        yield Change(part, "title", "words", before.title, after.title, "")
    if before.quotes != after.quotes:
        yield Change(
            part, "quotes", "words", listed(before.quotes), listed(after.quotes), "stands on other words"
        )
    was, now = listed(before.lifted_by), listed(after.lifted_by)
    added, removed = added_and_removed(before.lifted_by, after.lifted_by)
    if added:
        meaning = f"content may now leave for whom {listed([KINDS[kind] for kind in added])} names"
        yield Change(part, "lifted_by", "opens", was, now, meaning)
    if removed:
        meaning = (
            f"content may no longer leave for whom only {listed([KINDS[kind] for kind in removed])} names"
        )
        yield Change(part, "lifted_by", "closes", was, now, meaning)
    was, now = listed(before.free), listed(after.free)
    added, removed = added_and_removed(before.free, after.free)
    if added:
        meaning = f"for {listed(added)} content may now leave for anybody"
        yield Change(part, "free", "opens", was, now, meaning)
    if removed:
        meaning = f"for {listed(removed)} content may no longer leave for a recipient whom no evidence names"
        yield Change(part, "free", "closes", was, now, meaning)


def _standing(before: Sequence[Standing], after: Sequence[Standing]) -> Iterator[Change]:
    old = {standing.evidence: standing for standing in before}
    new = {standing.evidence: standing for standing in after}
    for evidence, standing in old.items():
        part, kept = f"standing {evidence}", new.get(evidence)
        if kept is None:
            meaning = f"no longer asked for: {words_of_standing(standing)}"
            yield Change(part, "standing", "opens", standing.title, "", meaning)
            continue
        if standing.title != kept.title:
            yield Change(part, "title", "words", standing.title, kept.title, "")
        if standing.quotes != kept.quotes:
            was, now = listed(standing.quotes), listed(kept.quotes)
            yield Change(part, "quotes", "words", was, now, "stands on other words of the policy's text")
    for evidence, standing in new.items():
        if evidence not in old:
            meaning = f"now asked for: {words_of_standing(standing)}"
            yield Change(f"standing {evidence}", "standing", "closes", "", standing.title, meaning)


def _passages(before: PolicyDocument, after: PolicyDocument) -> Iterator[Change]:
    old = {quote: passage.why for passage in before.passages for quote in passage.quotes}
    new = {quote: passage.why for passage in after.passages for quote in passage.quotes}
    for quote, why in old.items():
        if quote not in new:
            yield Change("passages", "quotes", "words", quote, "", f"gone; it permitted no access: {why}")
        elif new[quote] != why:
            yield Change("passages", "why", "words", why, new[quote], "why it permits no access")
    for quote, why in new.items():
        if quote not in old:
            yield Change("passages", "quotes", "words", "", quote, f"new; it permits no access: {why}")
