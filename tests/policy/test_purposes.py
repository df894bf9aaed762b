from typing import Any, get_args

import pytest

from models import EvidenceRecord
from models.access import Action, ActorType, ResourceType
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
    by_a_service,
    by_a_vendor,
    by_an_affiliate,
)
from tests.policy.judged import POLICIES, reason_of, said_of

STAFF = ("employee", "affiliate")
CALLS = ("call_recording", "ivr_content", "call_detail")
SMS = ("sms_content", "sms_detail")

Justified = tuple[str, tuple[str, ...], EvidenceRecord, dict[str, Any]]

TABLE: list[Justified] = [
    ("access.resolve-complaint", STAFF, a_complaint(), {"purpose": "resolve_complaint"}),
    (
        "access.maintain-service",
        STAFF,
        a_work_order(customer_ids=["acme"], assignees=[]),
        {"purpose": "maintain_service"},
    ),
    (
        "access.enhance-service",
        STAFF,
        a_work_order(customer_ids=["acme"], assignees=[], purposes=["enhance_service"]),
        {"purpose": "enhance_service"},
    ),
    (
        "third-party.maintain-databases-servers",
        ("vendor",),
        an_engagement(functions=["maintain_databases_servers"]),
        {"purpose": "maintain_databases_servers", "action": "update"},
    ),
    (
        "third-party.process-sms",
        ("vendor",),
        an_engagement(functions=["process_sms"]),
        {"purpose": "process_sms", "resource_type": "sms_content"},
    ),
    ("third-party.process-calls", ("vendor",), an_engagement(), {"purpose": "process_calls"}),
    (
        "third-party.process-payments",
        ("vendor",),
        an_engagement(functions=["process_payments"]),
        {"purpose": "process_payments", "resource_type": "account_detail"},
    ),
    (
        "business-transfer",
        ("acquirer",),
        a_transfer(organization="voiceco"),
        {"purpose": "business_transfer"},
    ),
    (
        "related-company",
        ("affiliate",),
        an_affiliation("affiliation:own", organization="voiceco"),
        {"purpose": "related_company"},
    ),
    ("legal.obligation", STAFF, a_legal_order(), {"purpose": "legal_obligation"}),
    (
        "legal.rights-and-property",
        STAFF,
        a_legal_order(purposes=["protect_rights"]),
        {"purpose": "protect_rights"},
    ),
    (
        "legal.liability",
        STAFF,
        a_legal_order(purposes=["protect_liability"]),
        {"purpose": "protect_liability"},
    ),
    (
        "customer.elected-application",
        ("application",),
        an_election(organization="voiceco"),
        {"purpose": "elected_application"},
    ),
]
"""Clause, who may, evidence, and the declared access, of each purpose that needs evidence cited."""

AFFILIATED = an_affiliation("affiliation:standing", organization="voiceco")


def an_access_for(record: EvidenceRecord, actor_type: str, declared: dict[str, Any]) -> Any:
    return an_access(
        **declared, actor_type=actor_type, actor_id="a-1", organization="voiceco", evidence_ref=record.ref
    )


@pytest.mark.parametrize(("clause", "who", "record", "declared"), TABLE, ids=[row[0] for row in TABLE])
def test_each_purpose_is_for_its_actors_on_its_evidence(
    clause: str, who: tuple[str, ...], record: EvidenceRecord, declared: dict[str, Any]
) -> None:
    """The contract's table, row by row: the clause for those who may, a refusal for everybody else."""
    for actor_type in get_args(ActorType):
        said = said_of(an_access_for(record, actor_type, declared), record, AFFILIATED)
        if actor_type in who:
            assert said == ("clause_met", clause, (record.ref,)), actor_type
        else:
            assert said == ("actor_not_permitted", None, ()), actor_type


@pytest.mark.parametrize(("clause", "who", "record", "declared"), TABLE, ids=[row[0] for row in TABLE])
def test_no_purpose_takes_evidence_of_another_kind(
    clause: str, who: tuple[str, ...], record: EvidenceRecord, declared: dict[str, Any]
) -> None:
    """All other things equal, a record of any other kind does not do."""
    kinds = {"complaint", "work_order", "engagement", "transfer", "legal_order", "election"} - {record.kind}
    for kind in kinds:
        other = record.model_copy(update={"kind": kind})
        access = an_access_for(other, who[0], declared)
        assert reason_of(access, other, AFFILIATED) == "evidence_wrong_kind", (clause, kind)


def test_the_policy_knows_the_fifteen_purposes_of_the_contract_in_its_order() -> None:
    """The order decides which clause a derivation names."""
    assert [clause.id for clause in POLICIES.policies[0].clauses] == [
        *(row[0] for row in TABLE),
        "customer.own-use",
        "use.provide-service",
    ]


@pytest.mark.parametrize(
    ("purpose", "record"),
    [
        ("maintain_service", a_work_order(purposes=["enhance_service"])),
        ("enhance_service", a_work_order(purposes=["maintain_service"])),
        ("protect_rights", a_legal_order(purposes=["protect_liability"])),
        ("protect_liability", a_legal_order(purposes=[])),
    ],
)
def test_some_purposes_must_be_listed_by_their_evidence(purpose: str, record: EvidenceRecord) -> None:
    """A work order says for what; an order that is no obligation says to what end."""
    access = an_access(purpose=purpose, evidence_ref=record.ref)
    assert reason_of(access, record) == "evidence_wrong_purpose"


def test_a_legal_obligation_needs_no_listed_purpose() -> None:
    """The order itself is the obligation."""
    access = an_access(purpose="legal_obligation", evidence_ref="order:L-1")
    assert reason_of(access, a_legal_order(purposes=[])) == "clause_met"


@pytest.mark.parametrize(
    ("function", "resource_types", "actions"),
    [
        ("maintain_databases_servers", get_args(ResourceType), ("process", "update", "delete")),
        ("process_sms", SMS, get_args(Action)),
        ("process_calls", CALLS, get_args(Action)),
        ("process_payments", ("account_detail",), get_args(Action)),
    ],
)
def test_vendors_touch_only_what_their_function_needs(
    function: str, resource_types: tuple[str, ...], actions: tuple[str, ...]
) -> None:
    """The policy: only "the information that they need to perform their specific function"."""
    contract = an_engagement(functions=[function])
    for resource_type in get_args(ResourceType):
        for action in get_args(Action):
            access = an_access(**by_a_vendor(purpose=function, resource_type=resource_type, action=action))
            if resource_type not in resource_types:
                expected = "resource_not_needed"
            else:
                expected = "clause_met" if action in actions else "action_not_needed"
            assert reason_of(access, contract) == expected, (resource_type, action)


def test_an_engagement_is_for_its_functions_only() -> None:
    """Purposes that a contract lists are not functions."""
    contract = an_engagement(functions=["process_sms"], purposes=["process_calls"])
    assert reason_of(an_access(**by_a_vendor()), contract) == "evidence_wrong_function"


@pytest.mark.parametrize("organization", ["other", None])
def test_evidence_about_another_organization_or_none_does_not_do(organization: str | None) -> None:
    """A contract that names nobody is nobody's contract."""
    contract = an_engagement(organization=organization)
    assert reason_of(an_access(**by_a_vendor()), contract) == "evidence_wrong_organization"


class TestOwnUse:
    """Customers touch their own content without evidence."""

    def test_a_customers_id_may_begin_with_any_sign(self) -> None:
        """`*` alone stands for many customers; signs that come before it in the alphabet do not."""
        own = an_access(actor_type="customer", actor_id="#7", customer_id="#7", purpose="own_use")
        assert reason_of(own) == "clause_met"
        by_contract = an_access(**by_a_vendor(evidence_ref=None, purpose=None), customer_id="#7")
        assert reason_of(by_contract, an_engagement()) == "derived"

    def own(self, **changes: Any) -> Any:
        return an_access(**{"actor_type": "customer", "purpose": "own_use", "evidence_ref": None} | changes)

    def test_a_customer_is_known_by_its_id_or_its_organization(self) -> None:
        """The account itself, or one of its users."""
        assert said_of(self.own(actor_id="acme")) == ("clause_met", "customer.own-use", ())
        assert said_of(self.own(actor_id="u-1", organization="acme")) == (
            "clause_met",
            "customer.own-use",
            (),
        )

    def test_another_customers_content_is_not_its_own(self) -> None:
        """Who may is the customer of the content, nobody else."""
        assert reason_of(self.own(actor_id="globex", organization="globex")) == "actor_not_permitted"

    def test_the_content_of_many_customers_is_nobodys_own(self) -> None:
        """`*` is no customer."""
        assert reason_of(self.own(actor_id="acme", customer_id="*")) == "actor_not_permitted"

    def test_a_cited_ref_is_ignored(self) -> None:
        """Known or not, fitting or not."""
        assert reason_of(self.own(actor_id="acme", evidence_ref="ticket:unknown")) == "clause_met"
        elsewhere = a_complaint(customer_ids=["globex"])
        assert reason_of(self.own(actor_id="acme", evidence_ref="ticket:T-1"), elsewhere) == "clause_met"

    def test_undeclared_it_is_derived(self) -> None:
        """Old clients declare nothing; a cited ref is ignored here too."""
        undeclared = self.own(actor_id="acme", purpose=None)
        assert said_of(undeclared) == ("derived", "customer.own-use", ())
        citing = self.own(actor_id="acme", purpose=None, evidence_ref="ticket:unknown")
        assert said_of(citing) == ("derived", "customer.own-use", ())


class TestProvideService:
    """Services need a registered account that names them and their action."""

    def test_the_account_is_the_evidence(self) -> None:
        """Nothing is cited; the account is found by the service's id."""
        said = said_of(an_access(**by_a_service()), a_service_account())
        assert said == ("clause_met", "use.provide-service", ("account:transcriber",))

    def test_an_account_of_another_service_is_none(self) -> None:
        """Naming is by assignees alone; an account that names nobody is nobody's."""
        access = an_access(**by_a_service())
        assert reason_of(access) == "account_not_registered"
        assert reason_of(access, a_service_account(assignees=["svc-2"])) == "account_not_registered"
        assert reason_of(access, a_service_account(assignees=[])) == "account_not_registered"

    def test_the_action_must_be_among_the_functions(self) -> None:
        """A transcriber does not download."""
        access = an_access(**by_a_service(action="download"))
        assert reason_of(access, a_service_account()) == "evidence_wrong_function"

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"customer_ids": ["globex"]}, "evidence_wrong_customer"),
            ({"resource_types": ["sms_content"]}, "evidence_wrong_resource"),
            ({"status": "withdrawn"}, "evidence_withdrawn"),
            ({"recorded_by": "svc-transcriber"}, "evidence_self_recorded"),
            ({"origin": "actor_statement"}, "evidence_self_recorded"),
        ],
    )
    def test_the_account_must_be_in_force_in_scope_and_not_its_own_entry(
        self, changes: dict[str, Any], reason: str
    ) -> None:
        """As any evidence."""
        assert reason_of(an_access(**by_a_service()), a_service_account(**changes)) == reason

    def test_of_several_accounts_any_that_meets_all_checks_will_do(self) -> None:
        """The first that does is the evidence."""
        narrow = a_service_account("account:narrow", functions=["read"])
        later = a_service_account("account:later")
        said = said_of(an_access(**by_a_service()), narrow, a_service_account(), later)
        assert said.evidence_used == ("account:transcriber",)

    def test_of_several_accounts_that_fail_the_one_registered_first_gives_the_reason(self) -> None:
        """Though another's reason would come first in the order of reasons."""
        first = a_service_account("account:z", status="withdrawn")
        second = a_service_account("account:a", functions=["read"])
        assert reason_of(an_access(**by_a_service()), first, second) == "evidence_withdrawn"
        assert reason_of(an_access(**by_a_service()), second, first) == "evidence_wrong_function"

    def test_a_cited_ref_is_ignored(self) -> None:
        """It is neither awaited nor checked."""
        access = an_access(**by_a_service(evidence_ref="ticket:unknown"))
        assert reason_of(access, a_service_account()) == "clause_met"
        assert reason_of(access) == "account_not_registered"

    def test_undeclared_it_is_derived(self) -> None:
        """With the account as evidence, whatever else is cited."""
        for ref in (None, "ticket:unknown"):
            access = an_access(**by_a_service(purpose=None, evidence_ref=ref))
            said = said_of(access, a_service_account())
            assert said == ("derived", "use.provide-service", ("account:transcriber",))

    def test_an_affiliates_account_of_the_same_name_is_not_the_services(self) -> None:
        """Only records of kind service_account register a service."""
        access = an_access(**by_a_service())
        other = an_affiliation(assignees=["svc-transcriber"], functions=["transcribe"])
        assert reason_of(access, other) == "account_not_registered"


def test_a_denied_or_failed_attempt_is_judged_like_a_success() -> None:
    """Trying is an access too."""
    for outcome in ("denied", "failed"):
        assert reason_of(an_access(outcome=outcome), a_complaint()) == "clause_met"
        assert (
            reason_of(an_access(outcome=outcome, customer_id="globex"), a_complaint())
            == "evidence_wrong_customer"
        )


def test_an_affiliate_works_like_an_employee_where_both_may() -> None:
    """With the affiliation of its organization beside the evidence of the clause; the clause's is used."""
    said = said_of(an_access(**by_an_affiliate()), a_complaint(), an_affiliation())
    assert said == ("clause_met", "access.resolve-complaint", ("ticket:T-1",))
