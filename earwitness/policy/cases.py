"""The cases that every policy version carries: what each clause must justify, and what it must not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from earwitness.policy.compiled import Policy
from earwitness.policy.evidence import EvidenceIndex
from earwitness.policy.explaining import explain
from earwitness.policy.versions import PolicySet, describe_faults, read_toml
from models.access import AccessEvent
from models.errors import PolicyInvalid
from models.evidence import EvidenceRecord
from models.policy import Case, CaseDefaults, PolicyCases
from models.verdict import JUSTIFIED, NO_SALE_OR_TRANSFER, Explanation

MOST_CASES: Final = 10_000

_Model = TypeVar("_Model", bound=BaseModel)


class ReadyCase(NamedTuple):
    """A case with its event and evidence made."""

    case: Case
    event: AccessEvent
    evidence: tuple[EvidenceRecord, ...]


class CaseResult(NamedTuple):
    """What the judge said of a case. `differences` is empty where that is what the case wants."""

    case: Case
    explanation: Explanation
    differences: tuple[str, ...]


def parse_cases(name: str, text: bytes, policy: Policy) -> Sequence[ReadyCase]:
    """Read the cases of one policy version; `name` is the file's, for messages.

    Raises `PolicyInvalid` that names every fault, also a clause without a case that must justify or
    one that must not.
    """
    faults: list[str] = []
    content = read_toml(name, text, faults)
    if content is None:
        raise PolicyInvalid(faults)
    cases, ready = _read(name, content, faults)
    faults += _not_covered(name, policy, cases)
    faults += _of_no_clause(name, policy, cases)
    if faults:
        raise PolicyInvalid(faults)
    return ready


def parse_more_cases(name: str, text: bytes, policy: Policy) -> Sequence[ReadyCase]:
    """Read cases from anywhere, of as many or as few clauses as they are of.

    A file whose name ends in .jsonl holds one case a line, any other is TOML as cases.toml.
    Raises `PolicyInvalid` that names every fault.
    """
    faults: list[str] = []
    reading = _read_json_lines if name.endswith(".jsonl") else read_toml
    content = reading(name, text, faults)
    if content is None or faults:
        raise PolicyInvalid(faults)
    cases, ready = _read(name, content, faults)
    faults += _of_no_clause(name, policy, cases)
    if not cases:
        faults.append(f"{name}: holds no case")
    if faults:
        raise PolicyInvalid(faults)
    return ready


def _read_json_lines(name: str, text: bytes, faults: list[str]) -> dict[str, Any] | None:
    cases = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            cases.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            faults.append(f"{name}:{number}: is not JSON: {error}")
    return {"cases": cases}


def _read(
    name: str, content: Mapping[str, Any], faults: list[str]
) -> tuple[Sequence[Case], Sequence[ReadyCase]]:
    try:
        cases = PolicyCases.model_validate(content)
    except ValidationError as error:
        raise PolicyInvalid(describe_faults(name, content, error)) from error
    if len(cases.cases) > MOST_CASES:
        raise PolicyInvalid([f"{name}: holds {len(cases.cases)} cases; at most {MOST_CASES} are read"])
    ready = [made for case in cases.cases if (made := _made(name, case, cases.defaults, faults)) is not None]
    return cases.cases, ready


def run_case(ready: ReadyCase, policy: Policy) -> CaseResult:
    """Judge one case by `policy` alone."""
    case, event = ready.case, ready.event
    index = EvidenceIndex()
    for version, record in enumerate(ready.evidence):
        index.put(record, version)
    received_at = case.received_at or event.time
    as_of = case.as_of or received_at
    explanation = explain(event, PolicySet([policy]), index, received_at=received_at, as_of=as_of)
    return CaseResult(case, explanation, tuple(_differences(case, explanation)))


def _differences(case: Case, explanation: Explanation) -> list[str]:
    verdict = explanation.verdict
    compared: list[tuple[str, object, object]] = [
        ("verdict", case.verdict, verdict.outcome),
        ("reason", case.reason, verdict.reason),
        ("clause", _expected_clause(case), verdict.clause),
    ]
    if case.evidence_used is not None:
        compared.append(("evidence_used", list(case.evidence_used), list(verdict.evidence_used)))
    return [
        f"{field} should be {wanted or 'none'}, is {found or 'none'}"
        for field, wanted, found in compared
        if wanted != found
    ]


def _expected_clause(case: Case) -> str | None:
    if case.verdict == JUSTIFIED:
        return case.judged_by or case.clause
    return NO_SALE_OR_TRANSFER if case.reason == "outside_transfer" else None


def _made(name: str, case: Case, defaults: CaseDefaults, faults: list[str]) -> ReadyCase | None:
    where = f"{name}: {case.clause}: {case.name}"
    event = _validated(f"{where}: event", AccessEvent, {**defaults.event, **case.event}, faults)
    records = [
        _validated(f"{where}: evidence {number}", EvidenceRecord, {**defaults.evidence, **record}, faults)
        for number, record in enumerate(case.evidence, start=1)
    ]
    known = tuple(record for record in records if record is not None)
    if event is None or len(known) < len(records):
        return None
    return ReadyCase(case, event, known)


def _validated(
    where: str, model: type[_Model], content: Mapping[str, Any], faults: list[str]
) -> _Model | None:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults += describe_faults(where, content, error)
        return None


def _not_covered(name: str, policy: Policy, cases: Sequence[Case]) -> list[str]:
    clauses = [clause.id for clause in policy.clauses] + [policy.document.forbid.id]
    justifying = {case.clause for case in cases if case.verdict == JUSTIFIED}
    refusing = {case.clause for case in cases if case.verdict != JUSTIFIED}
    faults = [
        f"{name}: {clause}: has no case that must justify" for clause in clauses if clause not in justifying
    ]
    return faults + [
        f"{name}: {clause}: has no case that must not justify" for clause in clauses if clause not in refusing
    ]


def _of_no_clause(name: str, policy: Policy, cases: Sequence[Case]) -> list[str]:
    clauses = {clause.id for clause in policy.clauses} | {policy.document.forbid.id}
    unknown = sorted({case.clause for case in cases} - clauses)
    return [f"{name}: {clause}: is no clause of version {policy.version}" for clause in unknown]
