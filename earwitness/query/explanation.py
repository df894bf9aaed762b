"""Why an access has its verdict: judged once more, from exactly what was known when it was judged."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from earwitness.policy import EvidenceIndex, PolicySet, explain
from earwitness.query.evidence import Evidence, KnownRecord, Subject
from earwitness.query.rows import Row, event_of
from earwitness.query.trail import Trail
from models.fields import format_time, parse_time
from models.policy import Clause, Forbid, PolicyDocument
from models.verdict import Explanation, Verdict

MOST_REFS: Final = 50
"""Pieces of evidence that one explanation shows."""


class _Judged(NamedTuple):
    """An explanation, and the records that it was made from."""

    explanation: Explanation
    records: Mapping[str, KnownRecord]
    differences: list[dict[str, Any]]


class Explainer:
    """Explains rows of the trail. Safe to share between threads."""

    def __init__(self, trail: Trail, evidence: Evidence, policies: Callable[[], PolicySet]) -> None:
        self._trail = trail
        self._evidence = evidence
        self._policies = policies

    def __call__(self, row: Row) -> dict[str, Any]:
        """Give the explanation of one row as JSON.

        `differences` is empty unless judging again gave something else than the row says, which a
        changed policy file or evidence log would do, and which the reader must be told of. Before that
        is said, every record was looked through, not only those that can matter.
        """
        judged = self._judge_again(row, _subject(row))
        if judged.differences:
            judged = self._judge_again(row, None)
        document = self._document(row)
        return {
            "access": row,
            "clause": _clause_named(document, row["clause"]),
            "purpose": _clause_of_purpose(document, row["purpose"]),
            "policy": _policy(document, row),
            "checks": [check._asdict() for check in judged.explanation.checks],
            "missing": list(judged.explanation.missing),
            "evidence": self._evidence_shown(row, judged),
            "history": self._trail.history(row["id"], row["source"]),
            "differences": judged.differences,
        }

    def _judge_again(self, row: Row, about: Subject | None) -> _Judged:
        records = {
            known.record.ref: known for known in self._evidence.known_at(row["evidence_version"], about)
        }
        index = EvidenceIndex()
        for known in records.values():
            index.put(known.record, known.version)
        explanation = explain(
            event_of(row),
            self._policies(),
            index,
            received_at=parse_time(row["received_at"]),
            as_of=parse_time(row["judged_at"]),
        )
        return _Judged(explanation, records, _differences(row, explanation.verdict))

    def _document(self, row: Row) -> PolicyDocument | None:
        policy = self._policies().version(row["policy_version"] or "")
        return policy.document if policy is not None and policy.digest == row["policy_digest"] else None

    def _evidence_shown(self, row: Row, judged: _Judged) -> list[dict[str, Any]]:
        checked = [check.evidence_ref for check in judged.explanation.checks]
        refs = dict.fromkeys(ref for ref in (row["evidence_ref"], *row["evidence_used"], *checked) if ref)
        return [self._one_shown(ref, row, judged.records.get(ref)) for ref in list(refs)[:MOST_REFS]]

    def _one_shown(self, ref: str, row: Row, known: KnownRecord | None) -> dict[str, Any]:
        later = [item for item in self._evidence.versions(ref) if item["version"] > row["evidence_version"]]
        return {
            "ref": ref,
            "cited": ref == row["evidence_ref"],
            "used": ref in row["evidence_used"],
            "version": known.version if known else None,
            "registered_at": format_time(known.registered_at) if known else None,
            "record": known.record.model_dump(mode="json", exclude_defaults=True) if known else None,
            "later": [
                {name: item[name] for name in ("version", "registered_at")} for item in reversed(later)
            ],
        }


def _subject(row: Row) -> Subject:
    organizations = tuple(name for name in (row["organization"], row["recipient"]) if name)
    return Subject(row["evidence_ref"] or "", row["customer_id"], row["actor_id"], organizations)


def _policy(document: PolicyDocument | None, row: Row) -> dict[str, Any]:
    return {
        "version": row["policy_version"],
        "digest": row["policy_digest"],
        "title": document.title if document else None,
        "known": document is not None,
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
