"""`make mutants`: break the judge in every small way, and report which breaks its tests do not notice."""

import argparse
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from benchmarks.mutants import making, reporting, running
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
    print(f"{len(mutants)} mutants of {', '.join(options.module)}", flush=True)
    started = time.monotonic()
    results = []
    for mutant, outcome in running.tell_apart(mutants, told, options.processes):
        results.append(reporting.Result(mutant, outcome))
        if outcome == "survived":
            print(f"{len(results)}: {reporting.described(mutant)}", flush=True)
    report = reporting.Report(
        results, reporting.read_arguments(), time.monotonic() - started, version("cosmic-ray")
    )
    print(dict(Counter(result.outcome for result in results)))
    if options.report is not None:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(reporting.written(report), encoding="utf-8")
    for mutant in report.unexplained:
        print(f"unexplained: {reporting.described(mutant)}", file=sys.stderr)
    for change in report.outdated:
        print(f"argued about, but no survivor: {' | '.join(change)}", file=sys.stderr)
    return 1 if report.unexplained or report.outdated else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=main.__doc__)
    parser.add_argument("module", nargs="*", default=list(making.MODULES), help="modules of the judge")
    parser.add_argument("--processes", type=int, default=2, help="how many mutants to test at a time")
    parser.add_argument(
        "--report",
        type=lambda name: ROOT / Path(name),
        help="the file to write, like docs/reports/mutation-of-the-judge.md",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
