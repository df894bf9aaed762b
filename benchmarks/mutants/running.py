"""Judging mutants: each in a process of its own, forked from one that has the libraries at hand.

Nothing is written: the process loads the mutated module from memory in place of the file, and hypothesis
keeps no examples. The same mutant always meets the same tests.
"""

import gc
import importlib
import json
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import CodeType, ModuleType
from typing import Final, Literal, NamedTuple, NoReturn

import pytest
from hypothesis import Phase, settings

from benchmarks.mutants.making import FOLDER, Mutant
from models import AccessEvent, EvidenceRecord
from tests.policy import oracle
from tests.policy.oracle import Answer
from tests.policy.worlds import seeded_worlds

Outcome = Literal["killed", "hung", "survived"]

LONGEST_JUDGING_S: Final = 5
LONGEST_RUN_S: Final = 20
"""Of processor time, so that a busy machine makes no mutant hang: for all worlds, and with the tests.

The judge as it is needs less than 1, and 8 with the tests.
"""

SEED: Final = 20_130_207
WORLDS: Final = 6000

MOST_MEMORY_BYTES: Final = 3_000_000_000

TESTS: Final = (
    ("cases", "policy_files"),
    ("derivation", "evidence_rules", "other_policies", "reasons", "purposes", "recipients"),
    ("evidence_index",),
)
"""Files of tests/policy, the quickest first; each group is collected only once those before it passed."""

_A_TEST_FAILED: Final = 1
_NOT_EVEN_COLLECTED: Final = 2
_COULD_NOT_TEST: Final = 3
"""Exit codes, pytest's own."""


class _InMemory(MetaPathFinder, Loader):
    """Finds and loads the mutant instead of the module's file."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"earwitness.policy.{mutant.module}"
        self._file = str(FOLDER / f"{mutant.module}.py")
        self._source = mutant.source

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> ModuleSpec | None:
        """Answer for the mutated module only."""
        if fullname != self._name:
            return None
        return spec_from_loader(fullname, self, origin=self._file)

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutated source."""
        code: CodeType = compile(self._source, self._file, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - that is what a loader does


class Told(NamedTuple):
    """An access with its registers, and what the judge of another hand says of it."""

    event: AccessEvent
    evidence: tuple[tuple[EvidenceRecord, int], ...]
    received_at: datetime
    as_of: datetime
    answer: Answer


def worlds_with_answers() -> list[Told]:
    """Work out beforehand what test_judge_and_oracle_agree_in_thousands_of_worlds compares with."""
    return [
        Told(
            AccessEvent.model_validate_json(json.dumps(world.event)),
            tuple(
                (EvidenceRecord.model_validate_json(json.dumps(record)), offset)
                for offset, record in world.evidence
            ),
            world.received_at,
            world.as_of,
            oracle.judge(world.event, world.evidence, received_at=world.received_at, as_of=world.as_of),
        )
        for world in seeded_worlds(SEED, WORLDS)
    ]


def settle() -> None:
    """Have hypothesis stop at the first failure, and leave what is loaded out of garbage collection.

    A collection would copy all of it into every process.
    """
    settings.register_profile(
        "mutants", database=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutants")
    gc.collect()
    gc.freeze()


def _agrees(told: Sequence[Told]) -> bool:
    """Say whether the judge, as this process loads it, says the same in every world."""
    policy = importlib.import_module("earwitness.policy")
    policies = importlib.import_module("tests.policy.judged").POLICIES
    for world in told:
        index = policy.EvidenceIndex()
        for record, offset in world.evidence:
            index.put(record, offset)
        verdict = policy.judge(world.event, policies, index, received_at=world.received_at, as_of=world.as_of)
        used = frozenset(verdict.evidence_used)
        if (*verdict[:3], used, verdict.derived) != world.answer:
            return False
    return True


def tell_apart(
    mutants: Sequence[Mutant], told: Sequence[Told], processes: int
) -> Iterator[tuple[Mutant, Outcome]]:
    """Run the tests against each mutant, `processes` at a time, and give each with what came of it."""
    waiting = list(reversed(mutants))
    running: dict[int, Mutant] = {}
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop()
            running[_forked(mutant, told)] = mutant
        pid, status = os.wait()
        yield running.pop(pid), _outcome(status)


def passes_unchanged(told: Sequence[Told]) -> bool:
    """Say whether the tests pass on the judge as it is; else killing says nothing."""
    _, status = os.waitpid(_forked(None, told), 0)
    return _outcome(status) == "survived"


def _forked(mutant: Mutant | None, told: Sequence[Told]) -> int:
    pid = os.fork()
    if pid == 0:
        _in_child(mutant, told)
    return pid


def _in_child(mutant: Mutant | None, told: Sequence[Told]) -> NoReturn:
    """Test in the silence of a process that ends whatever happens."""
    code = _COULD_NOT_TEST
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_JUDGING_S, LONGEST_RUN_S))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        if mutant is not None:
            sys.meta_path.insert(0, _InMemory(mutant))
        code = _test(told)
    finally:
        os._exit(code)


def _test(told: Sequence[Told]) -> int:
    """Give pytest's exit code of the first tests that fail; the quickest come first."""
    try:
        if not _agrees(told):
            return _A_TEST_FAILED
    except Exception:  # noqa: BLE001 - a mutant may fail in any way
        return _A_TEST_FAILED
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_RUN_S, LONGEST_RUN_S))
    options = ["-x", "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:randomly"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    for names in TESTS:
        code = int(pytest.main([*options, *(f"tests/policy/test_{name}.py" for name in names)]))
        if code != 0:
            return code
    return 0


def _outcome(status: int) -> Outcome:
    if os.WIFSIGNALED(status):
        return "hung"
    code = os.WEXITSTATUS(status)
    if code == 0:
        return "survived"
    if code in (_A_TEST_FAILED, _NOT_EVEN_COLLECTED):
        return "killed"
    raise RuntimeError(f"the tests could not be run: pytest ended with {code}")
