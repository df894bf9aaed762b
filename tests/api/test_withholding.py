"""What an explanation leaves out for a scope."""

from earwitness.api.withholding import WITHHELD, within
from models.tokens import Scope

EXPLANATION = {
    "access": {"customer_id": "acme", "evidence_ref": "ticket:globex-1", "organization": "smsco"},
    "checks": [{"name": "customer", "expected": "acme", "found": "globex; initech"}],
    "evidence": [
        {
            "ref": "ticket:globex-1",
            "record": {"customer_ids": ["globex", "initech", "acme"], "organization": "otherco"},
            "changes": [{"field": "customer_ids", "before": ["umbrella"], "after": ["acme"]}],
            "versions": ["globex was added", "globex-2 is another"],
        }
    ],
}


def test_an_explanation_names_no_customer_beyond_the_scope() -> None:
    """Its evidence may be about several; the access itself is within, and stays as it is."""
    shown = within(Scope(customers=("acme",)), EXPLANATION)
    assert shown["access"] == EXPLANATION["access"]
    assert shown["checks"][0]["found"] == f"{WITHHELD}; {WITHHELD}"
    assert shown["checks"][0]["expected"] == "acme"
    assert shown["evidence"][0]["record"]["customer_ids"] == [WITHHELD, WITHHELD, "acme"]
    assert shown["evidence"][0]["changes"][0]["before"] == [WITHHELD]
    assert shown["evidence"][0]["record"]["organization"] == "otherco"
    assert shown["evidence"][0]["versions"] == [f"{WITHHELD} was added", "globex-2 is another"]


def test_an_explanation_names_no_vendor_beyond_the_scope() -> None:
    """As with customers."""
    shown = within(Scope(vendors=("smsco",)), EXPLANATION)
    assert shown["evidence"][0]["record"]["organization"] == WITHHELD
    assert shown["evidence"][0]["record"]["customer_ids"] == ["globex", "initech", "acme"]
