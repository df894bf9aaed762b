"""The contract's tables, typed off it by hand for the oracle: purposes, clauses, order of reasons."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple


class Row(NamedTuple):
    """One row of the contract's table of purposes."""

    purpose: str
    who_may: frozenset[str]
    kind: str | None
    clause: str
    lists_purpose: bool = False
    needs_function: bool = False
    same_organization: bool = False
    actions: frozenset[str] | None = None
    resources: frozenset[str] | None = None


_STAFF = frozenset({"employee", "affiliate"})
_VENDOR = frozenset({"vendor"})
_UPKEEP = frozenset({"process", "update", "delete"})
_SMS = frozenset({"sms_content", "sms_detail"})
_CALLS = frozenset({"call_recording", "ivr_content", "call_detail"})
_ACCOUNT = frozenset({"account_detail"})


def _by_engagement(
    purpose: str, *, actions: frozenset[str] | None = None, resources: frozenset[str] | None = None
) -> Row:
    clause = "third-party." + purpose.replace("_", "-")
    return Row(purpose, _VENDOR, "engagement", clause, False, True, True, actions, resources)


TABLE: Final = (
    Row("resolve_complaint", _STAFF, "complaint", "access.resolve-complaint"),
    Row("maintain_service", _STAFF, "work_order", "access.maintain-service", lists_purpose=True),
    Row("enhance_service", _STAFF, "work_order", "access.enhance-service", lists_purpose=True),
    _by_engagement("maintain_databases_servers", actions=_UPKEEP),
    _by_engagement("process_sms", resources=_SMS),
    _by_engagement("process_calls", resources=_CALLS),
    _by_engagement("process_payments", resources=_ACCOUNT),
    Row(
        "business_transfer", frozenset({"acquirer"}), "transfer", "business-transfer", same_organization=True
    ),
    Row(
        "related_company", frozenset({"affiliate"}), "affiliation", "related-company", same_organization=True
    ),
    Row("legal_obligation", _STAFF, "legal_order", "legal.obligation"),
    Row("protect_rights", _STAFF, "legal_order", "legal.rights-and-property", lists_purpose=True),
    Row("protect_liability", _STAFF, "legal_order", "legal.liability", lists_purpose=True),
    Row(
        "elected_application",
        frozenset({"application"}),
        "election",
        "customer.elected-application",
        same_organization=True,
    ),
    Row("own_use", frozenset({"customer"}), None, "customer.own-use"),
    Row("provide_service", frozenset({"service"}), "service_account", "use.provide-service"),
)
"""The table of purposes, in the contract's order."""

PRECEDENCE: Final = (
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
)
"""Of several reasons the first of these is given."""

IN_EFFECT_FROM: Final = datetime(2013, 2, 7, tzinfo=UTC)
GRACE: Final = timedelta(hours=24)
KINDS_THAT_COVER_A_RECIPIENT: Final = ("engagement", "transfer", "affiliation", "legal_order", "election")
KINDS_THAT_NEED_CUSTOMERS: Final = ("complaint", "legal_order", "election")
ALIAS_KIND: Final = {
    "employee": "employment",
    "affiliate": "affiliation",
    "vendor": "engagement",
    "service": "service_account",
}
"""Whose aliases stand in which records.

reading: "for affiliates, vendors and services by affiliation, engagement and service_account records" is
read as three pairs. The other way: a record of any of the three kinds serves any of the three.
"""
