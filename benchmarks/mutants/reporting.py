"""The report: figures, survivors, and for each survivor the argument why it is no mistake."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.mutants.making import MODULES, NOT_OF_THE_VERDICT, Mutant
from benchmarks.mutants.operators import OPERATORS
from benchmarks.mutants.running import SEED, TESTS, WORLDS, Outcome

ARGUMENTS: Final = Path(__file__).parent / "arguments.toml"

Change = tuple[str, str, str]
"""Module and function, like `actors.Actor.names`, line before, line after: line numbers move."""


class Argument(NamedTuple):
    """Why some survivors are no mistakes."""

    title: str
    why: str
    changes: frozenset[Change]


class Result(NamedTuple):
    """What came of one mutant."""

    mutant: Mutant
    outcome: Outcome
    took_s: float
    """Seconds by the clock from the result before it to this one."""


class Report(NamedTuple):
    """All results of a run, with what is argued about survivors."""

    results: Sequence[Result]
    arguments: Sequence[Argument]
    cosmic_ray: str

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that no test noticed, in the order of the code."""
        survived = [result.mutant for result in self.results if result.outcome == "survived"]
        return sorted(survived, key=lambda mutant: (mutant.module, mutant.line))

    def explained_by(self, argument: Argument) -> list[Mutant]:
        """Give the survivors that an argument is about."""
        return [mutant for mutant in self.survivors if change_of(mutant) in argument.changes]

    @property
    def unexplained(self) -> list[Mutant]:
        """Survivors about which nothing is argued."""
        return [mutant for mutant in self.survivors if change_of(mutant) not in self._argued]

    @property
    def outdated(self) -> list[Change]:
        """Changes that are argued about although no survivor of the mutated modules makes them."""
        mutated = {result.mutant.module for result in self.results}
        survived = set(map(change_of, self.survivors))
        return sorted(change for change in self._argued - survived if change[0].split(".")[0] in mutated)

    @property
    def _argued(self) -> set[Change]:
        return {change for argument in self.arguments for change in argument.changes}


def change_of(mutant: Mutant) -> Change:
    """Name a mutant by what it changes."""
    return ".".join(filter(None, (mutant.module, mutant.function))), mutant.was, mutant.becomes


def described(mutant: Mutant) -> str:
    """Say in one line where the mutant differs, and how."""
    place = f"{mutant.module}.py:{mutant.line}, {mutant.function or 'outside of functions'}"
    return f"{place}: `{mutant.was}` → `{mutant.becomes}`"


def read_arguments() -> list[Argument]:
    """Read why survivors are no mistakes."""
    told = tomllib.loads(ARGUMENTS.read_text(encoding="utf-8"))
    return [
        Argument(group["title"], group["why"].strip(), _changes(group["changes"])) for group in told["groups"]
    ]


def _changes(by_function: Mapping[str, Sequence[Mapping[str, str]]]) -> frozenset[Change]:
    return frozenset(
        (function, change["was"], change["becomes"])
        for function, changes in by_function.items()
        for change in changes
    )


def written(report: Report) -> str:
    """Write the report as Markdown."""
    return "\n".join([*_head(report), *_table(report), *_survivors(report), *_scope()]) + "\n"


def _head(report: Report) -> Iterator[str]:
    outcomes = Counter(result.outcome for result in report.results)
    every, survived = len(report.results), outcomes["survived"]
    alike = survived - len(report.unexplained)
    took_s = sum(result.took_s for result in report.results)
    yield "# Mutation of the judge"
    yield ""
    yield "How much of what the judge decides do its tests hold? `make mutants` makes one small mistake at a"
    yield "time in the modules that decide, a *mutant*, and runs the tests against it. A mutant that fails a"
    yield "test is *killed*; one that passes them all *survives*, and somebody must say why it is no mistake,"
    yield "or write the test that kills it. This report is written by that command. It takes too long to be"
    yield "part of every check; run it when the judge changes."
    yield ""
    yield f"**{every - survived} of {every} mutants are killed: {_percent(every - survived, every)}.**"
    yield f"{outcomes['hung']} of these never came to an end, or wanted more memory than they may have."
    yield f"Of the {survived} that survive, {alike} change no verdict, for the reasons below;"
    yield f"{survived - alike} are unexplained. Of the mutants that do change something, then,"
    yield f"{_percent(every - survived, every - alike)} are killed."
    yield ""
    yield f"The run took {took_s / 60:.0f} minutes. Mutants are made by cosmic-ray {report.cosmic_ray}"
    yield "and four operators of our own (`benchmarks/mutants/operators.py`), marked with a star."
    yield ""


def _table(report: Report) -> Iterator[str]:
    yield "| module of `earwitness/policy` | mutants | killed | survive, argued | survive, unexplained |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    made = Counter(result.mutant.module for result in report.results)
    survive = Counter(mutant.module for mutant in report.survivors)
    unexplained = Counter(mutant.module for mutant in report.unexplained)
    for module in filter(made.get, MODULES):
        count = made[module]
        killed = f"{count - survive[module]} ({_percent(count - survive[module], count)})"
        argued = survive[module] - unexplained[module]
        yield f"| {module}.py | {count} | {killed} | {argued} | {unexplained[module]} |"
    yield ""
    yield "| mistake | mutants | survive |"
    yield "| --- | ---: | ---: |"
    by_family = Counter(_family(result.mutant) for result in report.results)
    surviving = Counter(map(_family, report.survivors))
    for family, count in by_family.most_common():
        yield f"| {family} | {count} | {surviving[family]} |"
    yield ""


def _survivors(report: Report) -> Iterator[str]:
    yield "## Why the survivors are no mistakes"
    yield ""
    for argument in report.arguments:
        if mutants := report.explained_by(argument):
            yield from _about(argument.title, argument.why, mutants)
    if report.unexplained:
        yield from _about(
            "Unexplained", "Nobody has argued yet why these are no mistakes.", report.unexplained
        )


def _about(title: str, why: str, mutants: Sequence[Mutant]) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    yield why
    yield ""
    for mutant in mutants:
        yield f"- {described(mutant)}"
    yield ""


def _scope() -> Iterator[str]:
    yield "## What is mutated, and what kills"
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
    yield "A mutant is killed where it differs from the judge of another hand (`tests/policy/oracle.py`) in"
    yield f"one of {WORLDS} worlds (made from seed {SEED}), or where a test fails in one of these files of"
    yield "`tests/policy`: " + ", ".join(f"`test_{name}.py`" for group in TESTS for name in group) + "."


def _family(mutant: Mutant) -> str:
    name = mutant.operator.removeprefix("core/").split("_")[0]
    return f"{name} \\*" if mutant.operator in OPERATORS else name


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
