"""Everything that may be wrong with a folder of policy versions, version by version."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from earwitness.policy import Policy, parse_policies
from earwitness.policy.case_problems import problems_of_cases
from earwitness.policy.clause_problems import problems_of_clause
from earwitness.policy.problems import Problem
from earwitness.policy.version_problems import problems_of_version
from earwitness.policy_files import CASES_FILE, POLICY_FILE, read_companions, read_texts, refuse_none
from models.errors import PolicyInvalid


class Inspected(NamedTuple):
    """What became of one policy file: its version, where it can be read, and all that is wrong with it."""

    file: str
    policy: Policy | None
    case_count: int
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the version may be used."""
        return not any(problem.severity == "fault" for problem in self.problems)


def inspect(folder: Path) -> list[Inspected]:
    """Look for everything that may be wrong with the policy versions under `folder`, each file by itself.

    Raises `PolicyInvalid` where there is none to look at.
    """
    texts = read_texts(folder, POLICY_FILE)
    refuse_none(folder, texts)
    read = {name: _read(name, text) for name, text in texts.items()}
    sound = {name: texts[name] for name, one in read.items() if one.policy is not None}
    together = _faults_of(sound)
    return [
        _with_companions(folder, one, [fault for fault in together if fault.startswith(f"{one.file}: ")])
        for one in read.values()
    ]


def _read(name: str, text: bytes) -> Inspected:
    try:
        (policy,) = parse_policies({name: text}).policies
    except PolicyInvalid as error:
        return Inspected(name, None, 0, tuple(_as_problem(fault) for fault in error.faults))
    return Inspected(name, policy, 0, ())


def _faults_of(texts: Mapping[str, bytes]) -> tuple[str, ...]:
    """Name what files that are sound each by itself contradict in each other."""
    try:
        parse_policies(texts)
    except PolicyInvalid as error:
        return error.faults
    return ()


def _with_companions(folder: Path, read: Inspected, contradictions: list[str]) -> Inspected:
    """Add what is wrong with the version itself, with its cases and with its text."""
    if read.policy is None:
        return read
    document = read.policy.document
    faults = list(contradictions)
    cases = read_companions(folder, read.file, read.policy, faults)
    problems = [_as_problem(fault) for fault in faults]
    problems += problems_of_version(document, read.file)
    for clause in document.clauses:
        problems += problems_of_clause(clause, read.file)
    cases_file = read.file.replace(POLICY_FILE, CASES_FILE)
    if cases:
        problems += problems_of_cases(document, cases, cases_file)
    return read._replace(case_count=len(cases), problems=tuple(problems))


def _as_problem(fault: str) -> Problem:
    """Take a fault apart that is told as `file: part: what`, or as `file: what`."""
    file, _, rest = fault.partition(": ")
    part, _, what = rest.partition(": ")
    return (
        Problem("fault", file, part, what) if what and " " not in part else Problem("fault", file, "", rest)
    )
