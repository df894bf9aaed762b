"""The verdict: what the judge says of one access, and why."""

from typing import Final, Literal, NamedTuple

Outcome = Literal["justified", "unjustified", "pending", "indeterminate"]

JUSTIFIED: Final = "justified"
UNJUSTIFIED: Final = "unjustified"
PENDING: Final = "pending"
INDETERMINATE: Final = "indeterminate"

Reason = Literal[
    "clause_met",
    "derived",
    "no_policy_in_effect",
    "purpose_unknown",
    "actor_not_permitted",
    "evidence_not_found",
    "outside_transfer",
    "purpose_not_declared",
    "evidence_not_cited",
    "account_not_registered",
    "evidence_wrong_kind",
    "evidence_self_recorded",
    "evidence_wrong_purpose",
    "evidence_without_scope",
    "evidence_wrong_organization",
    "evidence_wrong_function",
    "resource_not_needed",
    "action_not_needed",
    "evidence_wrong_customer",
    "evidence_wrong_resource",
    "evidence_not_in_force",
    "evidence_withdrawn",
    "actor_not_assigned",
    "actor_not_employed",
    "affiliation_not_in_force",
    "judge_error",
]
"""Every reason. Of several failed checks the first in this order, from no_policy_in_effect on, is given."""

NO_SALE_OR_TRANSFER: Final = "no-sale-or-transfer"
NO_EVIDENCE_VERSION: Final = -1
"""The evidence version of a judge that knows no evidence record yet."""


class Verdict(NamedTuple):
    """What the judge says of one access.

    `clause` is set where `outcome` is justified, and is `no-sale-or-transfer` for the reason
    outside_transfer; else None. `evidence_used` holds the refs that justify the access; it is empty
    where nothing does. Without a policy in effect `policy_version` and `policy_digest` are empty.
    """

    outcome: Outcome
    reason: Reason
    clause: str | None
    evidence_used: tuple[str, ...]
    derived: bool
    policy_version: str
    policy_digest: str


class Check(NamedTuple):
    """One check that the judge made: what it wanted, what it found, and whether that will do."""

    name: str
    passed: bool
    expected: str
    found: str
    evidence_ref: str | None = None


class Explanation(NamedTuple):
    """A verdict with every check behind it, in the order in which a reader should follow them."""

    verdict: Verdict
    checks: tuple[Check, ...]
    missing: tuple[str, ...]
    """What would have justified the access, in words; empty where it is justified."""
