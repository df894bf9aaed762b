"""Why an access has its verdict: judged once more, from exactly what was known when it was judged."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from earwitness.policy import EvidenceIndex, PolicySet, explain
from earwitness.policy.alternatives import Alternative, find_alternatives
from earwitness.query.causes import with_causes
from earwitness.query.disclosure import disclose
from earwitness.query.evidence import Evidence, Item, KnownRecord, Subject
from earwitness.query.rows import Row, event_of
from earwitness.query.trail import Trail
from models.fields import format_time, parse_time
from models.policy import ACTORS_WITH_STANDING, Clause, Forbid, PolicyDocument
from models.verdict import Check, Verdict

MOST_REFS: Final = 50
"""Pieces of evidence that one explanation shows."""


_CHECKS_OF_STANDING: Final = frozenset({"employed", "affiliated"})


class _Judged(NamedTuple):
    """What judging again found, and the records that it was made from."""

    records: Mapping[str, KnownRecord]
    checks: tuple[Check, ...] = ()
    missing: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    differences: tuple[dict[str, Any], ...] = ()


class Explainer:
    """Explains rows of the trail. Safe to share between threads."""

    def __init__(self, trail: Trail, evidence: Evidence, policies: Callable[[], PolicySet]) -> None:
        self._trail = trail
        self._evidence = evidence
        self._policies = policies

    def __call__(self, row: Row, as_of: datetime | None = None) -> dict[str, Any]:
        """Give the explanation of one row as JSON; with `as_of`, nothing that was learned after it.

        The row is then what `Trail.as_known_at` gives. `differences` is empty unless judging again gave
        something else than the row says, which a changed policy file or evidence log would do, and which
        the reader must be told of. Before that is said, every record was looked through, not only those
        that can matter. Where the policy version has no file any more, nothing can be judged again:
        `policy.known` is false, and `policy.note` says so.
        """
        known = self._policies()
        unreadable = _unreadable(row)
        policies = None if unreadable else _policies_of(known, row)
        about = self._evidence.identified(_subject(row), row["evidence_version"])
        judged = self._judge_again(row, policies, about)
        if judged.differences:
            judged = self._judge_again(row, policies, None)
        document = _document(known, row)
        return {
            "as_of": format_time(as_of) if as_of else None,
            "access": row,
            "clause": _clause_named(document, row["clause"]),
            "purpose": _clause_of_purpose(document, row["purpose"]),
            "policy": _policy(document, row, unreadable, can_judge=policies is not None),
            "checks": [check._asdict() for check in judged.checks],
            "missing": list(judged.missing),
            "alternatives": [alternative._asdict() for alternative in judged.alternatives],
            "evidence": self._evidence_shown(row, judged, as_of),
            "history": self._history(row, about, judged, as_of),
            "differences": list(judged.differences),
        }

    def _judge_again(self, row: Row, policies: PolicySet | None, about: Subject | None) -> _Judged:
        records = {
            known.record.ref: known for known in self._evidence.known_at(row["evidence_version"], about)
        }
        if policies is None:
            return _Judged(records)
        index = EvidenceIndex()
        for known in records.values():
            index.put(known.record, known.version)
        event, as_of = event_of(row), parse_time(row["judged_at"])
        received_at = parse_time(row["received_at"])
        explanation = explain(event, policies, index, received_at=received_at, as_of=as_of)
        return _Judged(
            records,
            explanation.checks,
            explanation.missing,
            find_alternatives(event, policies, index, received_at=received_at, as_of=as_of),
            tuple(_differences(row, explanation.verdict)),
        )

    def _evidence_shown(self, row: Row, judged: _Judged, as_of: datetime | None) -> list[dict[str, Any]]:
        would_do = [each.evidence_ref for each in judged.alternatives if each.evidence_ref is not None]
        refs = list(dict.fromkeys((*_refs(row, judged), *would_do)))[:MOST_REFS]
        firsts = self._evidence.first_registered(refs)
        standing = _standing_refs(judged)
        return [
            {
                "ref": ref,
                "cited": ref == row["evidence_ref"],
                "used": ref in row["evidence_used"],
                "standing": ref in standing,
                "first_registered_at": _shown_by(firsts[ref][1], as_of) if ref in firsts else None,
                **disclose(
                    judged.records.get(ref), self._versions(ref, as_of), happened_at=parse_time(row["time"])
                ),
            }
            for ref in refs
        ]

    def _versions(self, ref: str, as_of: datetime | None) -> list[Item]:
        versions = self._evidence.versions(ref)
        return [item for item in versions if as_of is None or parse_time(item["registered_at"]) <= as_of]

    def _history(self, row: Row, about: Subject, judged: _Judged, as_of: datetime | None) -> list[Row]:
        history = self._trail.history(row["id"], row["source"], as_of)
        if len(history) < 2:
            return with_causes(history, (), ())
        used = [ref for verdict in history for ref in verdict["evidence_used"]]
        refs = list(dict.fromkeys((*_refs(row, judged), *used)))
        versions = [verdict["evidence_version"] for verdict in history]
        registrations = self._evidence.registered_between(min(versions), max(versions), about, refs)
        return with_causes(history, registrations, refs)


def _policies_of(known: PolicySet, row: Row) -> PolicySet | None:
    """Give the policy that the verdict names, whatever came into effect later; None where it is gone."""
    if row["policy_version"] is None:
        return known
    policy = known.version(row["policy_version"])
    if policy is None:
        return None
    effective = policy.effective_from <= parse_time(row["time"])
    return PolicySet([policy]) if effective and policy.digest == row["policy_digest"] else known


def _document(known: PolicySet, row: Row) -> PolicyDocument | None:
    policy = known.version(row["policy_version"] or "")
    return policy.document if policy is not None and policy.digest == row["policy_digest"] else None


def _refs(row: Row, judged: _Judged) -> list[str]:
    """Name what is cited, what justifies the access, what was held against it, and who the actor is by."""
    checked = [check.evidence_ref for check in judged.checks]
    named = (row["evidence_ref"], *row["evidence_used"], *checked, *_standing_refs(judged))
    return list(dict.fromkeys(ref for ref in named if ref))


def _standing_refs(judged: _Judged) -> list[str]:
    """Name the employments or affiliations that the checks of the actor's standing tell of."""
    told = "; ".join(check.found for check in judged.checks if check.name in _CHECKS_OF_STANDING)
    return [
        ref
        for ref, known in judged.records.items()
        if known.record.kind in ACTORS_WITH_STANDING and f"; {ref} " in f"; {told} "
    ]


def _shown_by(moment: datetime, as_of: datetime | None) -> str | None:
    return format_time(moment) if as_of is None or moment <= as_of else None


def _subject(row: Row) -> Subject:
    organizations = tuple(name for name in (row["organization"], row["recipient"]) if name)
    return Subject(
        row["evidence_ref"] or "", row["customer_id"], row["actor_id"], organizations, row["actor_team"] or ""
    )


def _unreadable(row: Row) -> str | None:
    """Say what of a stored row is no event of today's contract, which may be stricter than when it came."""
    try:
        event_of(row)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return "; ".join(faults)
    return None


def _policy(
    document: PolicyDocument | None, row: Row, unreadable: str | None, *, can_judge: bool
) -> dict[str, Any]:
    version, digest = row["policy_version"], row["policy_digest"]
    if unreadable is not None:
        note = (
            f"The access as it is stored does not meet the contract of this version ({unreadable}), so it"
            " cannot be judged again. Verdict, evidence and history are as they were recorded."
        )
    elif document is not None or version is None:
        note = None
    elif can_judge:
        note = (
            f"The policy folder holds a version {version} with other content than this verdict names"
            f" (digest {digest}). The checks are made by what the folder holds."
        )
    else:
        note = (
            f"The policy folder of this installation no longer holds version {version} (digest {digest}),"
            " so the access cannot be judged again and neither its clause nor its checks can be shown."
            " Verdict, evidence and history are as they were recorded."
        )
    return {
        "version": version,
        "digest": digest,
        "title": document.title if document else None,
        "known": document is not None,
        "note": note,
    }


def _clause_named(document: PolicyDocument | None, clause_id: str | None) -> dict[str, Any] | None:
    if document is None or clause_id is None:
        return None
    parts: list[Clause | Forbid] = [*document.clauses, document.forbid]
    return next((_words(part) for part in parts if part.id == clause_id), None)


def _clause_of_purpose(document: PolicyDocument | None, purpose: str | None) -> dict[str, Any] | None:
    """Give the clause behind the declared purpose, whether or not the access met it."""
    if document is None or purpose is None:
        return None
    return next((_words(clause) for clause in document.clauses if clause.purpose == purpose), None)


def _words(clause: Clause | Forbid) -> dict[str, Any]:
    return {"id": clause.id, "title": clause.title, "quotes": list(clause.quotes)}


def _differences(row: Row, verdict: Verdict) -> list[dict[str, Any]]:
    again = {
        "verdict": verdict.outcome,
        "reason": verdict.reason,
        "clause": verdict.clause,
        "evidence_used": list(verdict.evidence_used),
        "derived": verdict.derived,
        "policy_version": verdict.policy_version or None,
        "policy_digest": verdict.policy_digest or None,
    }
    return [
        {"field": name, "stored": row[name], "judged_again": value}
        for name, value in again.items()
        if row[name] != value
    ]
