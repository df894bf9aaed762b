from typing import Any

import pytest

from models import EvidenceRecord
from tests.builders import (
    a_complaint,
    a_legal_order,
    a_service_account,
    a_transfer,
    a_work_order,
    an_access,
    an_affiliation,
    an_election,
    an_engagement,
    an_undeclared_access,
    by_a_service,
    by_a_vendor,
    by_an_affiliate,
)
from tests.policy.judged import reason_of, said_of, verdict_of

FORBIDDEN = ("outside_transfer", "no-sale-or-transfer", ())
LIFTING = {"engagement", "transfer", "affiliation", "legal_order", "election"}


@pytest.mark.parametrize(
    ("access", "record"),
    [
        (by_a_vendor(), an_engagement()),
        (
            {
                "actor_type": "acquirer",
                "organization": "buyer",
                "purpose": "business_transfer",
                "evidence_ref": "deal:D-1",
            },
            a_transfer(),
        ),
        (
            by_an_affiliate(purpose="related_company", evidence_ref="affiliation:partner"),
            an_affiliation(),
        ),
        ({"purpose": "legal_obligation", "evidence_ref": "order:L-1"}, a_legal_order()),
        (
            {
                "actor_type": "application",
                "organization": "crm",
                "purpose": "elected_application",
                "evidence_ref": "election:E-1",
            },
            an_election(),
        ),
    ],
)
def test_content_leaves_for_whom_the_cited_evidence_names_and_nobody_else(
    access: dict[str, Any], record: EvidenceRecord
) -> None:
    """Five kinds of evidence can say who outside may have it."""
    assert reason_of(an_access(**access, recipient=record.organization), record) == "clause_met"
    assert said_of(an_access(**access, recipient="elsewhere"), record) == FORBIDDEN


@pytest.mark.parametrize(
    "record", [a_complaint(organization="newspaper"), a_work_order(organization="newspaper")]
)
def test_complaints_and_work_orders_send_content_to_nobody(record: EvidenceRecord) -> None:
    """Not even to the organization that they name."""
    purpose = "resolve_complaint" if record.kind == "complaint" else "maintain_service"
    access = an_access(purpose=purpose, evidence_ref=record.ref, recipient="newspaper")
    assert said_of(access, record) == FORBIDDEN


def test_evidence_about_the_recipient_must_be_the_one_cited() -> None:
    """A contract in a drawer does not excuse who cites a complaint."""
    access = an_access(recipient="voiceco")
    assert said_of(access, a_complaint(), an_engagement()) == FORBIDDEN


def test_a_forbid_beats_every_permit() -> None:
    """All else may be met."""
    assert reason_of(an_access(), a_complaint()) == "clause_met"
    assert said_of(an_access(recipient="voiceco"), a_complaint()) == FORBIDDEN


def test_other_failings_of_evidence_about_the_recipient_keep_their_own_reasons() -> None:
    """It is about the recipient; what is wrong with it is something else."""
    access = an_access(purpose="legal_obligation", evidence_ref="order:L-1", recipient="high-court")
    assert reason_of(access, a_legal_order(customer_ids=["globex"])) == "evidence_wrong_customer"
    assert reason_of(access, a_legal_order(status="withdrawn")) == "evidence_withdrawn"
    wrong_kind = an_access(evidence_ref="order:L-1", recipient="high-court")
    assert reason_of(wrong_kind, a_legal_order()) == "evidence_wrong_kind"


def test_evidence_that_is_not_known_yet_is_waited_for() -> None:
    """It may be about the recipient."""
    verdict = verdict_of(an_access(recipient="voiceco"))
    assert (verdict.outcome, verdict.reason, verdict.clause) == ("pending", "evidence_not_found", None)


def test_derived_evidence_must_be_about_the_recipient_too() -> None:
    """A derivation passes every check, the recipient's included."""
    order = a_legal_order(assignees=["e-1"])
    assert reason_of(an_undeclared_access(recipient="high-court"), order) == "derived"
    assert said_of(an_undeclared_access(recipient="elsewhere"), order) == FORBIDDEN
    declared = an_undeclared_access(purpose="legal_obligation", recipient="elsewhere")
    assert said_of(declared, order) == FORBIDDEN


def test_a_derivation_passes_over_evidence_that_is_not_about_the_recipient() -> None:
    """The complaint comes first in the table, but only the order lets the content leave."""
    records = [a_complaint(assignees=["e-1"]), a_legal_order(assignees=["e-1"])]
    assert said_of(an_undeclared_access(recipient="high-court"), *records) == (
        "derived",
        "legal.obligation",
        ("order:L-1",),
    )


def test_cited_evidence_about_the_recipient_leaves_the_reason_to_the_missing_purpose() -> None:
    """It explains nothing, but the content did not go to strangers."""
    access = an_undeclared_access(evidence_ref="contract:C-1", recipient="voiceco")
    assert reason_of(access, an_engagement()) == "purpose_not_declared"
    to_another = an_undeclared_access(evidence_ref="contract:C-1", recipient="elsewhere")
    assert said_of(to_another, an_engagement()) == FORBIDDEN


def test_a_service_sends_content_to_nobody() -> None:
    """No service account names a recipient, and what a service cites is ignored."""
    access = an_access(**by_a_service(recipient="voiceco", evidence_ref="contract:C-1"))
    assert said_of(access, a_service_account(organization="voiceco"), an_engagement()) == FORBIDDEN


def test_customers_send_their_own_content_wherever_they_like() -> None:
    """Only a customer's own use is free."""
    own = {"actor_type": "customer", "actor_id": "acme", "recipient": "newspaper"}
    assert reason_of(an_undeclared_access(**own)) == "derived"
    assert reason_of(an_undeclared_access(**own, purpose="own_use")) == "clause_met"


def test_customers_do_not_send_others_content() -> None:
    """It is not their own use."""
    others = {"actor_type": "customer", "actor_id": "globex", "recipient": "newspaper"}
    assert said_of(an_undeclared_access(**others)) == FORBIDDEN
    assert reason_of(an_undeclared_access(**others, purpose="own_use")) == "actor_not_permitted"


def test_what_comes_before_the_forbid_in_the_order_of_reasons_is_said_first() -> None:
    """An unknown purpose, or an actor who may not at all."""
    assert reason_of(an_access(purpose="curiosity", recipient="voiceco"), a_complaint()) == "purpose_unknown"
    vendor = an_access(**by_a_vendor(purpose="resolve_complaint", recipient="elsewhere"))
    assert reason_of(vendor, an_engagement()) == "actor_not_permitted"
