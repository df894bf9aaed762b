"""Scenes of an honest day: accesses that the policy allows, and the evidence that shows it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from models.access import Action, ResourceType
from models.evidence import EvidenceRecord

from .company import Actor
from .labels import Event, Label, Scene, derived, met
from .stage import Resource, Stage

_COMPLAINT = "access.resolve-complaint"
_MAINTAIN = "access.maintain-service"
_ENHANCE = "access.enhance-service"
_RELATED = "related-company"
_ELECTED = "customer.elected-application"

_CUSTOMERS_BROWSER: Final = "Mozilla/5.0 (iPhone; iOS 18_5) Mobile"
_DECLARING_SHARE: Final = 0.85

_SUPPORT_STEPS: Sequence[tuple[Action, ResourceType]] = (
    ("read", "account_detail"),
    ("search", "call_detail"),
    ("listen", "call_recording"),
    ("read", "sms_content"),
    ("download", "call_recording"),
    ("read", "ivr_content"),
)
"""What an agent looks at for one complaint, in order."""


def _looks_into(stage: Stage, agent: Actor, ticket: EvidenceRecord, label: Label, **declared: str) -> Scene:
    """Let `agent` take some steps in the content of the ticket's customer."""
    (customer,) = ticket.customer_ids
    steps = _SUPPORT_STEPS[: stage.rng.randint(1, len(_SUPPORT_STEPS))]
    accesses = [
        (
            stage.access(agent, action, stage.resource(customer, resource_type), number, **declared),
            label,
        )
        for number, (action, resource_type) in enumerate(steps)
    ]
    return Scene([ticket], accesses)


def _declared_or_not(stage: Stage, clause: str, declared: dict[str, str]) -> tuple[dict[str, str], Label]:
    """Let most declare what they should, and a few nothing at all, which evidence then explains."""
    if stage.rng.random() < _DECLARING_SHARE:
        return declared, met(clause)
    return {}, derived(clause)


def agents_own_ticket(stage: Stage) -> Scene:
    """An agent works on the ticket assigned to them."""
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    return _looks_into(
        stage, agent, ticket, met(_COMPLAINT), purpose="resolve_complaint", evidence_ref=ticket.ref
    )


def teams_ticket(stage: Stage) -> Scene:
    """An agent takes a ticket from the team's queue.

    It waits there for whoever the staff directory lists in the team.
    """
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.team])
    return _looks_into(
        stage, agent, ticket, met(_COMPLAINT), purpose="resolve_complaint", evidence_ref=ticket.ref
    )


def ticket_under_alias(stage: Stage) -> Scene:
    """The agent is reported by their e-mail only.

    The staff directory says who that is.
    """
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    return _looks_into(
        stage,
        agent.under_alias(),
        ticket,
        met(_COMPLAINT),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )


def ticket_closed_afterwards(stage: Stage) -> Scene:
    """The ticket was closed after the access.

    A complaint that was closed, or taken back, after the access still covers it.
    """
    agent = stage.one_of("support")
    later = stage.at + timedelta(minutes=stage.rng.randint(10, 90))
    ending = stage.rng.choice(({"valid_to": later}, {"status": "withdrawn", "withdrawn_at": later}))
    ticket = stage.ticket(stage.customer(), **ending)
    return _looks_into(
        stage, agent, ticket, met(_COMPLAINT), purpose="resolve_complaint", evidence_ref=ticket.ref
    )


def ticket_not_cited(stage: Stage) -> Scene:
    """An agent names the purpose and not the ticket.

    The one assigned to them is found.
    """
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    return _looks_into(stage, agent, ticket, derived(_COMPLAINT), purpose="resolve_complaint")


def nothing_declared_but_assigned(stage: Stage) -> Scene:
    """An agent on a ticket declares nothing.

    The ticket assigned to them explains the access.
    """
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    return _looks_into(stage, agent, ticket, derived(_COMPLAINT))


def ticket_without_purpose(stage: Stage) -> Scene:
    """An agent cites a ticket and names no purpose.

    The ticket's clause is found, and need not name the agent.
    """
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer())
    return _looks_into(stage, agent, ticket, derived(_COMPLAINT), evidence_ref=ticket.ref)


def maintenance_window(stage: Stage) -> Scene:
    """Engineers on a work order repair the stores.

    They hold the content of every customer.
    """
    engineer = stage.one_of("engineering")
    order = stage.entry("work_order", assignees=[engineer.id], purposes=["maintain_service"])
    declared = {"purpose": "maintain_service", "evidence_ref": order.ref}
    accesses = [
        stage.access(engineer, "list", stage.archive(), **declared),
        stage.access(engineer, "update", stage.archive("call_detail"), 1, **declared),
        stage.access(engineer, "process", stage.resource(stage.customer()), 2, **declared),
    ]
    return Scene([order], [(access, met(_MAINTAIN)) for access in accesses])


def repair_of_one_recording(stage: Stage) -> Scene:
    """An engineer repairs one broken recording.

    The work order names the recording, and whoever is at hand may repair it.
    """
    engineer = stage.one_of("engineering")
    recording = stage.resource(stage.customer())
    order = stage.entry(
        "work_order", resource_ids=[recording.id], purposes=["maintain_service", "enhance_service"]
    )
    declared = {"purpose": "maintain_service", "evidence_ref": order.ref}
    accesses = [
        stage.access(engineer, "listen", recording, **declared),
        stage.access(engineer, "update", recording, 1, **declared),
    ]
    return Scene([order], [(access, met(_MAINTAIN)) for access in accesses])


def work_order_not_cited(stage: Stage) -> Scene:
    """An engineer on a work order declares nothing.

    The order is the team's, and explains the access.
    """
    engineer = stage.one_of("engineering")
    customer = stage.customer()
    order = stage.entry(
        "work_order", assignees=[engineer.team], customer_ids=[customer], purposes=["maintain_service"]
    )
    access = stage.access(engineer, "process", stage.resource(customer, "ivr_content"))
    return Scene([order], [(access, derived(_MAINTAIN))])


def speech_research(stage: Stage) -> Scene:
    """Speech recognition is improved on recordings.

    A work order lends the team those of one customer.
    """
    analyst = stage.one_of("research")
    customer = stage.customer()
    order = stage.entry(
        "work_order",
        assignees=[analyst.team],
        customer_ids=[customer],
        resource_types=["call_recording", "ivr_content"],
        purposes=["enhance_service"],
    )
    declared = {"purpose": "enhance_service", "evidence_ref": order.ref}
    accesses = [
        stage.access(analyst, "transcribe", stage.resource(customer), number, **declared)
        for number in range(stage.rng.randint(1, 5))
    ]
    return Scene([order], [(access, met(_ENHANCE)) for access in accesses])


def _legal_order(stage: Stage, counsel: Actor, customer: str, *purposes: str) -> EvidenceRecord:
    return stage.entry(
        "legal_order",
        organization=stage.outside("high-court"),
        customer_ids=[customer],
        assignees=[counsel.id],
        purposes=purposes,
    )


def court_order(stage: Stage) -> Scene:
    """Lawyers hand over what a court ordered.

    They listen first, and then share with the court and nobody else.
    """
    counsel = stage.one_of("legal")
    customer = stage.customer()
    order = _legal_order(stage, counsel, customer)
    declared = {"purpose": "legal_obligation", "evidence_ref": order.ref}
    recording = stage.resource(customer)
    accesses = [
        stage.access(counsel, "listen", recording, **declared),
        stage.access(counsel, "share", recording, 1, recipient=stage.outside("high-court"), **declared),
    ]
    return Scene([order], [(access, met("legal.obligation")) for access in accesses])


def court_order_not_cited(stage: Stage) -> Scene:
    """A lawyer on a court's order declares nothing.

    The order is assigned to them, and explains the access.
    """
    counsel = stage.one_of("legal")
    customer = stage.customer()
    order = _legal_order(stage, counsel, customer)
    access = stage.access(counsel, "read", stage.resource(customer, "call_detail"))
    return Scene([order], [(access, derived("legal.obligation"))])


def defence_of_rights(stage: Stage) -> Scene:
    """Lawyers defend the platform's property.

    Somebody resells it, and the order lists the purpose.
    """
    counsel = stage.one_of("legal")
    customer = stage.customer()
    order = _legal_order(stage, counsel, customer, "protect_rights")
    access = stage.access(
        counsel,
        "read",
        stage.resource(customer, "account_detail"),
        purpose="protect_rights",
        evidence_ref=order.ref,
    )
    return Scene([order], [(access, met("legal.rights-and-property"))])


def defence_against_liability(stage: Stage) -> Scene:
    """Lawyers prepare for a claim.

    The order is cited once, and once only found.
    """
    counsel = stage.one_of("legal")
    customer = stage.customer()
    order = _legal_order(stage, counsel, customer, "protect_liability")
    resource = stage.resource(customer, "sms_content")
    cited = stage.access(counsel, "read", resource, purpose="protect_liability", evidence_ref=order.ref)
    bare = stage.access(counsel, "export", resource, 1, purpose="protect_liability")
    clause = "legal.liability"
    return Scene([order], [(cited, met(clause)), (bare, derived(clause))])


def care_partners_ticket(stage: Stage) -> Scene:
    """An affiliated call centre resolves complaints.

    They wait in its own queue.
    """
    partner = stage.company.care_partner
    agent = stage.one_at(partner)
    ticket = stage.ticket(stage.customer(), assignees=[agent.team])
    return _looks_into(
        stage, agent, ticket, met(_COMPLAINT), purpose="resolve_complaint", evidence_ref=ticket.ref
    )


def sister_company(stage: Stage) -> Scene:
    """A company of the same group reads accounts.

    It takes them to itself, too; one of its people is reported by an alias and declares nothing.
    """
    sister = stage.company.sister_company
    person = stage.one_at(sister)
    resource = stage.resource(stage.customer(), "account_detail")
    declared = {"purpose": "related_company", "evidence_ref": sister.ref}
    read = stage.access(person, "read", resource, **declared)
    export = stage.access(person, "export", resource, 1, recipient=sister.name, **declared)
    bare = stage.access(person.under_alias(), "read", resource, 2)
    return Scene([], [(read, met(_RELATED)), (export, met(_RELATED)), (bare, derived(_RELATED))])


def _vendor_scene(
    stage: Stage, function: str, clause: str, work: Sequence[tuple[Action, ResourceType]]
) -> Scene:
    """Let a vendor do its function for one customer: contract cited, or nothing declared at all."""
    vendor = stage.company.vendors[function]
    person = stage.one_at(vendor)
    customer = stage.customer()
    cited = {"purpose": function, "evidence_ref": vendor.ref}
    declared, label = _declared_or_not(stage, clause, cited)
    accesses = [
        stage.access(person, action, stage.resource(customer, resource_type), number, **declared)
        for number, (action, resource_type) in enumerate(work)
    ]
    return Scene([], [(access, label) for access in accesses])


def database_vendor(stage: Stage) -> Scene:
    """The database vendor changes and deletes rows."""
    work: Sequence[tuple[Action, ResourceType]] = (("update", "account_detail"), ("delete", "sms_detail"))
    return _vendor_scene(stage, "maintain_databases_servers", "third-party.maintain-databases-servers", work)


def sms_vendor(stage: Stage) -> Scene:
    """The vendor that carries SMS reads them."""
    work: Sequence[tuple[Action, ResourceType]] = (("process", "sms_content"), ("read", "sms_detail"))
    return _vendor_scene(stage, "process_sms", "third-party.process-sms", work)


def call_vendor(stage: Stage) -> Scene:
    """The vendor that carries calls processes them."""
    work: Sequence[tuple[Action, ResourceType]] = (("process", "call_recording"), ("read", "ivr_content"))
    return _vendor_scene(stage, "process_calls", "third-party.process-calls", work)


def payment_vendor(stage: Stage) -> Scene:
    """The vendor that takes payments reads accounts."""
    work: Sequence[tuple[Action, ResourceType]] = (("read", "account_detail"),)
    return _vendor_scene(stage, "process_payments", "third-party.process-payments", work)


def vendors_backup(stage: Stage) -> Scene:
    """The database vendor backs everything up.

    It goes to its own vault, so it does not leave to anybody else.
    """
    vendor = stage.company.vendors["maintain_databases_servers"]
    access = stage.access(
        stage.one_at(vendor),
        "process",
        stage.archive("account_detail"),
        purpose="maintain_databases_servers",
        evidence_ref=vendor.ref,
        recipient=vendor.name,
    )
    return Scene([], [(access, met("third-party.maintain-databases-servers"))])


def acquirer(stage: Stage) -> Scene:
    """The buyer of the business takes accounts over."""
    buyer = stage.company.acquirer
    resource = stage.resource(stage.customer(), "account_detail")
    cited = stage.access(
        stage.one_at(buyer),
        "export",
        resource,
        purpose="business_transfer",
        evidence_ref=buyer.ref,
        recipient=buyer.name,
    )
    bare = stage.access(stage.one_at(buyer), "read", resource, 1)
    return Scene([], [(cited, met("business-transfer")), (bare, derived("business-transfer"))])


def elected_application(stage: Stage) -> Scene:
    """An application that the customer chose reads."""
    election = stage.rng.choice(stage.company.elections)
    resource = stage.resource(election.customer, stage.rng.choice(("call_recording", "call_detail")))
    declared = {"purpose": "elected_application", "evidence_ref": election.ref}
    recipient = {"recipient": str(election.application.organization)}
    read = stage.access(election.application, "read", resource, **declared)
    export = stage.access(election.application, "export", resource, 1, **declared, **recipient)
    return Scene([], [(read, met(_ELECTED)), (export, met(_ELECTED))])


def application_declares_nothing(stage: Stage) -> Scene:
    """An application chosen long ago declares nothing.

    The customer's choice explains it.
    """
    election = stage.rng.choice(stage.company.elections)
    access = stage.access(election.application, "list", stage.resource(election.customer, "call_detail"))
    return Scene([], [(access, derived(_ELECTED))])


def _customer(stage: Stage, customer: str) -> Actor:
    """Take a customer's account itself, or one of its users."""
    rng = stage.rng
    ip = f"203.0.113.{rng.randint(1, 254)}"
    if rng.random() < 0.5:
        return Actor("customer", customer, ip, _CUSTOMERS_BROWSER)
    user = f"{customer}/user-{rng.randint(1, 9)}"
    return Actor("customer", user, ip, _CUSTOMERS_BROWSER, organization=customer)


def own_use(stage: Stage) -> Scene:
    """Customers listen to and read what is theirs."""
    customer = stage.customer()
    user = _customer(stage, customer)
    declared, label = _declared_or_not(stage, "customer.own-use", {"purpose": "own_use"})
    steps: Sequence[tuple[Action, ResourceType]] = (
        ("list", "call_detail"),
        ("listen", "call_recording"),
        ("read", "sms_content"),
    )
    accesses = [
        stage.access(user, action, stage.resource(customer, resource_type), number, **declared)
        for number, (action, resource_type) in enumerate(steps[: stage.rng.randint(1, 3)])
    ]
    return Scene([], [(access, label) for access in accesses])


def own_use_sent_outside(stage: Stage) -> Scene:
    """A customer sends their own recording outside.

    That is theirs to do.
    """
    customer = stage.customer()
    access = stage.access(
        _customer(stage, customer),
        "share",
        stage.resource(customer),
        purpose="own_use",
        recipient=stage.outside("auditor"),
    )
    return Scene([], [(access, met("customer.own-use"))])


def service_at_work(stage: Stage) -> Scene:
    """A registered service account does its work."""
    service, functions = stage.rng.choice(list(stage.company.services.values()))
    declared, label = _declared_or_not(stage, "use.provide-service", {"purpose": "provide_service"})
    customer = stage.customer()
    accesses = [
        stage.access(service, stage.rng.choice(functions), _any_resource(stage, customer), **declared)  # type: ignore[arg-type]
        for _ in range(stage.rng.randint(1, 4))
    ]
    return Scene([], [(access, label) for access in accesses])


def _any_resource(stage: Stage, customer: str) -> Resource:
    kinds: Sequence[ResourceType] = (
        "call_recording",
        "sms_content",
        "call_detail",
        "sms_detail",
        "ivr_content",
    )
    return stage.resource(customer, stage.rng.choice(kinds))


def attempt_refused(stage: Stage) -> Scene:
    """An agent on a ticket is refused or fails.

    It is judged like a success, and marked.
    """
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    (customer,) = ticket.customer_ids
    access: Event = stage.access(
        agent,
        "listen",
        stage.resource(customer),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
        outcome=stage.rng.choice(("denied", "failed")),
    )
    return Scene([ticket], [(access, met(_COMPLAINT))])
