"""Accesses with known answers, made to be pushed together through one real stack."""

from random import Random
from typing import Any, NamedTuple

from models.evidence import EvidenceRecord, contradiction_in
from tests.policy.oracle import Answer, judge
from tests.policy.worlds import World, random_world


class Labelled(NamedTuple):
    """Accesses with the answers that a pipeline must give once it knows all of `evidence`."""

    evidence: list[dict[str, Any]]
    """Records to be published in this order; later ones replace earlier ones of the same ref."""
    cases: list[tuple[dict[str, Any], Answer]]
    """Each event with its answer at the instant of receipt (`as_of` is `received_at`)."""


def labelled_worlds(seed: int, count: int) -> Labelled:
    """Make `count` accesses that can share one stack, spread over reasons, clauses and actor types.

    Every name is unique to its seed and access, so nothing but the staff register (once any
    employment is known, every employee needs one) reaches across; it always holds a record here.
    """
    clerk = _an_employment(f"w{seed}-clerk", f"w{seed}-ref:clerk")
    chosen = _spread(_candidates(seed, count, clerk), count)
    evidence = [clerk]
    for world in chosen:
        evidence += [record for _, record in sorted(world.evidence, key=lambda versioned: versioned[0])]
    versioned = list(enumerate(evidence))
    cases = [
        (world.event, judge(world.event, versioned, received_at=world.received_at, as_of=world.received_at))
        for world in chosen
    ]
    return Labelled(evidence, cases)


def _candidates(seed: int, count: int, clerk: dict[str, Any]) -> dict[tuple[str, ...], list[World]]:
    """Make many worlds, sorted by what they show."""
    rng = Random(f"labelled {seed}")  # noqa: S311 - worlds are to be repeatable, not secret
    by_kind: dict[tuple[str, ...], list[World]] = {}
    for number in range(count * 30):
        world = random_world(rng, f"w{seed}-{number}-")
        if any(contradiction_in(EvidenceRecord.model_validate(record)) for _, record in world.evidence):
            continue  # no stack would take it in
        answer = judge(
            world.event,
            [(-1, clerk), *world.evidence],
            received_at=world.received_at,
            as_of=world.received_at,
        )
        shown = (answer.reason, str(answer.clause), world.event["actor_type"])
        by_kind.setdefault(shown, []).append(world)
    return by_kind


def _spread(by_kind: dict[tuple[str, ...], list[World]], count: int) -> list[World]:
    """Take one world of each kind, then a second of each, until there are enough."""
    chosen: list[World] = []
    rounds = max(len(kind) for kind in by_kind.values())
    for number in range(rounds):
        chosen += [kind[number] for _, kind in sorted(by_kind.items()) if number < len(kind)]
        if len(chosen) >= count:
            break
    return chosen[:count]


def _an_employment(person: str, ref: str) -> dict[str, Any]:
    return {"ref": ref, "kind": "employment", "assignees": [person], "valid_from": "2013-02-07T00:00:00Z"}
