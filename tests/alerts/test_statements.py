"""Links by which actors answer, and what an answer is worth as evidence."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from earwitness.alerts.statements import (
    ANSWERED_WITHIN,
    Claim,
    Question,
    answer_id,
    evidence_of,
    question_of,
    token_of,
)
from tests.builders import NOON, an_access
from tests.policy.judged import reason_of, verdict_of

KEY = b"a-key-of-a-test"
NOW = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
QUESTION = Question(uuid4(), uuid4(), NOW + ANSWERED_WITHIN)
CLAIM = Claim("e-1", "acme", "rec-1", "call_recording", "maintain_service", NOON)


def test_a_link_says_which_access_of_which_alert_and_until_when() -> None:
    """It is short, fits into a URL as it is, and names nobody."""
    token = token_of(QUESTION, KEY)
    assert question_of(token, KEY, NOW) == QUESTION
    assert (len(token), token.isascii(), set(token) & set("+/=%")) == (71, True, set())


def test_a_link_that_was_changed_in_any_byte_leads_nowhere() -> None:
    """Otherwise somebody could answer for another."""
    raw = base64.urlsafe_b64decode(token_of(QUESTION, KEY) + "=")
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        token = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        assert question_of(token, KEY, NOW) is None


@pytest.mark.parametrize("token", ["", "x", "é", "../..", "A" * 71, "A" * 10_000])
def test_what_is_no_link_leads_nowhere(token: str) -> None:
    """Anybody can send anything."""
    assert question_of(token, KEY, NOW) is None


def test_a_link_of_another_key_or_a_late_one_leads_nowhere() -> None:
    """Both look alike from outside."""
    assert question_of(token_of(QUESTION, b"another"), KEY, NOW) is None
    assert question_of(token_of(QUESTION, KEY), KEY, QUESTION.expires_at) is None


def test_two_writings_of_one_link_are_one_answer() -> None:
    """The last character of a token has bits that mean nothing: they must not give a second answer."""
    token = token_of(QUESTION, KEY)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twins = [token[:-1] + one for one in last if question_of(token[:-1] + one, KEY, NOW) == QUESTION]
    assert len(twins) > 1
    read = [question_of(twin, KEY, NOW) for twin in twins]
    assert {answer_id(each) for each in read if each is not None} == {answer_id(QUESTION)}


def test_what_an_actor_states_never_justifies_him() -> None:
    """Neither cited nor found by itself; told by a register, the very same words would."""
    statement = evidence_of(QUESTION, CLAIM, NOW)
    cited = an_access(purpose="maintain_service", evidence_ref=statement.ref)
    derived = an_access(purpose="maintain_service", evidence_ref=None)
    assert (statement.origin, statement.recorded_by) == ("actor_statement", "e-1")
    for access, reason in ((cited, "evidence_self_recorded"), (derived, "evidence_not_cited")):
        verdict = verdict_of(access, statement)
        assert (verdict.outcome, verdict.reason) == ("unjustified", reason)
    register = statement.model_copy(update={"origin": "register", "recorded_by": "zendesk"})
    assert (reason_of(cited, register), reason_of(derived, register)) == ("clause_met", "derived")


def test_what_an_actor_states_justifies_nobody_else() -> None:
    """A colleague who cites it is no better off."""
    statement = evidence_of(QUESTION, CLAIM, NOW)
    other = an_access(actor_id="e-2", purpose="maintain_service", evidence_ref=statement.ref)
    assert reason_of(other, statement) == "evidence_self_recorded"


def test_a_statement_speaks_of_its_access_alone() -> None:
    """Of an operation on many customers it names none; and a second later it is over."""
    wide = evidence_of(QUESTION, CLAIM._replace(customer_id="*", purpose=None), NOW)
    assert (wide.customer_ids, wide.purposes) == ((), ())
    assert wide.valid_to == NOON + timedelta(seconds=1)
