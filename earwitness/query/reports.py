"""Reports: what was done with a customer's content, by or for a vendor, or under a clause, in a period."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from earwitness.query.completeness import completeness
from earwitness.query.conditions import Condition, both
from earwitness.query.language import Query, all_of, any_of, between, condition_of, names_any
from earwitness.query.language.fields import FIELDS, closest
from earwitness.query.language.tree import Term, Text
from earwitness.query.newest import FIRST_VERDICT, candidates
from earwitness.query.policy_words import PolicyWords, Version
from earwitness.query.rows import Row, plain
from earwitness.query.store import Store
from earwitness.query.trail import with_ids
from models.errors import QueryRejected
from models.fields import EVERY_CUSTOMER, format_time
from models.tokens import EVERYTHING, Scope

ReportKind = Literal["customer", "vendor", "clause"]
MOST_CONSULTATIONS: Final = 5_000
"""Lines of one report; what they leave out is counted."""

MOST_LINES: Final = 100_000
MOST_GROUPS: Final = 20_000
MOST_IDS: Final = 500_000
"""Accesses that are named by their ids; of a clause there can be more."""

_WHY: Final = "verdict, reason, clause, purpose, policy_version, policy_digest"
_WHO: Final = "actor_type, organization, recipient"
_WHAT: Final = "action, resource_type, outcome"


class Asked(NamedTuple):
    """What a report is about. The interval is of event time; None is without a bound."""

    kind: ReportKind
    subject: str
    since: datetime | None
    until: datetime | None
    made_at: datetime
    with_actors: bool
    scope: Scope = EVERYTHING
    """Of which customers and vendors alone it is made: it must say so, or it would deny what others did."""


class Reports:
    """The named questions of reports."""

    def __init__(self, store: Store, ledger: Store | None = None) -> None:
        self._store = store
        self._ledger = ledger or store
        self._words = PolicyWords(store)

    def asking(self, store: Store) -> "Reports":
        """Give reports of what another user of ClickHouse sees; the ledger tells whether all is there."""
        return Reports(store, self._ledger)

    def make(self, asked: Asked) -> dict[str, Any]:
        """Make a report as JSON: what it covers, counts by clause, and each day's consultations.

        A line of `consultations` counts what happened alike on one day. Actors are named only where
        `with_actors` says so.
        """
        query = _about(asked)
        where = self._where(query)
        lines = self._lines(where, asked)
        # All lines are counted by, whether listed or not; only where even they are too many is asked again.
        groups = lines if len(lines) < MOST_LINES else self._groups(where)
        days = lines[:MOST_CONSULTATIONS]
        total = sum(group["accesses"] for group in groups)
        if asked.kind == "clause" and not total:
            self._refuse_unknown(asked.subject)
        return {
            "kind": asked.kind,
            "subject": asked.subject,
            "since": format_time(asked.since) if asked.since else None,
            "until": format_time(asked.until) if asked.until else None,
            "made_at": format_time(asked.made_at),
            "with_actors": asked.with_actors,
            "scope": None if asked.scope.is_everything else asked.scope._asdict(),
            "total": total,
            "verdicts": dict(sorted(_counted(groups, "verdict").items())),
            "pending": _pending(groups),
            "wide_count": self._wide_count(asked),
            "completeness": self._completeness(asked),
            **self._worded(groups),
            "consultations": days,
            "left_out": total - sum(day["accesses"] for day in days),
        }

    def _refuse_unknown(self, clause: str) -> None:
        """Refuse a clause that no policy version has: "nothing was done" would be taken for an all-clear."""
        known = self._words.clauses()
        if known and clause not in known:
            near = closest(clause, known)
            raise QueryRejected(
                f"no policy version has a clause {clause}",
                f"did you mean {near}?" if near else f"the clauses are {', '.join(sorted(known))}",
            )

    def _completeness(self, asked: Asked) -> dict[str, Any]:
        """Say whether all is there; how much that is tells somebody who may see a part of it too much."""
        told = completeness(self._ledger, since=asked.since, now=asked.made_at)
        if self._ledger is self._store:
            return told._asdict()
        return {"complete": told.complete, "through": told.through}

    def _where(self, query: Query) -> Condition:
        """Name the accesses by their ids, too, where they are not too many: else all of a time are joined."""
        condition = condition_of(query)
        if not names_any(query, FIRST_VERDICT):
            return condition._replace(sql=with_ids(condition))
        answer = self._store.ask(f"SELECT count() FROM accesses WHERE {condition.sql}", condition.parameters)  # noqa: S608 - compiled
        few = sum(int(count) for (count,) in answer.rows) <= MOST_IDS
        return both(condition, candidates(query)) if few else condition

    def _worded(self, groups: Sequence[Row]) -> dict[str, Any]:
        """Give what the groups are counted by in the words of the policy versions that they name."""
        versions = self._words.of(
            sorted({(g["policy_version"], g["policy_digest"]) for g in groups}, key=str)
        )
        return {
            "policies": [
                {
                    "version": version.version,
                    "digest": version.digest,
                    "title": version.title,
                    "accesses": sum(
                        group["accesses"] for group in groups if group["policy_digest"] == version.digest
                    ),
                }
                for version in versions.values()
            ],
            "clauses": _clauses(groups, versions),
            "unexplained": _unexplained(groups),
            "purposes": [
                {"purpose": purpose, "accesses": accesses}
                for purpose, accesses in _counted(groups, "purpose").most_common()
            ],
        }

    def _groups(self, where: Condition) -> list[Row]:
        answer = self._store.ask(
            f"SELECT {_WHY}, count() AS accesses, min(trail.time) AS first, max(trail.time) AS last"  # noqa: S608 - a compiled condition
            f" FROM trail WHERE {where.sql} GROUP BY {_WHY}"
            f" ORDER BY accesses DESC, {_WHY} LIMIT {MOST_GROUPS}",
            where.parameters,
        )
        return [plain(record) for record in answer.records()]

    def _lines(self, where: Condition, asked: Asked) -> list[Row]:
        names = f"day, {_WHO}, {_WHAT}, {_WHY}" + (", actor_id" if asked.with_actors else "")
        # Of a clause there can be millions: which of them touched the same thing is not worth a minute.
        distinct = "NULL" if asked.kind == "clause" else "uniqExact({})"
        answer = self._store.ask(
            f"SELECT toDate(trail.time) AS {names}, count() AS accesses,"  # noqa: S608 - a compiled condition
            f" {distinct.format('resource_id')} AS resources, {distinct.format('customer_id')} AS customers,"
            " min(trail.time) AS first, max(trail.time) AS last"
            f" FROM trail WHERE {where.sql} GROUP BY {names}"
            f" ORDER BY day DESC, last DESC, {names} LIMIT {MOST_LINES}",
            where.parameters,
        )
        return [plain(record) for record in answer.records()]

    def _wide_count(self, asked: Asked) -> int | None:
        """Count accesses that touched many or unknown customers, so perhaps the one that is asked about.

        None where such rows are hidden from whom this report is for: a 0 would say that there were none.
        """
        if asked.kind != "customer":
            return 0
        if self._ledger is not self._store:
            return None
        wide = condition_of(_about(asked._replace(subject=EVERY_CUSTOMER)))
        answer = self._store.ask(f"SELECT count() FROM accesses WHERE {wide.sql}", wide.parameters)  # noqa: S608 - compiled
        return sum(int(count) for (count,) in answer.rows)


def _about(asked: Asked) -> Query:
    """Ask for the accesses of a report: of a vendor those, too, by which content went to it."""
    subject = (Text(asked.subject),)
    match asked.kind:
        case "customer":
            about: Query = Term(FIELDS["customer_id"], subject)
        case "vendor":
            about = any_of((Term(FIELDS["organization"], subject), Term(FIELDS["recipient"], subject)))
        case "clause":
            about = Term(FIELDS["clause"], subject)
    return all_of((about, between(asked.since, asked.until)))


def _counted(groups: Sequence[Row], name: str) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for group in groups:
        counts[group[name]] += group["accesses"]
    return counts


def _pending(groups: Sequence[Row]) -> dict[str, Any]:
    """Tell of what is not decided: evidence that was cited may still come, or the judge could not decide."""
    undecided = [group for group in groups if group["verdict"] in ("pending", "indeterminate")]
    return {
        "accesses": sum(group["accesses"] for group in undecided),
        "oldest": min((group["first"] for group in undecided), default=None),
    }


def _clauses(
    groups: Sequence[Row], versions: Mapping[tuple[str | None, str | None], Version]
) -> list[dict[str, Any]]:
    """Count by clause, in the order of the policy; a clause that another version words anew stands again."""
    together: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for group in groups:
        if group["clause"]:
            together[
                group["policy_version"], group["policy_digest"], group["clause"], group["verdict"]
            ].append(group)
    found = []
    for (version, digest, clause, verdict), alike in together.items():
        found.append(
            {
                **versions[version, digest].words(clause),
                "policy_version": version,
                "verdict": verdict,
                "accesses": sum(group["accesses"] for group in alike),
                "first": min(group["first"] for group in alike),
                "last": max(group["last"] for group in alike),
            }
        )
    return sorted(
        found, key=lambda clause: (str(clause["policy_version"]), clause["number"] or 0, clause["id"])
    )


def _unexplained(groups: Sequence[Row]) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    for group in groups:
        if group["verdict"] != "justified":
            counts[group["verdict"], group["reason"]] += group["accesses"]
    return [
        {"verdict": verdict, "reason": reason, "accesses": accesses}
        for (verdict, reason), accesses in counts.most_common()
    ]
