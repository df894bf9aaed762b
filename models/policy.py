"""A policy version as a file says it: clauses, who, which evidence, which checks, on what words.

Field names here are those of `policy.toml` and `cases.toml`; earwitness.policy reads and compiles them.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from .access import Action, ActorType, ResourceType
from .evidence import EvidenceKind
from .fields import EvidenceRef, Instant, Purpose
from .verdict import NO_SALE_OR_TRANSFER, Outcome, Reason

Requirement = Literal[
    "own_content",
    "lists_purpose",
    "lists_function",
    "lists_action",
    "same_organization",
]
"""What a clause wants beyond evidence in force and in scope.

own_content: the actor is the customer. lists_purpose: the evidence lists the clause's purpose.
lists_function: it lists the clause's purpose among its functions. lists_action: it lists the access's
action among its functions. same_organization: it is about the actor's organization.
"""

EvidenceOfClause = Literal[EvidenceKind, "none"]

ACTORS_WITH_STANDING: Final[dict[str, str]] = {"employment": "employee", "affiliation": "affiliate"}
"""Which kind of evidence says of which actors that they are what they claim to be."""

LONGEST_GRACE_HOURS: Final = 24 * 365


def _check_stripped(text: str) -> str:
    if text != text.strip():
        raise ValueError("must not begin or end with space")
    return text


Words = Annotated[str, StringConstraints(min_length=1), AfterValidator(_check_stripped)]
Quotes = Annotated[tuple[Words, ...], Field(min_length=1, strict=False)]
ClauseId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$", max_length=64)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Clause(_Part):
    """One permission: who may touch content for one purpose, on what evidence.

    `evidence` is the kind of evidence, or `none` where the clause needs none. `evidence_found` says
    whether the actor cites it, or the judge finds the record that names the actor as an assignee.
    Empty `actions` and `resource_types` do not restrict.
    """

    id: ClauseId
    purpose: Purpose
    title: Words
    quotes: Quotes
    actors: Annotated[tuple[ActorType, ...], Field(min_length=1, strict=False)]
    evidence: EvidenceOfClause
    evidence_found: Literal["cited", "by_assignee"] = "cited"
    requires: Annotated[tuple[Requirement, ...], Field(strict=False)] = ()
    actions: Annotated[tuple[Action, ...], Field(strict=False)] = ()
    resource_types: Annotated[tuple[ResourceType, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _needs_evidence_or_ownership(self) -> Self:
        if self.evidence == "none":
            if self.requires != ("own_content",) or self.actors != ("customer",):
                raise ValueError(
                    "a clause without evidence is for customers and requires own_content, nothing else"
                )
            if self.actions or self.resource_types or self.evidence_found != "cited":
                raise ValueError("a clause without evidence cannot restrict actions, resources or evidence")
        elif "own_content" in self.requires:
            raise ValueError("own_content is for clauses with evidence none")
        if len({"lists_function", "lists_action"} & set(self.requires)) > 1:
            raise ValueError("requires lists_function or lists_action, not both")
        return self


class Forbid(_Part):
    """What no clause can permit: that content leaves for somebody whom no evidence names.

    It is lifted by cited or derived evidence of the kinds `lifted_by` about the recipient. `free`
    are the purposes it does not concern.
    """

    id: Literal["no-sale-or-transfer"] = NO_SALE_OR_TRANSFER
    title: Words
    quotes: Quotes
    lifted_by: Annotated[tuple[EvidenceKind, ...], Field(strict=False)]
    free: Annotated[tuple[Purpose, ...], Field(strict=False)] = ()


class Standing(_Part):
    """What actors of one type need for any purpose: a record in force that they are what they say.

    employment: once any employment is known, one that names the employee. affiliation: one of the
    affiliate's organization.
    """

    evidence: Literal["employment", "affiliation"]
    actors: Annotated[tuple[ActorType, ...], Field(min_length=1, strict=False)]
    title: Words
    quotes: Quotes

    @model_validator(mode="after")
    def _is_about_its_actors(self) -> Self:
        wanted = ACTORS_WITH_STANDING[self.evidence]
        if self.actors != (wanted,):
            raise ValueError(f"{self.evidence} can be required of actors {wanted} only")
        return self


class Passage(_Part):
    """Words of the policy that permit no access, and why; with the clauses they cover the whole text."""

    quotes: Quotes
    why: Words


class PolicyDocument(_Part):
    """One version of the privacy policy as data, in effect from `effective_from` (inclusive).

    Source: policies/NAME/VERSION/policy.toml.
    Errors: pydantic's ValidationError; earwitness.policy turns it into PolicyInvalid.
    """

    policy: ClauseId
    version: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    title: Words
    effective_from: Instant
    grace_hours: Annotated[float, Field(ge=0, le=LONGEST_GRACE_HOURS, strict=False)] = 24
    clauses: Annotated[tuple[Clause, ...], Field(min_length=1, strict=False)]
    forbid: Forbid
    standing: Annotated[tuple[Standing, ...], Field(strict=False)] = ()
    passages: Annotated[tuple[Passage, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        for what, names in (
            ("clause id", [clause.id for clause in self.clauses] + [self.forbid.id]),
            ("purpose", [clause.purpose for clause in self.clauses]),
            ("standing requirement", [str(standing.evidence) for standing in self.standing]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} used twice: {', '.join(twice)}")
        unknown = set(self.forbid.free) - {clause.purpose for clause in self.clauses}
        if unknown:
            raise ValueError(f"forbid.free names unknown purposes: {', '.join(sorted(unknown))}")
        return self


class Case(_Part):
    """An example of what a clause must, or must not, justify.

    `event` and `evidence` hold what differs from the defaults of the file. `verdict`, `reason` and
    `judged_by` (the clause in the verdict, where it is not `clause`) are what the judge must say;
    `evidence_used` is compared where it is given.
    """

    clause: ClauseId
    name: Words
    event: dict[str, Any] = {}
    evidence: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = ()
    verdict: Outcome
    reason: Reason
    judged_by: ClauseId | None = None
    evidence_used: Annotated[tuple[EvidenceRef, ...], Field(strict=False)] | None = None
    received_at: Instant | None = None
    as_of: Instant | None = None


class CaseDefaults(_Part):
    """What an event and a record of evidence of the cases hold unless a case says otherwise."""

    event: dict[str, Any] = {}
    evidence: dict[str, Any] = {}


class PolicyCases(_Part):
    """All cases of one policy version. Source: policies/NAME/VERSION/cases.toml."""

    defaults: CaseDefaults = CaseDefaults()
    cases: Annotated[tuple[Case, ...], Field(strict=False)] = ()
