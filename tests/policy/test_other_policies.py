"""The judge by policies that the product does not ship: what a later version may want."""

from typing import Final

from earwitness.policy import Access, PolicySet, judge, parse_policies
from models import EvidenceRecord, Verdict
from tests.builders import (
    NOON,
    a_complaint,
    a_service_account,
    an_access,
    an_election,
    an_engagement,
    an_undeclared_access,
    by_a_vendor,
    evidence,
)

OWN_USE: Final = """
[[clauses]]
id = "customer.own-use"
purpose = "own_use"
title = "Customers touch their own content."
quotes = ["your own"]
actors = ["customer"]
evidence = "none"
requires = ["own_content"]
"""


def a_clause(purpose: str, actor: str, kind: str) -> str:
    """A clause that asks for nothing but evidence of its kind."""
    return f"""
[[clauses]]
id = "{purpose.replace("_", "-")}"
purpose = "{purpose}"
title = "A clause."
quotes = ["a quote"]
actors = ["{actor}"]
evidence = "{kind}"
"""


def a_policy(*clauses: str, free: str = "") -> PolicySet:
    """A policy of these clauses, whose forbid elections lift."""
    text = f"""
policy = "privacy-policy"
version = "other"
title = "Another policy"
effective_from = 2020-01-01T00:00:00Z
{"".join(clauses)}
[forbid]
title = "Nothing leaves."
quotes = ["does not sell"]
lifted_by = ["election"]
free = [{free}]
[end]
"""
    return parse_policies({"other.toml": text.encode()})


def by(policies: PolicySet, access: Access, *records: EvidenceRecord) -> Verdict:
    return judge(access, policies, evidence(*records), received_at=NOON, as_of=NOON)


def test_content_of_others_is_looked_at_under_the_next_clause() -> None:
    """Own use is not the customer's only clause here: an election may open another customer's content."""
    policies = a_policy(OWN_USE, a_clause("shared", "customer", "election"), free='"own_use"')
    others = an_undeclared_access(actor_type="customer", actor_id="globex")
    assert by(policies, others).reason == "purpose_not_declared"
    assert by(policies, others, an_election()).clause == "shared"
    own = an_undeclared_access(actor_type="customer", actor_id="acme")
    assert by(policies, own, an_election()).clause == "customer.own-use"


def test_where_own_use_is_not_free_a_customers_content_stays() -> None:
    """Declared or not; undeclared, a later clause may let it leave."""
    policies = a_policy(OWN_USE, a_clause("shared", "customer", "election"))
    sending = {"actor_type": "customer", "actor_id": "acme", "recipient": "crm"}
    declared = by(policies, an_undeclared_access(**sending, purpose="own_use"))
    assert (declared.reason, declared.clause) == ("outside_transfer", "no-sale-or-transfer")
    assert by(policies, an_undeclared_access(**sending)).reason == "outside_transfer"
    elected = by(policies, an_undeclared_access(**sending), an_election())
    assert (elected.reason, elected.clause) == ("derived", "shared")


def test_a_clause_need_not_ask_for_the_same_organization() -> None:
    """Then whose contract it is does not matter, neither cited nor found."""
    policies = a_policy(a_clause("process_calls", "vendor", "engagement"))
    others = an_engagement(organization="other")
    assert by(policies, an_access(**by_a_vendor()), others).reason == "clause_met"
    assert by(policies, an_access(**by_a_vendor(evidence_ref=None)), others).reason == "derived"


def test_an_actor_to_whom_no_clause_is_open_is_refused_and_not_an_error() -> None:
    """A policy without a word on vendors lets none in."""
    policies = a_policy(a_clause("resolve_complaint", "employee", "complaint"))
    vendor = an_access(**by_a_vendor(purpose=None, evidence_ref=None))
    assert by(policies, vendor, an_engagement()).reason == "purpose_not_declared"


def test_without_standing_nobody_needs_an_employment() -> None:
    """What actors need for any purpose is the policy's to say."""
    policies = a_policy(a_clause("resolve_complaint", "affiliate", "complaint"))
    access = an_access(actor_type="affiliate", organization="partner")
    assert by(policies, access, a_complaint(), a_service_account()).reason == "clause_met"
