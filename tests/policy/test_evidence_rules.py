from typing import Any

import pytest

from tests.builders import (
    A_TICK,
    NOON,
    a_complaint,
    a_legal_order,
    a_service_account,
    a_transfer,
    a_work_order,
    an_access,
    an_affiliation,
    an_election,
    an_employment,
    an_engagement,
    by_a_service,
    by_a_vendor,
    by_an_affiliate,
)
from tests.policy.judged import reason_of

ALIAS = "e1@example.com"


class TestInForce:
    """Evidence counts from valid_from (inclusive) up to valid_to (exclusive), by the time of the access."""

    def test_the_first_instant_counts(self) -> None:
        """A ticket opened in the same instant is open."""
        assert reason_of(an_access(), a_complaint(valid_from=NOON)) == "clause_met"

    def test_an_instant_before_the_first_does_not_count(self) -> None:
        """Nobody looks first and opens the ticket afterwards."""
        assert reason_of(an_access(), a_complaint(valid_from=NOON + A_TICK)) == "evidence_not_in_force"

    def test_the_last_instant_before_the_end_counts(self) -> None:
        """The end is exclusive: one microsecond before it the ticket is open."""
        assert reason_of(an_access(), a_complaint(valid_to=NOON + A_TICK)) == "clause_met"

    def test_the_end_itself_does_not_count(self) -> None:
        """A closed ticket is closed."""
        assert reason_of(an_access(), a_complaint(valid_to=NOON)) == "evidence_not_in_force"

    def test_withdrawn_evidence_counts_until_it_is_withdrawn(self) -> None:
        """What was done in good faith before the withdrawal stays justified."""
        withdrawn = a_complaint(status="withdrawn", withdrawn_at=NOON + A_TICK)
        assert reason_of(an_access(), withdrawn) == "clause_met"

    def test_withdrawn_evidence_covers_nothing_from_its_withdrawal_on(self) -> None:
        """The instant of withdrawal is inclusive."""
        withdrawn = a_complaint(status="withdrawn", withdrawn_at=NOON)
        assert reason_of(an_access(), withdrawn) == "evidence_withdrawn"

    def test_evidence_withdrawn_without_a_date_never_covered_anything(self) -> None:
        """Nobody can say when it still held."""
        assert reason_of(an_access(), a_complaint(status="withdrawn")) == "evidence_withdrawn"

    def test_evidence_that_ended_and_was_withdrawn_is_not_in_force(self) -> None:
        """Of two reasons the earlier in the contract's order is given."""
        over = a_complaint(status="withdrawn", valid_to=NOON)
        assert reason_of(an_access(), over) == "evidence_not_in_force"

    def test_the_time_of_receipt_does_not_matter(self) -> None:
        """An event that travels for a day is judged by when it happened."""
        at = an_access(time=NOON - A_TICK)
        assert reason_of(at, a_complaint(valid_to=NOON)) == "clause_met"


class TestScope:
    """Lists restrict where they are not empty."""

    @pytest.mark.parametrize(
        ("scope", "reason"),
        [
            ({"customer_ids": ["globex"]}, "evidence_wrong_customer"),
            ({"customer_ids": ["globex", "acme"]}, "clause_met"),
            ({"resource_types": ["sms_content"]}, "evidence_wrong_resource"),
            ({"resource_types": ["call_recording"]}, "clause_met"),
            ({"resource_ids": ["rec-2"]}, "evidence_wrong_resource"),
            ({"resource_ids": ["rec-1"]}, "clause_met"),
            ({"resource_types": ["call_recording"], "resource_ids": ["rec-2"]}, "evidence_wrong_resource"),
            ({"assignees": ["e-2"]}, "actor_not_assigned"),
            ({"assignees": ["e-2", "e-1"]}, "clause_met"),
            ({"purposes": ["enhance_service"], "functions": ["process_sms"]}, "clause_met"),
        ],
    )
    def test_a_list_restricts_to_what_it_names(self, scope: dict[str, Any], reason: str) -> None:
        """Purposes and functions restrict only where a clause asks for them."""
        assert reason_of(an_access(), a_complaint(**scope)) == reason

    def test_a_long_list_restricts_like_a_short_one(self) -> None:
        """Long lists are kept in another form; that must not show."""
        many = [f"customer-{number}" for number in range(1_000)]
        assert reason_of(an_access(), a_complaint(customer_ids=many)) == "evidence_wrong_customer"
        assert reason_of(an_access(), a_complaint(customer_ids=[*many, "acme"])) == "clause_met"

    @pytest.mark.parametrize(
        ("record", "access"),
        [
            (a_complaint(customer_ids=[]), {}),
            (
                a_legal_order(customer_ids=[]),
                {"purpose": "legal_obligation", "evidence_ref": "order:L-1"},
            ),
            (
                an_election(customer_ids=[]),
                {
                    "actor_type": "application",
                    "organization": "crm",
                    "purpose": "elected_application",
                    "evidence_ref": "election:E-1",
                },
            ),
        ],
    )
    @pytest.mark.parametrize("customer_id", ["acme", "*"])
    def test_complaints_orders_and_elections_without_customers_cover_none(
        self, record: Any, access: dict[str, Any], customer_id: str
    ) -> None:
        """They are somebody's; without a name they would open everything."""
        assert reason_of(an_access(**access, customer_id=customer_id), record) == "evidence_wrong_customer"

    @pytest.mark.parametrize("scope", ["customer_ids", "resource_ids", "assignees"])
    def test_one_of_three_lists_makes_a_work_order_more_than_a_blank_cheque(self, scope: str) -> None:
        """Any of them says whom or what the work is about."""
        named = {"customer_ids": ["acme"], "resource_ids": ["rec-1"], "assignees": ["e-1"]}[scope]
        scoped: dict[str, Any] = {"assignees": [], scope: named}
        order = a_work_order(**scoped)
        access = an_access(purpose="maintain_service", evidence_ref="change:W-1")
        assert reason_of(access, order) == "clause_met"

    def test_a_work_order_for_everything_and_everybody_covers_nothing(self) -> None:
        """Resource types alone are no scope: all recordings of all customers is a blank cheque."""
        order = a_work_order(assignees=[], resource_types=["call_recording"])
        access = an_access(purpose="maintain_service", evidence_ref="change:W-1")
        assert reason_of(access, order) == "evidence_without_scope"

    def test_an_access_to_many_customers_needs_evidence_that_names_none(self) -> None:
        """Evidence about one customer says nothing about a listing of all."""
        access = an_access(purpose="maintain_service", evidence_ref="change:W-1", customer_id="*")
        assert reason_of(access, a_work_order()) == "clause_met"
        assert reason_of(access, a_work_order(customer_ids=["acme"])) == "evidence_wrong_customer"


class TestAliases:
    """A record with aliases makes them and its one assignee one actor, both ways."""

    def test_who_acts_under_an_alias_is_the_assignee(self) -> None:
        """Storage logs know the e-mail, the ticket the staff number."""
        staff = an_employment(aliases=[ALIAS])
        access = an_access(actor_id=ALIAS)
        assert reason_of(access, a_complaint(assignees=["e-1"]), staff) == "clause_met"

    def test_who_is_assigned_under_an_alias_is_the_actor(self) -> None:
        """The other way round."""
        staff = an_employment(aliases=[ALIAS])
        assert reason_of(an_access(), a_complaint(assignees=[ALIAS]), staff) == "clause_met"

    def test_two_aliases_are_one_actor(self) -> None:
        """Both are the assignee, so each is the other."""
        staff = an_employment(aliases=[ALIAS, "os:e1"])
        access = an_access(actor_id="os:e1")
        assert reason_of(access, a_complaint(assignees=[ALIAS]), staff) == "clause_met"

    def test_aliases_chain_over_records(self) -> None:
        """One register knows the e-mail, another what the cloud calls it."""
        cloud = an_employment("cloud:e-1", assignees=[ALIAS], aliases=["arn:e1"])
        access = an_access(actor_id="arn:e1")
        staff = an_employment(aliases=[ALIAS])
        assert reason_of(access, a_complaint(assignees=["e-1"]), staff, cloud) == "clause_met"

    def test_hundreds_of_records_may_speak_of_one_actor(self) -> None:
        """Whoever has changed laptops for years has one record each; they are followed to the end."""
        laptops = [an_employment(f"laptop:{number}", aliases=[f"os:{number}"]) for number in range(300)]
        access = an_access(actor_id="os:299")
        assert reason_of(access, a_complaint(assignees=["os:0"]), *laptops) == "clause_met"

    def test_people_named_side_by_side_are_not_one_actor(self) -> None:
        """A record without aliases may name a whole team; its members stay apart."""
        together = an_employment(assignees=["e-1", "e-2"])
        assert reason_of(an_access(), a_complaint(recorded_by="e-2"), together) == "clause_met"
        assert reason_of(an_access(), a_complaint(assignees=["e-2"]), together) == "actor_not_assigned"

    def test_without_the_record_an_alias_is_somebody_else(self) -> None:
        """Nothing guesses that e1@example.com is e-1."""
        assert reason_of(an_access(actor_id=ALIAS), a_complaint(assignees=["e-1"])) == "actor_not_assigned"

    def test_an_ended_record_still_says_who_is_who(self) -> None:
        """Whose e-mail it was does not change when the employment ends: he is known, and not employed."""
        left = an_employment(aliases=[ALIAS], valid_to=NOON)
        access = an_access(actor_id=ALIAS)
        assert reason_of(access, a_complaint(assignees=["e-1"]), left) == "actor_not_employed"

    def test_whoever_entered_evidence_under_an_alias_entered_it_himself(self) -> None:
        """Nobody excuses himself by another of his names."""
        staff = an_employment(aliases=[ALIAS])
        assert reason_of(an_access(), a_complaint(recorded_by=ALIAS), staff) == "evidence_self_recorded"
        acting = an_access(actor_id=ALIAS)
        assert reason_of(acting, a_complaint(recorded_by="e-1"), staff) == "evidence_self_recorded"

    def test_an_alias_that_the_actor_entered_proves_nothing(self) -> None:
        """Else anybody could become the assignee of any ticket."""
        own = an_employment("staff:e-9", assignees=["e-1"], aliases=["e-9"], recorded_by="e-9")
        access = an_access(actor_id="e-9")
        honest = an_employment("staff:honest", assignees=["e-9"])
        assert reason_of(access, a_complaint(assignees=["e-1"]), own, honest) == "actor_not_assigned"

    def test_an_alias_entered_under_that_alias_proves_nothing_to_its_assignee_either(self) -> None:
        """If it told the truth, the actor would have entered it: so it is not believed."""
        own = an_employment("staff:own", aliases=["e-9"], recorded_by="e-9")
        complaint = a_complaint(assignees=["e-9"])
        assert reason_of(an_access(), complaint, own, an_employment()) == "actor_not_assigned"
        assert reason_of(an_access(), a_complaint(), own) == "actor_not_employed"

    def test_an_alias_that_the_actor_only_states_proves_nothing(self) -> None:
        """Origin actor_statement is never proof."""
        stated = an_employment(aliases=[ALIAS], origin="actor_statement")
        access = an_access(actor_id=ALIAS)
        assert reason_of(access, a_complaint(assignees=["e-1"]), stated) == "actor_not_assigned"

    @pytest.mark.parametrize(
        ("access", "record", "linked"),
        [
            (by_an_affiliate(), an_affiliation("people:p", assignees=["p-1"], aliases=["px"]), True),
            (
                by_an_affiliate(),
                an_affiliation("people:p", assignees=["p-1"], aliases=["px"], organization="other"),
                False,
            ),
            (by_an_affiliate(), an_engagement("people:p", assignees=["p-1"], aliases=["px"]), False),
            (by_an_affiliate(), an_employment("people:p", assignees=["p-1"], aliases=["px"]), False),
            ({}, an_affiliation("people:p", assignees=["e-1"], aliases=["px"]), False),
            ({}, an_employment("people:p", assignees=["e-1"], aliases=["px"]), True),
        ],
    )
    def test_aliases_count_for_the_actors_of_their_kind_of_record(
        self,
        access: dict[str, Any],
        record: Any,
        linked: bool,  # noqa: FBT001 - a parameter of the table
    ) -> None:
        """Employees by employments, affiliates by affiliations of their organization, and so on."""
        expected = "clause_met" if linked else "actor_not_assigned"
        complaint = a_complaint(assignees=["px"])
        registers = [an_affiliation(), an_employment(), record]
        assert reason_of(an_access(**access), complaint, *registers) == expected

    def test_a_vendors_aliases_are_those_of_its_own_engagements(self) -> None:
        """The same name at two vendors is two people."""
        contract = an_engagement(assignees=["vx"])
        access = an_access(**by_a_vendor())
        people = {"assignees": ["v-1"], "aliases": ["vx"]}
        assert reason_of(access, contract, an_engagement("people:v", **people)) == "clause_met"
        other = an_engagement("people:v", **people, organization="other")
        assert reason_of(access, contract, other) == "actor_not_assigned"

    def test_a_services_aliases_are_those_of_service_accounts(self) -> None:
        """Organizations do not matter for services."""
        account = a_service_account(aliases=["arn:transcriber"], organization="anyone")
        assert reason_of(an_access(**by_a_service(actor_id="arn:transcriber")), account) == "clause_met"


class TestTeams:
    """A claimed team counts where a register in force lists the actor in it."""

    complaint = a_complaint(assignees=["support"])

    def test_a_team_that_the_staff_register_lists_counts(self) -> None:
        """Most tickets wait in a team's queue."""
        access = an_access(actor_team="support")
        assert reason_of(access, self.complaint, an_employment(teams=["support"])) == "clause_met"

    @pytest.mark.parametrize(
        "staff",
        [
            an_employment(),
            an_employment(teams=["billing"]),
            an_employment("staff:old", teams=["support"], valid_to=NOON),
            an_employment("staff:gone", teams=["support"], status="withdrawn"),
            an_employment("staff:e-2", assignees=["e-2"], teams=["support"]),
            an_employment("staff:own", teams=["support"], recorded_by="e-1"),
            an_employment("staff:stated", teams=["support"], origin="actor_statement"),
            an_affiliation(teams=["support"], assignees=["e-1"]),
        ],
    )
    def test_a_team_that_is_only_claimed_does_not_count(self, staff: Any) -> None:
        """What a producer claims is not what a register knows."""
        access = an_access(actor_team="support")
        records = [self.complaint, an_employment(), staff]
        assert reason_of(access, *records) == "actor_not_assigned"

    def test_a_team_counts_only_where_it_is_claimed(self) -> None:
        """The event says in which of its teams the actor acted."""
        staff = an_employment(teams=["support", "billing"])
        assert reason_of(an_access(), self.complaint, staff) == "actor_not_assigned"
        assert reason_of(an_access(actor_team="billing"), self.complaint, staff) == "actor_not_assigned"

    def test_an_affiliates_team_is_listed_by_its_organizations_affiliation(self) -> None:
        """Any record in force of that affiliation may list it."""
        access = an_access(**by_an_affiliate(actor_team="support"))
        listing = an_affiliation("affiliation:desk", teams=["support"])
        assert reason_of(access, self.complaint, an_affiliation(), listing) == "clause_met"
        others = an_affiliation("affiliation:desk", teams=["support"], organization="other")
        assert reason_of(access, self.complaint, an_affiliation(), others) == "actor_not_assigned"
        ended = an_affiliation("affiliation:desk", teams=["support"], valid_to=NOON)
        assert reason_of(access, self.complaint, an_affiliation(), ended) == "actor_not_assigned"

    def test_an_affiliates_team_is_listed_by_affiliations_only(self) -> None:
        """A staff record or a contract that names its organization lists nothing for it."""
        access = an_access(**by_an_affiliate(actor_team="support"))
        staff = an_employment("staff:p", organization="partner", teams=["support"], assignees=["p-1"])
        contract = an_engagement(organization="partner", teams=["support"])
        records = [self.complaint, an_affiliation(), staff, contract]
        assert reason_of(access, *records) == "actor_not_assigned"

    @pytest.mark.parametrize(
        ("access", "record"),
        [
            (by_a_vendor(), an_engagement()),
            (
                {
                    "actor_type": "acquirer",
                    "actor_id": "v-1",
                    "organization": "voiceco",
                    "purpose": "business_transfer",
                    "evidence_ref": "deal:D-1",
                },
                a_transfer(organization="voiceco"),
            ),
        ],
    )
    def test_outsiders_have_no_teams(self, access: dict[str, Any], record: Any) -> None:
        """The contract knows teams of employees and affiliates only, whatever a register lists."""
        named = record.model_copy(update={"assignees": ("night-shift",), "teams": ("night-shift",)})
        listing = {"teams": ["night-shift"], "assignees": ["v-1"], "organization": "voiceco"}
        records = [named, an_employment("staff:v-1", **listing), an_affiliation("affiliation:v", **listing)]
        claimed = an_access(**access, actor_team="night-shift")
        assert reason_of(claimed, *records) == "actor_not_assigned"


class TestSelfService:
    """What the actor entered or stated proves nothing."""

    def test_evidence_that_the_actor_entered_proves_no_clause(self) -> None:
        """Opening a ticket oneself opens no recording."""
        assert reason_of(an_access(), a_complaint(recorded_by="e-1")) == "evidence_self_recorded"

    def test_evidence_that_a_colleague_entered_does(self) -> None:
        """Somebody has to enter it."""
        assert reason_of(an_access(), a_complaint(recorded_by="e-2")) == "clause_met"

    def test_an_actors_statement_proves_no_clause_whoever_entered_it(self) -> None:
        """A note of what the actor said is still what the actor said."""
        stated = a_complaint(origin="actor_statement", recorded_by="e-2")
        assert reason_of(an_access(), stated) == "evidence_self_recorded"

    def test_an_employment_that_the_actor_entered_employs_nobody(self) -> None:
        """It makes the staff register known, and does not put the actor into it."""
        assert reason_of(an_access(), a_complaint(), an_employment(recorded_by="e-1")) == "actor_not_employed"

    def test_an_affiliation_that_the_actor_entered_affiliates_nobody(self) -> None:
        """Likewise."""
        access = an_access(**by_an_affiliate())
        own = an_affiliation(recorded_by="p-1")
        assert reason_of(access, a_complaint(), own) == "affiliation_not_in_force"

    def test_a_vendor_does_not_engage_itself(self) -> None:
        """The vendor's own person entered the contract."""
        contract = an_engagement(recorded_by="v-1")
        assert reason_of(an_access(**by_a_vendor()), contract) == "evidence_self_recorded"


class TestStanding:
    """Who is employed, and who is affiliated."""

    def test_without_a_staff_register_employees_are_believed(self) -> None:
        """A company that has not connected its staff directory yet is not all strangers."""
        assert reason_of(an_access(), a_complaint()) == "clause_met"

    @pytest.mark.parametrize(
        "known",
        [
            an_employment("staff:e-2", assignees=["e-2"]),
            an_employment(valid_to=NOON),
            an_employment(valid_from=NOON + A_TICK),
            an_employment(status="withdrawn"),
            an_employment(status="withdrawn", withdrawn_at=NOON),
            an_employment(assignees=[]),
            an_employment(origin="actor_statement"),
        ],
    )
    def test_once_any_employment_is_known_an_employee_needs_one_in_force(self, known: Any) -> None:
        """Of any person and whatever its status: then there is a register to be in."""
        assert reason_of(an_access(), a_complaint(), known) == "actor_not_employed"

    def test_one_employment_in_force_is_enough(self) -> None:
        """Whoever left and came back is employed."""
        left = an_employment("staff:first", valid_to=NOON - A_TICK)
        assert reason_of(an_access(), a_complaint(), left, an_employment()) == "clause_met"

    def test_a_ref_that_no_longer_tells_of_an_employment_is_none(self) -> None:
        """The newest record of a ref replaces the older ones, its kind included."""
        replaced = a_transfer("staff:e-2")
        employed = an_employment("staff:e-2", assignees=["e-2"])
        assert reason_of(an_access(), a_complaint(), employed, replaced) == "clause_met"

    def test_an_affiliate_needs_an_affiliation_of_its_organization(self) -> None:
        """Whatever the purpose; from the first access on."""
        access = an_access(**by_an_affiliate())
        assert reason_of(access, a_complaint()) == "affiliation_not_in_force"
        assert reason_of(access, a_complaint(), an_affiliation()) == "clause_met"
        others = an_affiliation(organization="other")
        assert reason_of(access, a_complaint(), others) == "affiliation_not_in_force"

    def test_nothing_else_of_the_affiliation_is_checked(self) -> None:
        """Its scope speaks of related_company alone."""
        narrow = an_affiliation(customer_ids=["globex"], resource_types=["sms_content"], assignees=["p-2"])
        assert reason_of(an_access(**by_an_affiliate()), a_complaint(), narrow) == "clause_met"

    def test_vendors_need_no_employment(self) -> None:
        """A staff register says nothing of vendors."""
        access = an_access(**by_a_vendor())
        assert reason_of(access, an_engagement(), an_employment()) == "clause_met"
