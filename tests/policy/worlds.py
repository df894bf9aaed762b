"""Small adversarial worlds: one access and a handful of records, each near to justifying it.

A world begins as an access that its evidence explains, then a few things are bent: an instant by a
microsecond, a team, an alias, who entered a record. Names are few, so that wrong things often fit.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple, get_args
from uuid import UUID

from hypothesis import strategies as st

from models.access import OUTSIDERS, Action, ActorType, ResourceType
from models.evidence import KINDS_WITH_ALIASES, EvidenceKind
from tests.policy.oracle import judge
from tests.policy.oracle_table import ALIAS_KIND, GRACE, IN_EFFECT_FROM, TABLE, Row

NOON: Final = datetime(2025, 3, 10, 12, 0, 0, 123_456, tzinfo=UTC)
A_TICK: Final = timedelta(microseconds=1)
A_DAY: Final = timedelta(days=1)
UNKNOWN_PURPOSES: Final = ("resolve_complaints", "Resolve_Complaint", "own-use", "curiosity")
PURPOSES: Final = tuple(row.purpose for row in TABLE)
INSTANTS: Final = ("time", "valid_from", "valid_to", "withdrawn_at", "recorded_at")


class World(NamedTuple):
    """One access with all that is known when it is judged; event and records as JSON has them."""

    event: dict[str, Any]
    evidence: list[tuple[int, dict[str, Any]]]
    received_at: datetime
    as_of: datetime


class Names(NamedTuple):
    """The few names of one world; those of worlds with different prefixes never meet."""

    customers: tuple[str, ...]
    people: tuple[str, ...]
    organizations: tuple[str, ...]
    teams: tuple[str, ...]
    resources: tuple[str, ...]
    refs: tuple[str, ...]


class Draft(NamedTuple):
    """A world in the making: instants are still datetimes, and nothing has an offset yet."""

    rng: Random
    names: Names
    row: Row
    event: dict[str, Any]
    records: list[dict[str, Any]]


def names_of(prefix: str) -> Names:
    """Give the names of the world with this prefix."""

    def few(kind: str, count: int) -> tuple[str, ...]:
        return tuple(f"{prefix}{kind}-{number}" for number in range(1, count + 1))

    return Names(few("c", 3), few("p", 5), few("o", 3), few("t", 2), few("r", 2), few("ref:", 6))


def random_world(rng: Random, prefix: str = "") -> World:
    """Make one world; the same state of `rng` makes the same world."""
    draft = _an_explained_access(rng, names_of(prefix))
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 2, 3, 4))):
        rng.choice(BENDS)(draft)
    received_at = draft.event["time"] + timedelta(seconds=rng.randrange(0, 90))
    if draft.event["actor_type"] in OUTSIDERS:
        draft.event.setdefault("organization", draft.names.organizations[0])
    waited = rng.choice((timedelta(0), GRACE - A_TICK, GRACE, GRACE + A_DAY))
    return World(
        _written(rng, draft.event),
        _with_offsets(rng, draft),
        received_at,
        received_at + waited,
    )


worlds: Final[st.SearchStrategy[World]] = st.randoms(use_true_random=False).map(random_world)
"""The same worlds for hypothesis, which then looks for a smaller one."""


def seeded_worlds(seed: int, count: int) -> list[World]:
    """Make `count` worlds, the same ones for a seed."""
    rng = Random(seed)  # noqa: S311 - worlds are to be repeatable, not secret
    return [random_world(rng) for _ in range(count)]


def _an_explained_access(rng: Random, names: Names) -> Draft:
    row = rng.choice(TABLE)
    actor_type = rng.choice(sorted(row.who_may))
    person = names.people[0]
    event: dict[str, Any] = {
        "id": str(UUID(int=rng.getrandbits(128), version=4)),
        "time": NOON,
        "source": "/services/recording-api",
        "actor_type": actor_type,
        "actor_id": person,
        "action": rng.choice(sorted(row.actions or get_args(Action))),
        "resource_type": rng.choice(sorted(row.resources or get_args(ResourceType))),
        "resource_id": names.resources[0],
        "customer_id": names.customers[0],
    }
    if actor_type in OUTSIDERS:
        event["organization"] = names.organizations[0]
    draft = Draft(rng, names, row, event, [])
    _give_evidence(draft)
    _give_registers(draft)
    _declare(draft)
    return draft


def _give_evidence(draft: Draft) -> None:
    """Add the record that explains the access, and sometimes a twin that nearly does."""
    rng, names, row, event = draft.rng, draft.names, draft.row, draft.event
    if row.purpose == "own_use":
        rng.choice((_be_the_customer, _belong_to_the_customer))(draft)
        return
    record: dict[str, Any] = {
        "ref": names.refs[0],
        "kind": row.kind,
        "valid_from": NOON - A_DAY,
        "customer_ids": [names.customers[0]],
        "assignees": [names.people[0]],
        "organization": names.organizations[0],
    }
    if row.lists_purpose:
        record["purposes"] = rng.choice(([row.purpose], list(PURPOSES)))
    if row.needs_function:
        record["functions"] = rng.choice(([row.purpose], list(PURPOSES)))
    if row.purpose == "provide_service":
        record["functions"] = [event["action"]]
    if rng.random() < 0.3:
        del record[rng.choice(("customer_ids", "assignees", "organization"))]
    draft.records.append(record)
    if rng.random() < 0.3:
        draft.records.append({**record, "ref": names.refs[1]})
        _bend_record(draft)


def _be_the_customer(draft: Draft) -> None:
    draft.event["actor_id"] = draft.event["customer_id"]


def _belong_to_the_customer(draft: Draft) -> None:
    draft.event["organization"] = draft.event["customer_id"]


def _give_registers(draft: Draft) -> None:
    """Add the affiliation of an affiliate, most employees' employment, and now and then another's."""
    rng, names, actor_type = draft.rng, draft.names, draft.event["actor_type"]
    kind = {"employee": "employment", "affiliate": "affiliation"}.get(actor_type)
    if kind is not None and rng.random() < 0.75:
        record: dict[str, Any] = {"ref": names.refs[2], "kind": kind, "valid_from": NOON - A_DAY}
        record["assignees"] = [names.people[0]]
        record["organization"] = names.organizations[0]
        draft.records.append(record)
        if rng.random() < 0.4:
            record["teams"] = [names.teams[0]]
            draft.event["actor_team"] = names.teams[0]
            draft.records[0]["assignees"] = [rng.choice(names.teams)]
    if rng.random() < 0.3:
        _add_alias(draft)


def _declare(draft: Draft) -> None:
    """Say purpose and evidence, one of them, or neither."""
    said = draft.rng.choice(("both", "both", "both", "both", "purpose", "ref", "nothing"))
    if said in ("both", "purpose"):
        draft.event["purpose"] = draft.row.purpose
    if said in ("both", "ref") and draft.row.purpose not in ("own_use", "provide_service"):
        draft.event["evidence_ref"] = draft.names.refs[0]


def _add_alias(draft: Draft) -> None:
    """Add a record that links two ids, mostly of the kind that links this actor's, and use one of them."""
    rng, names = draft.rng, draft.names
    kind = ALIAS_KIND.get(draft.event["actor_type"], "employment")
    alias = rng.choice(names.people[1:])
    record: dict[str, Any] = {
        "ref": rng.choice(names.refs[3:]),
        "kind": kind if rng.random() < 0.8 else rng.choice(sorted(KINDS_WITH_ALIASES)),
        "valid_from": NOON - A_DAY,
        "assignees": [names.people[0]],
        "aliases": [alias],
        "organization": names.organizations[0],
    }
    if rng.random() < 0.2:
        record |= {"assignees": [alias], "aliases": [names.people[0], rng.choice(names.people)]}
    draft.records.append(record)
    if rng.random() < 0.5:
        draft.event["actor_id"] = alias
    elif rng.random() < 0.5:
        rng.choice(draft.records)["recorded_by"] = alias


def _bend_event(draft: Draft) -> None:
    """Change one field of the access to something that also occurs in this world."""
    rng, names = draft.rng, draft.names
    bends: dict[str, Callable[[], Any]] = {
        "time": lambda: rng.choice((NOON - A_TICK, NOON + A_TICK, NOON - A_DAY)),
        "actor_type": lambda: rng.choice(get_args(ActorType)),
        "actor_id": lambda: rng.choice(names.people + names.customers),
        "organization": lambda: rng.choice(names.organizations + names.customers),
        "actor_team": lambda: rng.choice((*names.teams, names.people[0], None)),
        "action": lambda: rng.choice(get_args(Action)),
        "resource_type": lambda: rng.choice(get_args(ResourceType)),
        "resource_id": lambda: rng.choice(names.resources),
        "customer_id": lambda: rng.choice((*names.customers, "*", "*")),
        "purpose": lambda: rng.choice((*PURPOSES, None, None)),
        "evidence_ref": lambda: rng.choice((*[record["ref"] for record in draft.records], None)),
    }
    field = rng.choice(sorted(bends))
    draft.event[field] = bends[field]()


def _bend_record(draft: Draft) -> None:
    """Change one field of one record, of the one that explains the access most often."""
    if not draft.records:
        return
    record = draft.records[0] if draft.rng.random() < 0.5 else draft.rng.choice(draft.records)
    field = draft.rng.choice(sorted(_a_record(draft)))
    record[field] = _a_record(draft)[field]


def _a_record(draft: Draft) -> dict[str, Any]:
    """Make a record of anything, all fields set."""
    rng, names = draft.rng, draft.names

    def some(pool: Sequence[str]) -> list[str]:
        return [rng.choice(pool) for _ in range(rng.choice((0, 1, 1, 2)))]

    return {
        "ref": rng.choice(names.refs),
        "kind": rng.choice(get_args(EvidenceKind)),
        "customer_ids": some(names.customers),
        "resource_types": some(get_args(ResourceType)),
        "resource_ids": some(names.resources),
        "assignees": some(names.people + names.teams),
        "functions": some((*PURPOSES, *get_args(Action))),
        "purposes": some(PURPOSES),
        "teams": some(names.teams),
        "aliases": some(names.people),
        "organization": rng.choice((*names.organizations, None)),
        "valid_from": NOON + rng.choice((-A_DAY, -A_DAY, -A_TICK, timedelta(0), A_TICK)),
        "valid_to": rng.choice((None, NOON, NOON + A_TICK, NOON - A_TICK, NOON + A_DAY)),
        "status": rng.choice(("active", "withdrawn", None)),
        "withdrawn_at": rng.choice((None, NOON - A_TICK, NOON, NOON + A_TICK)),
        "origin": rng.choice(("register", "import", "webhook", "manual", "actor_statement", None)),
        "recorded_by": rng.choice(names.people),
    }


def _add_anything(draft: Draft) -> None:
    draft.records.append(_a_record(draft))


def _withdraw(draft: Draft) -> None:
    """Withdraw what explains the access: at once, before, at or after it."""
    if draft.records:
        at = draft.rng.choice((None, NOON - A_TICK, NOON, NOON + A_TICK))
        draft.records[0] |= {"status": "withdrawn", "withdrawn_at": at}


def _outlive(draft: Draft) -> None:
    """Put an edge of what explains the access to where the access is, or next to it."""
    if draft.records:
        field = draft.rng.choice(("valid_from", "valid_to"))
        draft.records[0][field] = NOON + draft.rng.choice((-A_TICK, timedelta(0), A_TICK))


def _overreach(draft: Draft) -> None:
    """Do another thing, or to another kind of resource, than was to be done."""
    if draft.row.resources is None:
        draft.event["action"] = draft.rng.choice(get_args(Action))
    if draft.row.actions is None:
        draft.event["resource_type"] = draft.rng.choice(get_args(ResourceType))


def _relist(draft: Draft) -> None:
    """Let what explains the access list other purposes and functions."""
    if draft.records:
        lists = draft.rng.choice(([], ["curiosity"], [draft.rng.choice(PURPOSES)]))
        draft.records[0] |= {"purposes": lists, "functions": lists}


def _dismiss(draft: Draft) -> None:
    """End, withdraw or void the employment or affiliation behind the access."""
    ends: tuple[dict[str, Any], ...] = (
        {"valid_to": NOON},
        {"valid_to": NOON + A_TICK},
        {"status": "withdrawn"},
        {"status": "withdrawn", "withdrawn_at": NOON},
        {"status": "withdrawn", "withdrawn_at": NOON + A_TICK},
        {"origin": "actor_statement"},
        {"recorded_by": draft.event["actor_id"]},
        {"assignees": [draft.names.people[4]]},
        {"organization": draft.names.organizations[1]},
        {"assignees": [draft.names.teams[0]], "teams": [draft.names.teams[0]]},
    )
    registers = [r for r in draft.records[1:] if r["kind"] in ("employment", "affiliation")]
    for record in registers:
        record.update(draft.rng.choice(ends))
    if not registers:
        colleague = {"ref": draft.names.refs[5], "kind": "employment", "valid_from": NOON + A_DAY}
        draft.records.append({**colleague, "assignees": [draft.names.people[4]]})


def _self_record(draft: Draft) -> None:
    if draft.records:
        draft.rng.choice(draft.records)["recorded_by"] = draft.event["actor_id"]


def _unscope(draft: Draft) -> None:
    """Leave a record without any of the lists that restrict it."""
    if draft.records:
        draft.records[0] |= {"customer_ids": [], "resource_ids": [], "assignees": []}


def _send_away(draft: Draft) -> None:
    """Let the content leave, mostly to whom the evidence names."""
    names = draft.names
    draft.event["recipient"] = draft.rng.choice((names.organizations[0],) * 3 + names.organizations)
    if draft.records and draft.rng.random() < 0.5:
        draft.records[0]["organization"] = names.organizations[0]
    elif draft.rng.random() < 0.5:
        contract = {"ref": names.refs[4], "kind": "engagement", "valid_from": NOON - A_DAY}
        draft.records.append({**contract, "organization": draft.event["recipient"]})
        draft.event["evidence_ref"] = names.refs[4]


def _cite_the_unknown(draft: Draft) -> None:
    draft.event["evidence_ref"] = f"{draft.names.refs[0]}-unknown"


def _mistake_the_purpose(draft: Draft) -> None:
    draft.event["purpose"] = draft.rng.choice(UNKNOWN_PURPOSES)


def _go_back_before_the_policy(draft: Draft) -> None:
    draft.event["time"] = IN_EFFECT_FROM - draft.rng.choice((timedelta(0), A_TICK, A_DAY))
    for record in draft.records:
        record["valid_from"] = IN_EFFECT_FROM - 2 * A_DAY


BENDS: Final = (
    *(_bend_event,) * 8,
    *(_bend_record,) * 12,
    *(_add_anything,) * 4,
    *(_add_alias,) * 4,
    *(_withdraw,) * 2,
    *(_self_record,) * 2,
    *(_unscope,) * 4,
    *(_send_away,) * 2,
    *(_outlive,) * 3,
    *(_overreach,) * 5,
    *(_relist,) * 3,
    *(_dismiss,) * 6,
    _cite_the_unknown,
    _mistake_the_purpose,
    _go_back_before_the_policy,
)


def _with_offsets(rng: Random, draft: Draft) -> list[tuple[int, dict[str, Any]]]:
    """Give every record an offset in any order, and some of them an older version that says otherwise."""
    records = list(draft.records)
    rng.shuffle(records)
    for record in draft.records:
        if rng.random() < 0.15:
            older = {**_a_record(draft), "ref": record["ref"]}
            records.insert(rng.randrange(records.index(record) + 1), older)
    offsets = sorted(rng.sample(range(40), len(records)))
    versioned = [
        (offset, _written(rng, _allowed(record))) for offset, record in zip(offsets, records, strict=True)
    ]
    rng.shuffle(versioned)
    return versioned


def _allowed(record: dict[str, Any]) -> dict[str, Any]:
    """Keep the rules that every published record keeps."""
    record = dict(record)
    if record.get("status") != "withdrawn":
        record["withdrawn_at"] = None
    if record["kind"] in KINDS_WITH_ALIASES and record.get("aliases"):
        record["assignees"] = (record.get("assignees") or ["nobody"])[:1]
    if record.get("valid_to") is not None:
        record["valid_to"] = max(record["valid_to"], record["valid_from"])
    return record


def _written(rng: Random, fields: dict[str, Any]) -> dict[str, Any]:
    """Write fields as JSON has them; a null field stands for an absent one as often as not."""
    kept = {name: value for name, value in fields.items() if value is not None or rng.random() < 0.5}
    return {name: _time_text(rng, kept[name]) if name in INSTANTS else kept[name] for name in kept}


def _time_text(rng: Random, instant: datetime | None) -> str | None:
    """Write an instant in one of the ways that RFC 3339 allows."""
    if instant is None:
        return None
    hours = rng.choice((0, 0, 0, 5.5, -8, 14))
    if hours == 0:
        text = instant.strftime("%Y-%m-%dT%H:%M:%S.%f")
        return text + rng.choice(("Z", "Z", "+00:00", "-00:00", "999Z"))
    local = instant + timedelta(hours=hours)
    minutes = int(abs(hours) * 60)
    sign = "+" if hours > 0 else "-"
    return local.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def histogram(made: Sequence[World]) -> tuple[Counter[str], Counter[str]]:
    """Count the reasons and the clauses that the oracle gives in these worlds."""
    answers = [judge(w.event, w.evidence, received_at=w.received_at, as_of=w.as_of) for w in made]
    return Counter(a.reason for a in answers), Counter(str(a.clause) for a in answers)


def main() -> None:
    """Print how often each reason and clause occurs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=4000)
    arguments = parser.parse_args()
    for counts in histogram(seeded_worlds(arguments.seed, arguments.count)):
        for name, count in counts.most_common():
            print(f"{count:6} {name}")  # noqa: T201 - the histogram is what was asked for
        print()  # noqa: T201


if __name__ == "__main__":
    main()
