"""The shapes of the answers, for the OpenAPI document. Routes build plain JSON; tests hold it to these."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from models.access import AccessOutcome, Action, ActorType, ResourceType
from models.evidence import EvidenceKind
from models.verdict import Outcome, Reason

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC, microseconds."""

Json = dict[str, Any]


class Fault(BaseModel):
    """What went wrong. `begin`, `end` and `suggestion` are there where a query cannot be read."""

    code: str = Field(description="stable, for programs", examples=["query_rejected"])
    message: str = Field(description="what is wrong", examples=["there is no field actr"])
    hint: str = Field(description="what to do; may be empty", examples=["did you mean actor?"])
    begin: int | None = Field(None, description="first character at fault, counted from 0")
    end: int | None = Field(None, description="the character behind the last one at fault")
    suggestion: str | None = Field(None, description="the whole query as probably meant")


class Error(BaseModel):
    """Every error has this shape, whatever went wrong."""

    error: Fault


class Judgement(BaseModel):
    """What the judge said of an access."""

    verdict: Outcome
    reason: Reason
    clause: str | None
    policy_version: str | None
    policy_digest: str | None
    evidence_used: list[str]
    evidence_version: int
    derived: bool
    late: bool
    stale_registers: list[str]


class Access(Judgement):
    """One access: the event as its producer reported it, its newest verdict, and when it came."""

    id: str
    time: Instant
    source: str
    producer: str | None
    sequence: int | None
    actor_type: ActorType
    actor_id: str
    organization: str | None
    actor_team: str | None
    action: Action
    resource_type: ResourceType
    resource_id: str
    customer_id: str
    outcome: AccessOutcome
    purpose: str | None
    evidence_ref: str | None
    recipient: str | None
    operation_id: str | None
    session_id: str | None
    trace_id: str | None
    ip: str | None
    user_agent: str | None
    item_count: int | None
    content_bytes: int | None
    received_at: Instant
    judged_at: Instant
    recorded_at: Instant
    position: str
    unknown_fields: Json = Field(default_factory=dict, description="left out where there are none")


class Told(BaseModel):
    """The question as it was understood: the query without relative times, and the time it is about."""

    query: str
    since: Instant | None
    until: Instant | None


class Found(Told):
    """One page of a search. `next` is the `after` of the next page; null at the end."""

    rows: list[Access]
    next: str | None


class Counted(BaseModel):
    """How many accesses have one value; null where it is absent."""

    value: str | None
    accesses: int


class Facet(BaseModel):
    """The most frequent values of one field. `distinct` is how many there are in all."""

    field: str
    distinct: int
    values: list[Counted]


class Facets(Told):
    """What a query finds, counted by fields."""

    total: int
    facets: list[Facet]


class Bar(BaseModel):
    """The accesses from `begin` up to `end`, which is not included."""

    begin: Instant
    end: Instant
    accesses: int
    verdicts: dict[str, int]


class Histogram(Told):
    """What a query finds, counted over time."""

    total: int
    bars: list[Bar]


class Candidate(BaseModel):
    """One text that may stand at the cursor, and what it means."""

    text: str
    meaning: str


class Completions(BaseModel):
    """What may replace the characters from `begin` up to `end`."""

    begin: int
    end: int
    candidates: list[Candidate]


class Register(BaseModel):
    """A register by its newest beat."""

    name: str
    kinds: list[EvidenceKind]
    every_s: int
    beat_at: Instant
    retired: bool
    overdue: bool
    overdue_s: float


class Registers(BaseModel):
    """Every register that ever beat."""

    registers: list[Register]


class Changed(BaseModel):
    """Whether what was sent said anything new."""

    name: str
    changed: bool


class Retired(BaseModel):
    """The register of which nothing is expected any more."""

    name: str
    retired: Literal[True]


class Accesses(BaseModel):
    """The accesses with one id, and for each the registers that were overdue when it was judged."""

    accesses: list[Access]
    stale: list[list[Register]]
    as_of: Instant | None


class Check(BaseModel):
    """One check of the judge: what it wanted, and what it found."""

    name: str
    passed: bool
    expected: str
    found: str
    evidence_ref: str | None


class Alternative(BaseModel):
    """A clause under which the access would have been justified, had `purpose` been declared."""

    clause: str
    title: str
    purpose: str
    evidence_ref: str | None
    way: str


class Explanation(BaseModel):
    """Why one access has its verdict. `earwitness explain --help` says what each part holds."""

    access: Access
    as_of: Instant | None
    policy: Json
    clause: Json | None
    purpose: Json | None
    checks: list[Check]
    missing: list[str]
    alternatives: list[Alternative]
    evidence: list[Json]
    history: list[Json]
    differences: list[Json]
    stale: list[Register]


class Explanations(BaseModel):
    """The explanation of each access with one id."""

    explanations: list[Explanation]
    as_of: Instant | None


class Judged(BaseModel):
    """The verdict of a dry run, the checks behind it, and what would have justified the access."""

    id: str
    verdict: Outcome
    reason: Reason
    clause: str | None
    evidence_used: list[str]
    derived: bool
    policy_version: str | None
    missing: list[str]
    checks: list[Check]
    alternatives: list[Alternative]


class Report(BaseModel):
    """What was done with a customer's content, by or for a vendor, or under a clause."""

    kind: Literal["customer", "vendor", "clause"]
    subject: str
    since: Instant | None
    until: Instant | None
    made_at: Instant
    with_actors: bool
    scope: Json | None
    total: int
    verdicts: dict[str, int]
    pending: Json
    wide_count: int | None
    completeness: Json
    policies: list[Json]
    clauses: list[Json]
    consultations: list[Json]
    left_out: int


class Page(BaseModel):
    """When a thing was first and last seen, how often, and its newest accesses; further pages have those."""

    kind: Literal["actor", "customer", "resource", "evidence"]
    id: str
    query: str
    first: Instant | None = None
    last: Instant | None = None
    total: int | None = None
    verdicts: list[Json] | None = None
    clauses: list[Json] | None = None
    purposes: list[Json] | None = None
    actor_types: list[Json] | None = None
    accesses: list[Access]
    next: str | None


class Version(BaseModel):
    """A record as a register gave it, its version, and when it was registered."""

    version: int
    registered_at: Instant
    record: Json


class EvidencePage(BaseModel):
    """The newest version of each record, by ref. `next` is the `after` of the next page; null at the end."""

    items: list[Version]
    next: str | None


class EvidenceHistory(BaseModel):
    """One record as it stands, and every version of it, newest first."""

    ref: str
    current: Version
    versions: list[Version]


class Table(BaseModel):
    """The answer to a SELECT. `truncated`: there are more rows."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool


class Letter(BaseModel):
    """What could not be accepted, without its bytes."""

    position: str
    received_at: Instant
    reason: str
    detail: str | None
    fields: list[str]
    byte_count: int
    recorded_at: Instant


class Letters(BaseModel):
    """The newest dead letters."""

    dead_letters: list[Letter]


class WholeLetter(BaseModel):
    """A dead letter with its bytes and headers: as text, or with `_base64` behind the name."""

    dead_letter: Letter


class Replays(BaseModel):
    """The bytes of each dead letter to publish again, and the positions at which there is none."""

    letters: list[Json]
    missing: list[str]


class SavedSearch(BaseModel):
    """A query that is kept under a name."""

    name: str
    query: str
    saved_at: Instant
    saved_by: str


class SavedSearches(BaseModel):
    """Every saved search, by name."""

    searches: list[SavedSearch]


class Saved(Changed):
    """The query as it is kept now."""

    query: str


class Deleted(BaseModel):
    """The name under which nothing is kept any more."""

    name: str
    deleted: Literal[True]


class Done(BaseModel):
    """What somebody asked of this system, or changed in it."""

    time: Instant
    principal: str
    surface: str
    action: str
    query: str | None
    customer_ids: list[str]
    row_count: int | None
    id: str


class Activity(BaseModel):
    """The newest of it first, and the period."""

    rows: list[Done]
    since: Instant
    until: Instant | None


class Token(BaseModel):
    """A token, without itself."""

    name: str
    role: str
    customers: list[str]
    vendors: list[str]
    last_four: str
    created_at: Instant
    created_by: str
    expires_at: Instant
    state: Literal["in force", "revoked", "expired"]
    revoked_at: Instant | None
    revoked_by: str | None


class Tokens(BaseModel):
    """Every token, the ended ones too."""

    tokens: list[Token]


class CreatedToken(Token):
    """A token and its secret, which is shown this once."""

    token: str


class Revoked(BaseModel):
    """The name under which no token is in force any more."""

    name: str
    revoked: Literal[True]


class Delivered(BaseModel):
    """What became of a delivery."""

    result: str


class Ready(BaseModel):
    """Whether questions can be answered."""

    ready: bool
