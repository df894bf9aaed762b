"""The report: figures, survivors, and for each survivor the argument why it is no mistake."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.mutants.making import MODULES, NOT_OF_THE_VERDICT, Mutant
from benchmarks.mutants.running import SEED, TESTS, WORLDS, Outcome

ARGUMENTS: Final = Path(__file__).parent / "arguments.toml"

Change = tuple[str, str, str]
"""Module, line before, line after."""


class Result(NamedTuple):
    """What came of one mutant."""

    mutant: Mutant
    outcome: Outcome


class Report(NamedTuple):
    """All results of a run, with what is argued about survivors."""

    results: Sequence[Result]
    arguments: Mapping[Change, str]
    took_s: float
    cosmic_ray: str

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that no test noticed."""
        return [result.mutant for result in self.results if result.outcome == "survived"]

    @property
    def unexplained(self) -> list[Mutant]:
        """Survivors about which nothing is argued."""
        return [mutant for mutant in self.survivors if change_of(mutant) not in self.arguments]


def change_of(mutant: Mutant) -> Change:
    """Name a mutant by what it changes: line numbers move."""
    return mutant.module, mutant.was, mutant.becomes


def where(mutant: Mutant) -> str:
    """Say where the mutant differs."""
    return f"{mutant.module}.py:{mutant.line}"


def read_arguments() -> dict[Change, str]:
    """Read why survivors are no mistakes."""
    told = tomllib.loads(ARGUMENTS.read_text(encoding="utf-8"))
    return {
        (module, change["was"], change["becomes"]): group["why"]
        for group in told["groups"]
        for module, changes in group["changes"].items()
        for change in changes
    }


def written(report: Report) -> str:
    """Write the report as Markdown."""
    return "\n".join([*_head(report), *_table(report), *_survivors(report), *_scope()]) + "\n"


def _head(report: Report) -> Iterator[str]:
    outcomes = Counter(result.outcome for result in report.results)
    every, survived = len(report.results), outcomes["survived"]
    alike = survived - len(report.unexplained)
    yield "# Mutation of the judge"
    yield ""
    yield "Written by `make mutants`: the judge's modules are given one small mistake at a time, and its"
    yield "tests must notice. It takes too long to be part of every check; run it when the judge changes."
    yield ""
    yield f"**{every - survived} of {every} mutants are killed: {_percent(every - survived, every)}.**"
    yield f"{outcomes['hung']} of them ran out of time or memory. Of the {survived} that survive, {alike}"
    yield "change nothing that a verdict could show, for the reasons below; without these,"
    yield f"{_percent(every - survived, every - alike)} are killed."
    yield f"The run took {report.took_s / 60:.0f} minutes. Mutants are made by cosmic-ray {report.cosmic_ray}"
    yield "and four operators of our own (`benchmarks/mutants/operators.py`)."
    yield ""


def _table(report: Report) -> Iterator[str]:
    yield "| module | mutants | killed | survive | argued | killed |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for module in MODULES:
        of_module = [result for result in report.results if result.mutant.module == module]
        if not of_module:
            continue
        survivors = [result.mutant for result in of_module if result.outcome == "survived"]
        killed = len(of_module) - len(survivors)
        argued = len([mutant for mutant in survivors if mutant not in report.unexplained])
        share = _percent(killed, len(of_module))
        yield f"| {module}.py | {len(of_module)} | {killed} | {len(survivors)} | {argued} | {share} |"
    yield ""
    yield "| operator | mutants | survive |"
    yield "| --- | ---: | ---: |"
    made = Counter(_family(result.mutant) for result in report.results)
    survive = Counter(map(_family, report.survivors))
    for operator, count in made.most_common():
        yield f"| {operator} | {count} | {survive[operator]} |"
    yield ""


def _survivors(report: Report) -> Iterator[str]:
    yield "## Survivors"
    yield ""
    by_reason: dict[str, list[Mutant]] = {}
    for mutant in sorted(report.survivors, key=lambda mutant: (mutant.module, mutant.line)):
        why = report.arguments.get(change_of(mutant), "Nobody has argued yet why these are no mistakes.")
        by_reason.setdefault(why, []).append(mutant)
    for why, mutants in by_reason.items():
        yield why.strip()
        yield ""
        for mutant in mutants:
            yield f"- {where(mutant)}: `{mutant.was}` → `{mutant.becomes}`"
        yield ""


def _scope() -> Iterator[str]:
    yield "## What is mutated, and what is not"
    yield ""
    yield f"Mutated are the modules of `earwitness/policy` that decide: {', '.join(MODULES)}. Not mutated:"
    yield ""
    yield "- The other modules there explain, compare and check policies, read cases, name what a change of"
    yield "  the registers reaches or which registers a verdict leans on: they decide no verdict, and have"
    yield "  tests of their own."
    for module, names in NOT_OF_THE_VERDICT.items():
        told = ", ".join(f"`{name}`" for name in sorted(names))
        yield f"- In {module}.py, what puts a verdict into words or reads files: {told}."
    yield "- The words of a check (its name, `expected` and `found`), titles, annotations, types, imports,"
    yield "  docstrings and `__slots__`."
    yield "- What does not compile, or compiles with a warning, and what is the same as another mutant."
    yield ""
    yield "A mutant is killed where the judge then differs from the one of another hand"
    yield f"(`tests/policy/oracle.py`) in one of {WORLDS} worlds (seed {SEED}), or where a test fails of"
    yield ", ".join(f"`test_{name}.py`" for group in TESTS for name in group) + "."


def _family(mutant: Mutant) -> str:
    return mutant.operator.split("_")[0]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
