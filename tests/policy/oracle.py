"""A second judge, written from the contract alone, sentence by sentence, for comparison.

It shares nothing with `earwitness.policy`: no index, no policy file, no compiled check. It scans every
record for every question and sorts reasons last. Slow, and meant to be read beside the contract.
Where a sentence can be read in two ways, a comment that begins with "reading:" says which was taken.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tests.policy.oracle_table import (
    ALIAS_KIND,
    GRACE,
    IN_EFFECT_FROM,
    KINDS_THAT_COVER_A_RECIPIENT,
    KINDS_THAT_NEED_CUSTOMERS,
    PRECEDENCE,
    TABLE,
    Row,
)

Fields = Mapping[str, Any]
"""An event or a record, as its JSON says it."""

Versioned = tuple[int, Fields]
"""A record with its offset on the evidence topic."""


class Answer(NamedTuple):
    """What the oracle says of one access.

    reading: `evidence_used` is the piece that justifies; a refusal uses none. The other way: a refusal names
    the evidence that was cited and did not do, and a justification the registers beside it.
    """

    verdict: str
    reason: str
    clause: str | None
    evidence_used: frozenset[str]
    derived: bool


class Scene(NamedTuple):
    """All that an answer depends on, with each question asked of it below."""

    event: Fields
    records: tuple[Fields, ...]
    """The newest record of each ref, the smallest offset first."""
    ids: frozenset[str]
    """Every id that is the actor's for certain, its own included: what may speak for the actor."""
    perhaps_ids: frozenset[str]
    """These and the ids that may be the actor's: what such an id entered proves nothing."""


def judge(event: Fields, evidence: Sequence[Versioned], *, received_at: datetime, as_of: datetime) -> Answer:
    """Answer for one access, with `evidence` as `(offset, record)`, versions of a ref included."""
    records = newest_records(evidence)
    scene = Scene(event, records, *ids_of_the_actor(event, records))
    answer = _answer(scene)
    if answer.reason == "evidence_not_found" and as_of < received_at + GRACE:
        return answer._replace(verdict="pending")
    return answer


def _answer(scene: Scene) -> Answer:
    if _time(scene.event["time"]) < IN_EFFECT_FROM:
        return Answer("indeterminate", "no_policy_in_effect", None, frozenset(), derived=False)
    purpose = scene.event.get("purpose")
    if purpose is None:
        return _judge_undeclared(scene)
    for row in TABLE:
        if row.purpose == purpose:
            return _judge_purpose(scene, row)
    return _refused({"purpose_unknown"})


def _judge_purpose(scene: Scene, row: Row) -> Answer:
    if not may(row, scene.event):
        return _refused({"actor_not_permitted"})
    if row.purpose == "own_use":
        return Answer("justified", "clause_met", row.clause, frozenset(), derived=False)
    if row.purpose == "provide_service":
        return _judge_declared_service(scene, row)
    return _judge_declared(scene, row)


def _judge_declared(scene: Scene, row: Row) -> Answer:
    """Judge a purpose that needs evidence."""
    ref = scene.event.get("evidence_ref")
    if ref is None:
        record = _first_that_explains(scene, row)
        if record is not None:
            return _justified("derived", row, record)
        return _refused({"evidence_not_cited"} | _recipient_without_evidence(scene))
    cited = _record_of(scene, ref)
    if cited is None:
        return _refused({"evidence_not_found"})
    failures = failed_checks(scene, row, cited)
    return _refused(failures) if failures else _justified("clause_met", row, cited)


def _judge_undeclared(scene: Scene) -> Answer:
    for row in TABLE:
        if not may(row, scene.event):
            continue
        if row.purpose == "own_use":
            return Answer("justified", "derived", row.clause, frozenset(), derived=True)
        record = _what_explains_undeclared(scene, row)
        if record is not None:
            return _justified("derived", row, record)
    ref = scene.event.get("evidence_ref")
    if ref is None:
        return _refused({"purpose_not_declared"} | _recipient_without_evidence(scene))
    # reading: what follows holds for services and customers too, as the sentence on refs without a purpose
    # says for everybody. The other way: own_use and provide_service ignore a cited ref, so nothing is
    # awaited and no cited ref covers a recipient.
    cited = _record_of(scene, ref)
    if cited is None:
        return _refused({"evidence_not_found"})
    return _refused({"purpose_not_declared"} | _recipient_not_covered(scene, cited))


def _what_explains_undeclared(scene: Scene, row: Row) -> Fields | None:
    if row.purpose == "provide_service":
        return _first_account_that_does(scene, row)
    ref = scene.event.get("evidence_ref")
    if ref is None:
        return _first_that_explains(scene, row)
    cited = _record_of(scene, ref)
    return None if cited is None or failed_checks(scene, row, cited) else cited


def _judge_declared_service(scene: Scene, row: Row) -> Answer:
    record = _first_account_that_does(scene, row)
    if record is not None:
        return _justified("clause_met", row, record)
    accounts = _accounts_that_name(scene)
    if not accounts:
        return _refused({"account_not_registered"} | _recipient_without_evidence(scene))
    # reading: "registered first" is by the newest record's offset, as in derivation. The other way: by the
    # offset at which the ref first appeared, which a compacted topic forgets.
    return _refused(failed_checks(scene, row, accounts[0]))


def _accounts_that_name(scene: Scene) -> list[Fields]:
    return [
        record
        for record in scene.records
        if record["kind"] == "service_account" and names_the_actor(scene, record)
    ]


def _first_account_that_does(scene: Scene, row: Row) -> Fields | None:
    for record in _accounts_that_name(scene):
        if not failed_checks(scene, row, record):
            return record
    return None


def _first_that_explains(scene: Scene, row: Row) -> Fields | None:
    """Derive: every check, and for employees and affiliates the record names them or their team."""
    for record in scene.records:
        if failed_checks(scene, row, record):
            continue
        if scene.event["actor_type"] in ("employee", "affiliate") and not names_the_actor(scene, record):
            continue
        return record
    return None


def may(row: Row, event: Fields) -> bool:
    """Say whether the column "who may" admits the actor."""
    if event["actor_type"] not in row.who_may:
        return False
    if row.purpose != "own_use":
        return True
    # reading: the customer's condition stands in "who may", so whoever declares own_use of another
    # customer's content is actor_not_permitted. The other way: evidence_wrong_customer.
    customer = event["customer_id"]
    return customer != "*" and customer in (event["actor_id"], event.get("organization"))


def failed_checks(scene: Scene, row: Row, record: Fields) -> set[str]:
    """Name every check of one clause that one piece of evidence fails, whatever their order."""
    failures: set[str] = set()
    for check in (
        _check_clause,
        _check_customer,
        _check_resource,
        _check_force,
        _check_actor,
    ):
        failures |= check(scene, row, record)
    return failures | _recipient_not_covered(scene, record)


def _check_clause(scene: Scene, row: Row, record: Fields) -> set[str]:
    event, failures = scene.event, set()
    if record["kind"] != row.kind:
        failures.add("evidence_wrong_kind")
    if is_self_recorded(record, scene.perhaps_ids):
        failures.add("evidence_self_recorded")
    if row.lists_purpose and row.purpose not in _list(record, "purposes"):
        failures.add("evidence_wrong_purpose")
    if row.same_organization and (
        record.get("organization") is None or record["organization"] != event.get("organization")
    ):
        failures.add("evidence_wrong_organization")
    if row.needs_function and row.purpose not in _list(record, "functions"):
        failures.add("evidence_wrong_function")
    if row.purpose == "provide_service" and event["action"] not in _list(record, "functions"):
        failures.add("evidence_wrong_function")
    if row.resources is not None and event["resource_type"] not in row.resources:
        failures.add("resource_not_needed")
    if row.actions is not None and event["action"] not in row.actions:
        failures.add("action_not_needed")
    return failures


def _check_customer(scene: Scene, _row: Row, record: Fields) -> set[str]:
    failures = set()
    customers = _list(record, "customer_ids")
    if record["kind"] == "work_order" and not (
        customers or _list(record, "resource_ids") or _list(record, "assignees")
    ):
        failures.add("evidence_without_scope")
    if scene.event["customer_id"] == "*":
        if customers or record["kind"] in KINDS_THAT_NEED_CUSTOMERS:
            failures.add("evidence_wrong_customer")
    elif customers:
        if scene.event["customer_id"] not in customers:
            failures.add("evidence_wrong_customer")
    elif record["kind"] in KINDS_THAT_NEED_CUSTOMERS:
        failures.add("evidence_wrong_customer")
    return failures


def _check_resource(scene: Scene, _row: Row, record: Fields) -> set[str]:
    types, ids = _list(record, "resource_types"), _list(record, "resource_ids")
    if types and scene.event["resource_type"] not in types:
        return {"evidence_wrong_resource"}
    if ids and scene.event["resource_id"] not in ids:
        return {"evidence_wrong_resource"}
    return set()


def _check_force(scene: Scene, _row: Row, record: Fields) -> set[str]:
    at = _time(scene.event["time"])
    failures = set()
    if not _is_within(record, at):
        failures.add("evidence_not_in_force")
    if _is_withdrawn(record, at):
        failures.add("evidence_withdrawn")
    return failures


def _check_actor(scene: Scene, _row: Row, record: Fields) -> set[str]:
    failures = set()
    if _list(record, "assignees") and not names_the_actor(scene, record):
        failures.add("actor_not_assigned")
    if scene.event["actor_type"] == "employee" and not _is_employed(scene):
        failures.add("actor_not_employed")
    if scene.event["actor_type"] == "affiliate" and not _is_affiliated(scene):
        failures.add("affiliation_not_in_force")
    return failures


def _recipient_not_covered(scene: Scene, record: Fields) -> set[str]:
    """Say outside_transfer where content leaves and `record` is not about who it goes to.

    reading: only kind and organization are asked of it here ("its other failings keep their own reasons").
    """
    recipient = scene.event.get("recipient")
    if recipient is None:
        return set()
    if record["kind"] in KINDS_THAT_COVER_A_RECIPIENT and record.get("organization") == recipient:
        return set()
    return {"outside_transfer"}


def _recipient_without_evidence(scene: Scene) -> set[str]:
    """As above, where no evidence is cited or derived.

    reading: a service's cited ref is ignored here too, and a service_account is of no kind that covers a
    recipient, so a service never sends content outside. The other way: the ref that it cites covers the
    recipient, and its account the access.
    """
    return {"outside_transfer"} if scene.event.get("recipient") is not None else set()


def _is_employed(scene: Scene) -> bool:
    """Say whether the staff register, if there is any, names the actor.

    reading: any newest record of kind employment makes the register known, self-recorded ones included
    ("any … whatever its status"). A ref whose newest record is of another kind is not known as employment.
    """
    if not any(record["kind"] == "employment" for record in scene.records):
        return True
    return bool(_employments(scene))


def _employments(scene: Scene) -> list[Fields]:
    """Give the employment records in force that name the actor and prove it.

    reading: "names them in `assignees`" is by the ids of the person; a team's name there names nobody.
    """
    return [
        record
        for record in scene.records
        if record["kind"] == "employment"
        and not scene.ids.isdisjoint(_list(record, "assignees"))
        and not is_self_recorded(record, scene.perhaps_ids)
        and _is_in_force(record, _time(scene.event["time"]))
    ]


def _is_affiliated(scene: Scene) -> bool:
    return bool(_affiliations(scene))


def _affiliations(scene: Scene) -> list[Fields]:
    """Give the affiliations in force of the actor's organization. "Nothing else of it is checked"."""
    return [
        record
        for record in scene.records
        if record["kind"] == "affiliation"
        and record.get("organization") == scene.event.get("organization")
        and not is_self_recorded(record, scene.perhaps_ids)
        and _is_in_force(record, _time(scene.event["time"]))
    ]


def names_the_actor(scene: Scene, record: Fields) -> bool:
    """Say whether `assignees` holds an id of the actor, or the actor's team where that counts."""
    assignees = _list(record, "assignees")
    if not scene.ids.isdisjoint(assignees):
        return True
    return team_that_counts(scene) in assignees


def team_that_counts(scene: Scene) -> str | None:
    """Give the event's `actor_team` where a register lists it, else None.

    reading: "the affiliate's affiliation" is its organization's, as for affiliation_not_in_force; its
    `assignees` are not asked. The other way: an affiliation that names assignees lends its teams to them.
    """
    team = scene.event.get("actor_team")
    lists: dict[str, Callable[[Scene], list[Fields]]] = {"employee": _employments, "affiliate": _affiliations}
    find = lists.get(scene.event["actor_type"])
    if team is None or find is None:
        return None
    return team if any(team in _list(record, "teams") for record in find(scene)) else None


def is_self_recorded(record: Fields, ids: frozenset[str]) -> bool:
    """Say whether the actor, under any of `ids`, or an actor's statement is behind this record."""
    return record.get("origin") == "actor_statement" or record.get("recorded_by") in ids


def ids_of_the_actor(event: Fields, records: Iterable[Fields]) -> tuple[frozenset[str], frozenset[str]]:
    """Find the ids that are the same actor as the event's `actor_id`: for certain, and perhaps.

    Records link their assignee with their aliases, and links chain. A record entered by the actor proves
    no alias; but who the actor is depends on the aliases. So links are sorted until nothing changes into
    those that hold whatever else does, those that cannot hold, and the rest.

    reading: the rest are records that come from the actor if what they say is true (an employment that
    one of its own aliases entered). They count as self-recorded and prove nothing. The other way: they
    prove no alias, so nothing says that they are the actor's, and they prove the rest of what they say.

    reading: nothing asks an alias to be in force, so a record that ended or was withdrawn still says that
    two ids are one actor. The other way: only records in force at `time` link.
    """
    links = [record for record in records if _links_ids_of(event, record)]
    holding: list[Fields] = []
    while True:
        certain = _chain(event["actor_id"], holding)
        possible = [record for record in links if not is_self_recorded(record, certain)]
        perhaps = _chain(event["actor_id"], possible)
        now_holding = [record for record in links if not is_self_recorded(record, perhaps)]
        if len(now_holding) == len(holding):
            return certain, perhaps
        holding = now_holding


def _links_ids_of(event: Fields, record: Fields) -> bool:
    kind = ALIAS_KIND.get(event["actor_type"])
    if record["kind"] != kind or not _list(record, "aliases"):
        return False
    if kind in ("affiliation", "engagement"):
        return record.get("organization") == event.get("organization")
    return True


def _chain(actor_id: str, links: Iterable[Fields]) -> frozenset[str]:
    ids = {actor_id}
    groups = [{*_list(record, "assignees"), *_list(record, "aliases")} for record in links]
    while any(not ids.isdisjoint(group) and not group <= ids for group in groups):
        for group in groups:
            if not ids.isdisjoint(group):
                ids |= group
    return frozenset(ids)


def newest_records(evidence: Iterable[Versioned]) -> tuple[Fields, ...]:
    """Keep the record with the highest offset of each ref, ordered by that offset."""
    newest: dict[str, Versioned] = {}
    for offset, record in evidence:
        known = newest.get(record["ref"])
        if known is None or offset > known[0]:
            newest[record["ref"]] = (offset, record)
    return tuple(record for _, record in sorted(newest.values(), key=lambda versioned: versioned[0]))


def _record_of(scene: Scene, ref: str) -> Fields | None:
    for record in scene.records:
        if record["ref"] == ref:
            return record
    return None


def _is_in_force(record: Fields, at: datetime) -> bool:
    return _is_within(record, at) and not _is_withdrawn(record, at)


def _is_within(record: Fields, at: datetime) -> bool:
    if at < _time(record["valid_from"]):
        return False
    return record.get("valid_to") is None or at < _time(record["valid_to"])


def _is_withdrawn(record: Fields, at: datetime) -> bool:
    if record.get("status") != "withdrawn":
        return False
    return record.get("withdrawn_at") is None or at >= _time(record["withdrawn_at"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


def _list(record: Fields, name: str) -> list[str]:
    return record.get(name) or []


def _justified(reason: str, row: Row, record: Fields) -> Answer:
    return Answer("justified", reason, row.clause, frozenset({record["ref"]}), derived=reason == "derived")


def _refused(failures: set[str]) -> Answer:
    reason = min(failures, key=PRECEDENCE.index)
    clause = "no-sale-or-transfer" if reason == "outside_transfer" else None
    return Answer("unjustified", reason, clause, frozenset(), derived=False)
