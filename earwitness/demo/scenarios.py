"""Every scene that a day may hold, and how often it is played."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from . import everyday, misuse, outsiders
from .labels import Scene
from .stage import Stage


class Scenario(NamedTuple):
    """One kind of scene."""

    play: Callable[[Stage], Scene]
    weight: float
    """Everyday: its share of the scenes. Misuse: scenes in 10,000 accesses, at least one a day."""

    @property
    def kind(self) -> str:
        """The name that its accesses are labelled with."""
        return self.play.__name__

    @property
    def story(self) -> str:
        """One sentence for a person: what happens here."""
        return (self.play.__doc__ or self.kind).partition("\n")[0]


EVERYDAY: Final[Sequence[Scenario]] = (
    Scenario(everyday.service_at_work, 18.0),
    Scenario(everyday.own_use, 13.0),
    Scenario(everyday.own_use_sent_outside, 0.2),
    Scenario(everyday.elected_application, 2.0),
    Scenario(everyday.application_declares_nothing, 2.0),
    Scenario(everyday.agents_own_ticket, 1.2),
    Scenario(everyday.teams_ticket, 1.0),
    Scenario(everyday.ticket_under_alias, 0.4),
    Scenario(everyday.ticket_closed_afterwards, 0.3),
    Scenario(everyday.ticket_not_cited, 0.3),
    Scenario(everyday.nothing_declared_but_assigned, 0.3),
    Scenario(everyday.ticket_without_purpose, 0.2),
    Scenario(everyday.attempt_refused, 0.2),
    Scenario(everyday.care_partners_ticket, 0.4),
    Scenario(everyday.maintenance_window, 0.2),
    Scenario(everyday.repair_of_one_recording, 0.15),
    Scenario(everyday.work_order_not_cited, 0.1),
    Scenario(everyday.speech_research, 0.3),
    Scenario(everyday.court_order, 0.1),
    Scenario(everyday.court_order_not_cited, 0.03),
    Scenario(everyday.defence_of_rights, 0.05),
    Scenario(everyday.defence_against_liability, 0.05),
    Scenario(everyday.sister_company, 0.15),
    Scenario(everyday.database_vendor, 0.8),
    Scenario(everyday.sms_vendor, 1.0),
    Scenario(everyday.call_vendor, 0.8),
    Scenario(everyday.payment_vendor, 0.6),
    Scenario(everyday.vendors_backup, 0.03),
    Scenario(everyday.acquirer, 0.1),
)

MISUSE: Final[Sequence[Scenario]] = (
    Scenario(misuse.curious_look, 6.0),
    Scenario(misuse.bulk_download, 0.5),
    Scenario(misuse.ticket_that_explains_nothing, 1.5),
    Scenario(misuse.invented_purpose, 3.0),
    Scenario(misuse.no_ticket_cited, 4.0),
    Scenario(misuse.ticket_that_does_not_exist, 4.0),
    Scenario(misuse.work_order_as_ticket, 1.5),
    Scenario(misuse.statement_as_ticket, 1.5),
    Scenario(misuse.ticket_recorded_by_oneself, 1.5),
    Scenario(misuse.expired_ticket, 4.0),
    Scenario(misuse.ticket_taken_back, 1.5),
    Scenario(misuse.ticket_about_messages, 1.5),
    Scenario(misuse.ticket_about_another_call, 1.5),
    Scenario(misuse.colleagues_ticket, 3.0),
    Scenario(misuse.team_only_claimed, 1.5),
    Scenario(misuse.another_customers_ticket, 4.0),
    Scenario(misuse.ticket_of_nobody, 1.0),
    Scenario(misuse.search_across_customers, 1.0),
    Scenario(misuse.blank_cheque, 1.5),
    Scenario(misuse.work_order_for_something_else, 1.5),
    Scenario(misuse.order_for_another_defence, 1.0),
    Scenario(misuse.order_withdrawn, 1.0),
    Scenario(misuse.given_to_a_broker, 1.5),
    Scenario(misuse.order_handed_to_another, 1.0),
    Scenario(misuse.sold_unseen, 1.0),
    Scenario(misuse.former_employee, 2.0),
    Scenario(misuse.last_day, 1.0),
    Scenario(misuse.stranger, 1.0),
    Scenario(misuse.employed_by_own_hand, 1.0),
    Scenario(misuse.former_affiliate, 2.0),
    Scenario(misuse.ended_affiliation_cited, 1.0),
    Scenario(misuse.many_faults_at_once, 1.0),
    Scenario(misuse.found_but_not_declared, 1.0),
    Scenario(outsiders.vendor_beyond_its_function, 1.5),
    Scenario(outsiders.vendor_beyond_its_need, 1.5),
    Scenario(outsiders.vendor_outside_the_actions, 1.5),
    Scenario(outsiders.another_vendors_contract, 1.0),
    Scenario(outsiders.vendor_on_a_ticket, 1.0),
    Scenario(outsiders.vendor_without_contract_cited, 1.0),
    Scenario(outsiders.vendor_listens_in, 1.0),
    Scenario(outsiders.vendor_passes_it_on, 1.5),
    Scenario(outsiders.vendors_contract_not_begun, 1.0),
    Scenario(outsiders.vendor_at_another_customer, 1.0),
    Scenario(outsiders.another_buyer, 1.0),
    Scenario(outsiders.buyer_without_transfer, 1.0),
    Scenario(outsiders.election_withdrawn, 2.0),
    Scenario(outsiders.another_applications_election, 1.0),
    Scenario(outsiders.application_never_elected, 2.0),
    Scenario(outsiders.application_at_another_customer, 1.0),
    Scenario(outsiders.unregistered_service, 1.5),
    Scenario(outsiders.service_beyond_its_function, 1.5),
    Scenario(outsiders.service_account_expired, 1.0),
    Scenario(outsiders.service_with_a_persons_purpose, 1.0),
    Scenario(outsiders.customer_at_anothers, 1.5),
)

STORIES: Final = {scenario.kind: scenario.story for scenario in (*EVERYDAY, *MISUSE)}
"""Kind of scene → what happens in it, in one sentence."""
