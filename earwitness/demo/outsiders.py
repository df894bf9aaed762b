"""Misuse by vendors, an acquirer, applications, services and customers."""

from .company import Actor
from .labels import OUTSIDE_TRANSFER, PENDING_EVIDENCE, Scene, derived, met, unjustified
from .stage import Stage


def vendor_beyond_its_function(stage: Stage) -> Scene:
    """The payment vendor cites its contract for carrying calls."""
    vendor = stage.company.vendors["process_payments"]
    access = stage.access(
        stage.one_at(vendor),
        "listen",
        stage.resource(stage.customer()),
        purpose="process_calls",
        evidence_ref=vendor.ref,
    )
    return Scene([], [(access, unjustified("evidence_wrong_function"))])


def vendor_beyond_its_need(stage: Stage) -> Scene:
    """The SMS vendor, for its very function, listens to calls."""
    vendor = stage.company.vendors["process_sms"]
    access = stage.access(
        stage.one_at(vendor),
        "process",
        stage.resource(stage.customer(), "call_recording"),
        purpose="process_sms",
        evidence_ref=vendor.ref,
    )
    return Scene([], [(access, unjustified("resource_not_needed"))])


def vendor_outside_the_actions(stage: Stage) -> Scene:
    """Keeping databases is no reason to listen."""
    vendor = stage.company.vendors["maintain_databases_servers"]
    access = stage.access(
        stage.one_at(vendor),
        stage.rng.choice(("listen", "download", "export")),
        stage.resource(stage.customer()),
        purpose="maintain_databases_servers",
        evidence_ref=vendor.ref,
    )
    return Scene([], [(access, unjustified("action_not_needed"))])


def another_vendors_contract(stage: Stage) -> Scene:
    """A vendor cites the contract of a competitor, which does allow it."""
    calls, sms = (stage.company.vendors[name] for name in ("process_calls", "process_sms"))
    access = stage.access(
        stage.one_at(sms),
        "process",
        stage.resource(stage.customer()),
        purpose="process_calls",
        evidence_ref=calls.ref,
    )
    return Scene([], [(access, unjustified("evidence_wrong_organization"))])


def vendor_on_a_ticket(stage: Stage) -> Scene:
    """A vendor works on a complaint: those are for employees.

    It does not help that the ticket names the vendor's person.
    """
    person = stage.one_at(stage.company.vendors["process_calls"])
    ticket = stage.ticket(stage.customer(), assignees=[person.id])
    access = stage.access(
        person,
        "listen",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("actor_not_permitted"))])


def vendor_without_contract_cited(stage: Stage) -> Scene:
    """The SMS vendor processes calls and cites no contract."""
    access = stage.access(
        stage.one_at(stage.company.vendors["process_sms"]),
        "process",
        stage.resource(stage.customer()),
        purpose="process_calls",
    )
    return Scene([], [(access, unjustified("evidence_not_cited"))])


def vendor_listens_in(stage: Stage) -> Scene:
    """The payment vendor listens to a call and declares nothing."""
    access = stage.access(
        stage.one_at(stage.company.vendors["process_payments"]), "listen", stage.resource(stage.customer())
    )
    return Scene([], [(access, unjustified("purpose_not_declared"))])


def vendor_passes_it_on(stage: Stage) -> Scene:
    """The call vendor sends recordings to a subcontractor of its own."""
    vendor = stage.company.vendors["process_calls"]
    access = stage.access(
        stage.one_at(vendor),
        "share",
        stage.resource(stage.customer()),
        purpose="process_calls",
        evidence_ref=vendor.ref,
        recipient=stage.outside("cheap-transcripts"),
    )
    return Scene([], [(access, OUTSIDE_TRANSFER)])


def vendors_contract_not_begun(stage: Stage) -> Scene:
    """A vendor starts before its new contract does."""
    vendor = stage.company.vendors["process_calls"]
    contract = stage.entry(
        "engagement",
        organization=vendor.name,
        functions=["process_payments"],
        valid_from=stage.ago(days=-3),
        recorded_at=stage.ago(days=1),
    )
    access = stage.access(
        stage.one_at(vendor),
        "read",
        stage.resource(stage.customer(), "account_detail"),
        purpose="process_payments",
        evidence_ref=contract.ref,
    )
    return Scene([contract], [(access, unjustified("evidence_not_in_force"))])


def vendor_at_another_customer(stage: Stage) -> Scene:
    """A vendor processes calls of a customer its contract leaves out."""
    covered, other = stage.two_customers()
    vendor = stage.outside("voice-lab")
    contract = stage.entry(
        "engagement", organization=vendor, functions=["process_calls"], customer_ids=[covered]
    )
    person = stage.company.vendors["process_calls"].actors[0]._replace(id=f"{vendor}/p1", organization=vendor)
    declared = {"purpose": "process_calls", "evidence_ref": contract.ref}
    honest = stage.access(person, "process", stage.resource(covered), **declared)
    abuse = stage.access(person, "process", stage.resource(other), 1, **declared)
    return Scene(
        [contract],
        [
            (honest, met("third-party.process-calls")),
            (abuse, unjustified("evidence_wrong_customer")),
        ],
    )


def another_buyer(stage: Stage) -> Scene:
    """A bidder that lost cites the transfer to the buyer that won."""
    bidder = stage.outside("outbid-telecom")
    person = stage.one_at(stage.company.acquirer)._replace(id=f"{bidder}/p1", organization=bidder)
    access = stage.access(
        person,
        "export",
        stage.resource(stage.customer(), "account_detail"),
        purpose="business_transfer",
        evidence_ref=stage.company.acquirer.ref,
    )
    return Scene([], [(access, unjustified("evidence_wrong_organization"))])


def buyer_without_transfer(stage: Stage) -> Scene:
    """A buyer cites a transfer that no register knows yet."""
    access = stage.access(
        stage.one_at(stage.company.acquirer),
        "read",
        stage.resource(stage.customer(), "account_detail"),
        purpose="business_transfer",
        evidence_ref=stage.unused_ref("transfer"),
    )
    return Scene([], [(access, PENDING_EVIDENCE)])


def election_withdrawn(stage: Stage) -> Scene:
    """An application goes on reading after the customer ended it.

    A minute before the withdrawal it was justified.
    """
    application = stage.rng.choice(stage.company.applications)
    customer = stage.customer()
    election = stage.entry(
        "election",
        organization=application.organization,
        customer_ids=[customer],
        recorded_by=customer,
        status="withdrawn",
        withdrawn_at=stage.ago(minutes=-2),
    )
    declared = {"purpose": "elected_application", "evidence_ref": election.ref}
    recording = stage.resource(customer)
    before = stage.access(application, "read", recording, **declared)
    after = stage.access(application, "read", recording, 4, **declared)
    return Scene(
        [election],
        [(before, met("customer.elected-application")), (after, unjustified("evidence_withdrawn"))],
    )


def another_applications_election(stage: Stage) -> Scene:
    """An application cites the customer's choice of another application."""
    election = stage.rng.choice(stage.company.elections)
    others = [one for one in stage.company.applications if one.id != election.application.id]
    access = stage.access(
        stage.rng.choice(others),
        "export",
        stage.resource(election.customer, "call_detail"),
        purpose="elected_application",
        evidence_ref=election.ref,
    )
    return Scene([], [(access, unjustified("evidence_wrong_organization"))])


def application_never_elected(stage: Stage) -> Scene:
    """An application reads a customer who chose none."""
    access = stage.access(
        stage.rng.choice(stage.company.applications), "list", stage.resource(stage.quiet_customer())
    )
    return Scene([], [(access, unjustified("purpose_not_declared"))])


def application_at_another_customer(stage: Stage) -> Scene:
    """One customer's choice does not open another customer's recordings."""
    election = stage.rng.choice(stage.company.elections)
    access = stage.access(
        election.application,
        "read",
        stage.resource(stage.quiet_customer()),
        purpose="elected_application",
        evidence_ref=election.ref,
    )
    return Scene([], [(access, unjustified("evidence_wrong_customer"))])


def unregistered_service(stage: Stage) -> Scene:
    """A script runs under a service account that nobody registered."""
    script = stage.company.services["usage-meter"][0]._replace(id=stage.outside("export-script"))
    access = stage.access(script, "export", stage.archive("sms_content"), purpose="provide_service")
    return Scene([], [(access, unjustified("account_not_registered"))])


def service_beyond_its_function(stage: Stage) -> Scene:
    """The usage meter is registered to count calls, and downloads them."""
    meter, _ = stage.company.services["usage-meter"]
    access = stage.access(meter, "download", stage.resource(stage.customer()), purpose="provide_service")
    return Scene([], [(access, unjustified("evidence_wrong_function"))])


def service_account_expired(stage: Stage) -> Scene:
    """A migration's account was to live for a week, and still works."""
    name = f"migration-{stage.company.tag}-{next(stage.numbers):05d}"
    account = stage.entry(
        "service_account",
        assignees=[name],
        functions=["read", "process"],
        valid_from=stage.ago(days=20),
        valid_to=stage.ago(days=13),
    )
    migration = stage.company.services["usage-meter"][0]._replace(id=name)
    access = stage.access(migration, "read", stage.resource(stage.customer()), purpose="provide_service")
    return Scene([account], [(access, unjustified("evidence_not_in_force"))])


def service_with_a_persons_purpose(stage: Stage) -> Scene:
    """A service declares to resolve a complaint: that is for people."""
    service, _ = stage.company.services["recording-pipeline"]
    ticket = stage.ticket(stage.customer())
    access = stage.access(
        service,
        "process",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("actor_not_permitted"))])


def customer_at_anothers(stage: Stage) -> Scene:
    """A customer downloads the recording of another as their own."""
    customer, other = stage.two_customers()
    user = Actor("customer", customer, "203.0.113.77", "curl/8.9.1")
    own = stage.access(user, "listen", stage.resource(customer))
    others = stage.access(user, "download", stage.resource(other), 1, purpose="own_use")
    return Scene([], [(own, derived("customer.own-use")), (others, unjustified("actor_not_permitted"))])
