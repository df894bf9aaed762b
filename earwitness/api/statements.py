"""The page on which an actor answers about an access, without a login: its address is the right to answer.

Nobody else can make such a request for them, so there is no token against forged forms beside it: who knows
the address may answer, and who does not cannot. A link that is forged, damaged, too old or about nothing is
answered in the same words, so that nothing can be learned by trying.
"""

from http import HTTPStatus
from typing import Annotated, Final, NamedTuple
from urllib.parse import parse_qs
from uuid import uuid4

import structlog
from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from earwitness.alerts.statements import Claim, Question, answer_id, evidence_of, question_of
from earwitness.alerts.words import LONGEST_TEXT, check_text
from earwitness.api.people import PageRoute, page
from earwitness.api.recording import Asking
from earwitness.api.sources import From, Sources
from earwitness.query.rows import Row
from earwitness.registers.activity import writing
from earwitness.registers.hooks import evidence_message
from earwitness.reports.alert_words import CITES
from earwitness.reports.statement_page import LONGEST_REF, Draft, message_page, question_page
from earwitness.reports.statement_page import Asked as Shown
from models.alerts import Entry
from models.fields import EvidenceRef, format_time, parse_time
from models.publisher import Publisher
from models.verdict import JUSTIFIED

log = structlog.get_logger()

MOST_FIELDS: Final = 4
_SOURCE: Final = "/earwitness/statements"
_REF: Final[TypeAdapter[str]] = TypeAdapter(EvidenceRef)

router: Final = APIRouter(route_class=PageRoute)


class Statements(NamedTuple):
    """What proves a link to be ours, and what publishes the answers as evidence."""

    key: bytes
    publisher: Publisher


class _Found(NamedTuple):
    question: Question
    member: Row

    @property
    def alert_id(self) -> str:
        return str(self.question.alert_id)


async def _body(request: Request) -> bytes:
    return await request.body()


@router.get("/statements/{token}")
def ask_actor(token: str, request: Request, sources: From) -> Response:
    """Show the question. Looking does not answer it: mail gateways look at every link."""
    found = _found(token, request, sources)
    if found is None:
        return _leads_nowhere()
    if sources.desk.alerts.entry(found.alert_id, answer_id(found.question)) is not None:
        return _answered_before()
    _asking(request, found).record(
        "statements.show",
        f"{found.alert_id} {found.question.access_id}",
        customer_ids=[found.member["customer_id"]],
        row_count=1,
    )
    if found.member["verdict"] == JUSTIFIED:
        return page(message_page("Nothing to answer any more", "Evidence explains this access by now."))
    return page(question_page(_shown(found), Draft()))


@router.post("/statements/{token}")
def take_answer(
    token: str, request: Request, body: Annotated[bytes, Depends(_body)], sources: From
) -> Response:
    """Keep an answer, once: with the alert, and as evidence that justifies nothing."""
    found = _found(token, request, sources)
    if found is None:
        return _leads_nowhere()
    if sources.desk.alerts.entry(found.alert_id, answer_id(found.question)) is not None:
        return _answered_before()
    draft = _read(body)
    if draft.fault:
        return page(question_page(_shown(found), draft), HTTPStatus.BAD_REQUEST)
    if not _keep(found, draft, request, sources):
        return _answered_before()
    return page(message_page("Thank you", "Your answer is kept with the question. You can close this page."))


def _keep(found: _Found, draft: Draft, request: Request, sources: Sources) -> bool:
    """Keep the answer. Evidence first: its ref is the same at every try, so it may come twice.

    False where another answer was kept a moment before; raises where nothing is known to be kept.
    """
    statements: Statements = request.app.state.statements
    asking, member, question = _asking(request, found), found.member, found.question
    claim = Claim(
        actor_id=member["actor_id"],
        customer_id=member["customer_id"],
        resource_id=member["resource_id"],
        resource_type=member["resource_type"],
        purpose=member["purpose"],
        time=parse_time(member["time"]),
    )
    record = evidence_of(question, claim, asking.now)
    told = writing(f"statement {found.alert_id} {question.access_id}", [record])
    asking.record("evidence.statement", told.query, customer_ids=told.customer_ids, row_count=told.row_count)
    statements.publisher.publish([evidence_message(record, uuid4(), _SOURCE)])
    entry = Entry(
        question.alert_id,
        answer_id(question),
        asking.now,
        "stated",
        asking.principal,
        text="\n".join(filter(None, (f"{CITES}{draft.ref}" if draft.ref else "", draft.text))),
    )
    sources.desk.log.write_once(entry)
    kept = sources.desk.alerts.entry(found.alert_id, entry.id)
    return kept is None or (kept["at"], kept["text"]) == (format_time(entry.at), entry.text)


def _found(token: str, request: Request, sources: Sources) -> _Found | None:
    statements: Statements | None = request.app.state.statements
    question = None if statements is None else question_of(token, statements.key, request.app.state.clock())
    if question is None:
        log.warning("statement_refused", characters=len(token))
        return None
    member = sources.desk.alerts.member(str(question.alert_id), str(question.access_id))
    # Of something that is no access of the trail there is nothing to ask.
    return None if member is None or member["action"] is None else _Found(question, member)


def _asking(request: Request, found: _Found) -> Asking:
    state = request.app.state
    who = f"actor:{found.member['actor_id']}"
    return Asking(state.activity, state.clock, principal=who, surface="page")


def _read(body: bytes) -> Draft:
    """Read the form; `fault` says what is wrong with it, in words for its sender."""
    try:
        fields = parse_qs(body.decode("ascii"), errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        return Draft(fault="The form could not be read. Please write your answer again.")
    ref, text = (fields.get(name, [""])[0].replace("\r\n", "\n").strip() for name in ("ref", "text"))
    return Draft(ref, text, _fault(ref, text))


def _fault(ref: str, text: str) -> str:
    if not ref and not text:
        return "Please name the evidence, or explain the access."
    if len(text) > LONGEST_TEXT:
        return f"The explanation is longer than {LONGEST_TEXT:,} characters."
    for what, said in (("The evidence", ref), ("The explanation", text)):
        try:
            check_text(said)
        except ValueError as error:
            return f"{what} {error}."
    try:
        _REF.validate_python(ref or "none")
    except ValidationError:
        return f"The name of the evidence is longer than {LONGEST_REF} characters."
    return "" if ref.isprintable() else "The name of the evidence holds a line break."


def _shown(found: _Found) -> Shown:
    member = found.member
    return Shown(member["time"], member["action"], member["resource_type"], member["outcome"])


def _leads_nowhere() -> Response:
    return page(
        message_page(
            "This link leads nowhere",
            "It may be too old: a question can be answered for seven days. Or a part of it is missing.",
            "If you want to say something about an access of yours, ask your security team.",
        ),
        HTTPStatus.NOT_FOUND,
    )


def _answered_before() -> Response:
    return page(
        message_page(
            "This was answered already",
            "An answer can be given once, and the first one stays. To add something, ask your security team.",
        ),
        HTTPStatus.CONFLICT,
    )
