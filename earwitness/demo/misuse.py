"""Misuse by people: scenes in which staff, affiliates and their tickets do not justify what was done.

Everything about a scene is in order but for the one thing that it is about, unless it says
otherwise; so the reason that the judge must give is known from how the scene was made.
"""

from models.access import Action, ResourceType

from .labels import OUTSIDE_TRANSFER, PENDING_EVIDENCE, Label, Scene, derived, met, unjustified
from .stage import Stage

_COMPLAINT = "access.resolve-complaint"


def curious_look(stage: Stage) -> Scene:
    """An agent browses a customer nobody asked about, and says nothing."""
    agent = stage.one_of("support")
    customer = stage.quiet_customer()
    steps: list[tuple[Action, ResourceType]] = [("search", "call_detail"), ("listen", "call_recording")]
    accesses = [
        stage.access(agent, action, stage.resource(customer, resource_type), number)
        for number, (action, resource_type) in enumerate(steps)
    ]
    return Scene([], [(access, unjustified("purpose_not_declared")) for access in accesses])


def bulk_download(stage: Stage) -> Scene:
    """An agent downloads a customer's recordings one after the other."""
    agent = stage.one_of("support")
    customer = stage.quiet_customer()
    accesses = [stage.access(agent, "download", stage.resource(customer), n) for n in range(6)]
    return Scene([], [(access, unjustified("purpose_not_declared")) for access in accesses])


def ticket_that_explains_nothing(stage: Stage) -> Scene:
    """An agent names no purpose and cites somebody else's ticket."""
    agent = stage.one_of("support")
    complainant, other = stage.two_customers()
    ticket = stage.ticket(complainant, assignees=[agent.id])
    access = stage.access(agent, "listen", stage.resource(other), evidence_ref=ticket.ref)
    return Scene([ticket], [(access, unjustified("purpose_not_declared"))])


def invented_purpose(stage: Stage) -> Scene:
    """An agent declares a purpose that the policy does not know.

    A good ticket beside it does not help.
    """
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    purpose = stage.rng.choice(("training", "quality_check", "marketing", "curiosity"))
    access = stage.access(
        agent, "listen", stage.resource(ticket.customer_ids[0]), purpose=purpose, evidence_ref=ticket.ref
    )
    return Scene([ticket], [(access, unjustified("purpose_unknown"))])


def no_ticket_cited(stage: Stage) -> Scene:
    """An agent says "a complaint" and cites none; there is none."""
    access = stage.access(
        stage.one_of("support"),
        "listen",
        stage.resource(stage.quiet_customer()),
        purpose="resolve_complaint",
    )
    return Scene([], [(access, unjustified("evidence_not_cited"))])


def ticket_that_does_not_exist(stage: Stage) -> Scene:
    """An agent cites a ticket that no register knows.

    Or does not know yet: the verdict waits.
    """
    access = stage.access(
        stage.one_of("support"),
        "listen",
        stage.resource(stage.customer()),
        purpose="resolve_complaint",
        evidence_ref=stage.unused_ref("complaint"),
    )
    return Scene([], [(access, PENDING_EVIDENCE)])


def work_order_as_ticket(stage: Stage) -> Scene:
    """An engineer cites a work order where it takes a complaint."""
    engineer = stage.one_of("engineering")
    customer = stage.customer()
    order = stage.entry(
        "work_order", assignees=[engineer.id], customer_ids=[customer], purposes=["maintain_service"]
    )
    access = stage.access(
        engineer, "listen", stage.resource(customer), purpose="resolve_complaint", evidence_ref=order.ref
    )
    return Scene([order], [(access, unjustified("evidence_wrong_kind"))])


def _with_ticket(stage: Stage, label: Label, **ticket_fields: object) -> Scene:
    """Let an agent listen to the complainant's recording, citing a ticket with `ticket_fields`."""
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), **{"assignees": [agent.id], **ticket_fields})
    access = stage.access(
        agent,
        "listen",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, label)])


def statement_as_ticket(stage: Stage) -> Scene:
    """The "ticket" is a statement of the person who listened."""
    return _with_ticket(stage, unjustified("evidence_self_recorded"), origin="actor_statement")


def ticket_recorded_by_oneself(stage: Stage) -> Scene:
    """An agent opens, under an alias, the ticket that justifies them."""
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), origin="manual", recorded_by=agent.alias)
    access = stage.access(
        agent,
        "listen",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("evidence_self_recorded"))])


def expired_ticket(stage: Stage) -> Scene:
    """The complaint was closed some hours ago."""
    closed = stage.ago(minutes=stage.rng.randint(20, 600))
    return _with_ticket(
        stage,
        unjustified("evidence_not_in_force"),
        valid_from=stage.ago(days=9),
        recorded_at=stage.ago(days=9),
        valid_to=closed,
    )


def ticket_taken_back(stage: Stage) -> Scene:
    """The customer had taken the complaint back an hour before."""
    return _with_ticket(
        stage,
        unjustified("evidence_withdrawn"),
        status="withdrawn",
        withdrawn_at=stage.ago(minutes=60),
    )


def ticket_about_messages(stage: Stage) -> Scene:
    """The complaint is about SMS, and the agent listens to calls."""
    return _with_ticket(
        stage, unjustified("evidence_wrong_resource"), resource_types=["sms_content", "sms_detail"]
    )


def ticket_about_another_call(stage: Stage) -> Scene:
    """The complaint names one call, and the agent listens to another."""
    return _with_ticket(
        stage, unjustified("evidence_wrong_resource"), resource_ids=[stage.resource(stage.customer()).id]
    )


def colleagues_ticket(stage: Stage) -> Scene:
    """The ticket is assigned to the colleague at the next desk."""
    agent, colleague = stage.two_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[colleague.id])
    accesses = [
        (
            stage.access(
                person,
                "listen",
                stage.resource(ticket.customer_ids[0]),
                step,
                purpose="resolve_complaint",
                evidence_ref=ticket.ref,
            ),
            label,
        )
        for step, (person, label) in enumerate(
            ((colleague, met(_COMPLAINT)), (agent, unjustified("actor_not_assigned")))
        )
    ]
    return Scene([ticket], accesses)


def team_only_claimed(stage: Stage) -> Scene:
    """An engineer claims to be of the team whose ticket it is.

    The event says so; the staff directory does not.
    """
    agent = stage.one_of("support")
    claimant = stage.one_of("engineering")._replace(team=agent.team)
    ticket = stage.ticket(stage.customer(), assignees=[agent.team])
    access = stage.access(
        claimant,
        "listen",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("actor_not_assigned"))])


def another_customers_ticket(stage: Stage) -> Scene:
    """An agent listens to one customer, citing the ticket of another."""
    agent = stage.one_of("support")
    complainant, other = stage.two_customers()
    ticket = stage.ticket(complainant, assignees=[agent.id])
    declared = {"purpose": "resolve_complaint", "evidence_ref": ticket.ref}
    honest = stage.access(agent, "listen", stage.resource(complainant), **declared)
    abuse = stage.access(agent, "listen", stage.resource(other), 1, **declared)
    return Scene([ticket], [(honest, met(_COMPLAINT)), (abuse, unjustified("evidence_wrong_customer"))])


def ticket_of_nobody(stage: Stage) -> Scene:
    """A complaint that names no customer covers no customer."""
    agent = stage.one_of("support")
    ticket = stage.entry("complaint", assignees=[agent.id])
    access = stage.access(
        agent,
        "listen",
        stage.resource(stage.customer()),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("evidence_wrong_customer"))])


def search_across_customers(stage: Stage) -> Scene:
    """An agent searches everybody's messages on one customer's ticket."""
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    access = stage.access(
        agent,
        "search",
        stage.archive("sms_content"),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("evidence_wrong_customer"))])


def blank_cheque(stage: Stage) -> Scene:
    """The work order names no customer, no recording and no person."""
    order = stage.entry("work_order", purposes=["maintain_service"])
    access = stage.access(
        stage.one_of("engineering"),
        "export",
        stage.archive(),
        purpose="maintain_service",
        evidence_ref=order.ref,
    )
    return Scene([order], [(access, unjustified("evidence_without_scope"))])


def work_order_for_something_else(stage: Stage) -> Scene:
    """A work order for enhancement does not allow maintenance."""
    engineer = stage.one_of("engineering")
    order = stage.entry("work_order", assignees=[engineer.id], purposes=["enhance_service"])
    access = stage.access(
        engineer, "update", stage.archive(), purpose="maintain_service", evidence_ref=order.ref
    )
    return Scene([order], [(access, unjustified("evidence_wrong_purpose"))])


def order_for_another_defence(stage: Stage) -> Scene:
    """An order about property is cited as defence against liability."""
    counsel = stage.one_of("legal")
    customer = stage.customer()
    order = stage.entry(
        "legal_order", customer_ids=[customer], assignees=[counsel.id], purposes=["protect_rights"]
    )
    access = stage.access(
        counsel,
        "read",
        stage.resource(customer, "sms_content"),
        purpose="protect_liability",
        evidence_ref=order.ref,
    )
    return Scene([order], [(access, unjustified("evidence_wrong_purpose"))])


def order_withdrawn(stage: Stage) -> Scene:
    """The court lifted its order, and nobody wrote down when.

    So it covers nothing at any time.
    """
    counsel = stage.one_of("legal")
    customer = stage.customer()
    order = stage.entry("legal_order", customer_ids=[customer], assignees=[counsel.id], status="withdrawn")
    access = stage.access(
        counsel,
        "export",
        stage.resource(customer),
        purpose="legal_obligation",
        evidence_ref=order.ref,
    )
    return Scene([order], [(access, unjustified("evidence_withdrawn"))])


def given_to_a_broker(stage: Stage) -> Scene:
    """An agent with a good ticket hands the recording to a data broker."""
    agent = stage.one_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    access = stage.access(
        agent,
        "share",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
        recipient=stage.outside("lead-broker"),
    )
    return Scene([ticket], [(access, OUTSIDE_TRANSFER)])


def order_handed_to_another(stage: Stage) -> Scene:
    """A court ordered the recording; it was sent to somebody else."""
    counsel = stage.one_of("legal")
    customer = stage.customer()
    order = stage.entry(
        "legal_order",
        organization=stage.outside("high-court"),
        customer_ids=[customer],
        assignees=[counsel.id],
    )
    access = stage.access(
        counsel,
        "share",
        stage.resource(customer),
        purpose="legal_obligation",
        evidence_ref=order.ref,
        recipient=stage.outside("press-office"),
    )
    return Scene([order], [(access, OUTSIDE_TRANSFER)])


def sold_unseen(stage: Stage) -> Scene:
    """Messages leave for a data broker with nothing declared.

    That content leaves is the graver reason, and comes before the missing purpose.
    """
    access = stage.access(
        stage.one_of("support"),
        "export",
        stage.resource(stage.quiet_customer(), "sms_content"),
        recipient=stage.outside("lead-broker"),
    )
    return Scene([], [(access, OUTSIDE_TRANSFER)])


def former_employee(stage: Stage) -> Scene:
    """Somebody who left weeks ago still has a login and a ticket.

    The ticket is theirs, nobody reassigned it, and only the employment has ended.
    """
    leaver = stage.rng.choice(stage.company.leavers)
    ticket = stage.ticket(stage.customer(), assignees=[leaver.id])
    access = stage.access(
        leaver,
        "download",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("actor_not_employed"))])


def last_day(stage: Stage) -> Scene:
    """Somebody's employment ends, and they go on listening.

    The same person, a minute earlier, on the same ticket, was justified.
    """
    tag = stage.company.tag
    number = next(stage.numbers)
    leaver = stage.one_of("support")._replace(id=f"emp-{tag}-x{number:05d}", alias=None)
    employment = stage.entry(
        "employment", assignees=[leaver.id], teams=[leaver.team], valid_to=stage.ago(minutes=-2)
    )
    ticket = stage.ticket(stage.customer(), assignees=[leaver.id])
    recording = stage.resource(ticket.customer_ids[0])
    declared = {"purpose": "resolve_complaint", "evidence_ref": ticket.ref}
    before = stage.access(leaver, "listen", recording, 0, **declared)
    after = stage.access(leaver, "download", recording, 4, **declared)
    return Scene(
        [employment, ticket], [(before, met(_COMPLAINT)), (after, unjustified("actor_not_employed"))]
    )


def stranger(stage: Stage) -> Scene:
    """Somebody unknown to the staff directory takes an open ticket."""
    nobody = stage.one_of("support")._replace(id=f"contractor-{stage.company.tag}", team=None)
    ticket = stage.ticket(stage.customer())
    access = stage.access(
        nobody,
        "listen",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("actor_not_employed"))])


def employed_by_own_hand(stage: Stage) -> Scene:
    """Somebody entered their own employment in the staff directory.

    What people record of themselves proves nothing.
    """
    actor_id = f"temp-{stage.company.tag}-{next(stage.numbers):05d}"
    temp = stage.one_of("support")._replace(id=actor_id, team=None, alias=None)
    employment = stage.entry("employment", assignees=[temp.id], origin="manual", recorded_by=temp.id)
    ticket = stage.ticket(stage.customer())
    access = stage.access(
        temp,
        "listen",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([employment, ticket], [(access, unjustified("actor_not_employed"))])


def former_affiliate(stage: Stage) -> Scene:
    """A call centre works on tickets after its affiliation ended."""
    agent = stage.one_at(stage.company.former_partner)
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    access = stage.access(
        agent,
        "listen",
        stage.resource(ticket.customer_ids[0]),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("affiliation_not_in_force"))])


def ended_affiliation_cited(stage: Stage) -> Scene:
    """A call centre cites its affiliation after it ended."""
    partner = stage.company.former_partner
    access = stage.access(
        stage.one_at(partner),
        "read",
        stage.resource(stage.customer(), "account_detail"),
        purpose="related_company",
        evidence_ref=partner.ref,
    )
    return Scene([], [(access, unjustified("evidence_not_in_force"))])


def many_faults_at_once(stage: Stage) -> Scene:
    """An expired ticket of another customer and of another agent.

    The actor has left, too. Of all these faults the customer's comes first in the contract's order.
    """
    leaver = stage.rng.choice(stage.company.leavers)
    complainant, other = stage.two_customers()
    ticket = stage.ticket(
        complainant,
        assignees=[stage.one_of("support").id],
        valid_from=stage.ago(days=8),
        valid_to=stage.ago(days=1),
    )
    access = stage.access(
        leaver,
        "listen",
        stage.resource(other),
        purpose="resolve_complaint",
        evidence_ref=ticket.ref,
    )
    return Scene([ticket], [(access, unjustified("evidence_wrong_customer"))])


def found_but_not_declared(stage: Stage) -> Scene:
    """A colleague cites the ticket of the agent at the next desk.

    Its honest twin declares nothing, and is explained by the ticket assigned to them.
    """
    agent, colleague = stage.two_of("support")
    ticket = stage.ticket(stage.customer(), assignees=[agent.id])
    recording = stage.resource(ticket.customer_ids[0])
    honest = stage.access(agent, "listen", recording)
    cited = stage.access(
        colleague, "listen", recording, 1, purpose="resolve_complaint", evidence_ref=ticket.ref
    )
    return Scene([ticket], [(honest, derived(_COMPLAINT)), (cited, unjustified("actor_not_assigned"))])
