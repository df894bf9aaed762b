"""`make mutants`: break the judge in every small way, and report which breaks its tests do not notice."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.mutants import keeping, making, reporting, running
from benchmarks.mutants.making import Mutant
from earwitness.settings import ROOT


def main() -> int:
    """Run, and write the report; 1 where a survivor is unexplained, or an argument out of date."""
    options = _options()
    told = running.worlds_with_answers()
    running.settle()
    if not running.passes_unchanged(told):
        print("the tests fail on the judge as it is", file=sys.stderr)
        return 1
    mutants = [mutant for module in options.module for mutant in making.mutants_of(module)]
    results = _settled(options.keep, mutants)
    tested = {result.mutant for result in results}
    print(f"{len(mutants)} mutants of {', '.join(options.module)}; known: {len(results)}", flush=True)
    remaining = [mutant for mutant in mutants if mutant not in tested]
    started = time.monotonic()
    for mutant, outcome in running.tell_apart(remaining, told, options.processes):
        result = reporting.Result(mutant, outcome, time.monotonic() - started)
        started += result.took_s
        results.append(result)
        if options.keep is not None:
            keeping.append(options.keep, result)
        if outcome == "survived":
            print(f"{len(results)}: {reporting.described(mutant)}", flush=True)
    report = reporting.Report(results, reporting.read_arguments(), version("cosmic-ray"))
    print(dict(Counter(result.outcome for result in results)))
    if options.report is not None:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(reporting.written(report), encoding="utf-8")
    for mutant in report.unexplained:
        print(f"unexplained: {reporting.described(mutant)}", file=sys.stderr)
    for change in report.outdated:
        print(f"argued about, but no survivor: {' | '.join(change)}", file=sys.stderr)
    return 1 if report.unexplained or report.outdated else 0


def _settled(file: Path | None, mutants: Sequence[Mutant]) -> list[reporting.Result]:
    """Give what need not be tested again: what was killed, and the survivors that are argued about."""
    kept = [] if file is None else list(keeping.read(file, mutants))
    unexplained = reporting.Report(kept, reporting.read_arguments(), "").unexplained
    return [result for result in kept if result.mutant not in unexplained]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=main.__doc__)
    parser.add_argument("module", nargs="*", default=list(making.MODULES), help="modules of the judge")
    parser.add_argument("--processes", type=int, default=2, help="how many mutants to test at a time")
    parser.add_argument(
        "--report",
        type=lambda name: ROOT / Path(name),
        help="the file to write, like docs/reports/mutation-of-the-judge.md",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        help="a file of results, to be continued: only what it does not hold or leaves unexplained is"
        " tested; delete it when the judge has changed, or its tests other than by a new one",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
