"""The mutants: the judge's modules, each with one small mistake."""

import ast
import warnings
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

from benchmarks.mutants import operators
from earwitness.settings import ROOT

FOLDER: Final = ROOT / "earwitness" / "policy"
MODULES: Final = (
    "actors",
    "checks",
    "clauses",
    "compiled",
    "entries",
    "evidence",
    "fusing",
    "judging",
    "shelves",
    "versions",
)
"""What decides; explanations, cases and wording are modules of their own, and decide nothing."""

NOT_OF_THE_VERDICT: Final = {
    "checks": frozenset(
        {
            "named",
            "window",
            "withdrawal",
            "_wanted_customer",
            "_who",
            "_standing",
            "_shown",
            "_restriction",
            "_alternatives",
            "_MOST_SHOWN",
        }
    ),
    "clauses": frozenset({"related", "MOST_RELATED"}),
    "judging": frozenset({"failure"}),
    "versions": frozenset(
        {
            "version",
            "parse_policies",
            "digest",
            "read_toml",
            "describe_faults",
            "_holds_another",
            "_read",
            "_place",
            "_title",
            "_inside",
            "_instant_as_text",
            "_disagreements",
            "_last_line",
            "_LAST_LINE",
            "END",
        }
    ),
}
"""Names in those modules that put a verdict into words, or read files; their own tests hold them."""

CHECKS: Final = frozenset({"EvidenceCheck", "StandingCheck"})
FIRST_WORDS_OF_A_CHECK: Final = 3
"""A check is made of name, reason, decision, and then its words."""


_Span = tuple[tuple[int, int], tuple[int, int]]


class Mutant(NamedTuple):
    """One module with one mistake."""

    module: str
    function: str
    """The function where it is, with the classes around it: `Actor.names`; empty outside of any."""
    operator: str
    line: int
    was: str
    """The line before, and after; stripped."""
    becomes: str
    source: str


class _Place(NamedTuple):
    operator: str
    occurrence: int
    start: tuple[int, int]


def mutants_of(module: str) -> list[Mutant]:
    """Make every mutant of one module of the judge that can be compiled, each once."""
    source = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
    left_out = list(_left_out(ast.parse(source), NOT_OF_THE_VERDICT.get(module, frozenset())))
    known = {source}
    made = []
    for place in _places(source):
        if any(start <= place.start < end for start, end in left_out):
            continue
        mutated = mutate_code(source, _operator(place.operator), place.occurrence)
        if mutated is None or mutated in known or not _compiles(mutated):
            continue
        known.add(mutated)
        made.append(_mutant(module, place.operator, source, mutated))
    return made


def _operator(name: str) -> Operator:
    return operators.OPERATORS[name]() if name in operators.OPERATORS else OperatorProvider()[name]()


def _places(source: str) -> Iterator[_Place]:
    """Give every place where an operator has something to change, in its own count of them."""
    nodes = list(ast_nodes(get_ast(source)))
    lines = source.splitlines()
    for name in (*OperatorProvider(), *operators.OPERATORS):
        try:
            operator = _operator(name)
        except TypeError:  # it wants to be told names of variables
            continue
        starts = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (line, column) in enumerate(starts):
            if not lines[line - 1].startswith("*,", column):  # keyword-only from here, no operator
                yield _Place(name, occurrence, (line, column))


def _mutant(module: str, operator: str, source: str, mutated: str) -> Mutant:
    before, after = source.splitlines(), mutated.splitlines()
    changed = next(
        number for number, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]
    )
    return Mutant(
        module,
        _function_at(changed + 1, ast.parse(source)),
        operator,
        changed + 1,
        before[changed].strip(),
        after[changed].strip(),
        mutated,
    )


def _function_at(line: int, tree: ast.AST) -> str:
    """Name the innermost function or class around a line, with those around it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= line <= (node.end_lineno or 0):
            return ".".join(filter(None, (node.name, _function_at(line, node))))
    return ""


def _compiles(source: str) -> bool:
    """Say whether Python reads it without so much as a warning, as of `is` beside a literal."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            compile(source, "mutant", "exec")
        except (SyntaxError, ValueError):
            return False
    return True


def _left_out(tree: ast.Module, names: frozenset[str]) -> Iterator[_Span]:
    """Give the spans whose change no verdict can show: words for people, types, imports."""
    for node in ast.walk(tree):
        if _is_without_effect(node, names):
            yield _span(node)
        else:
            yield from map(_span, _parts_without_effect(node))


def _is_without_effect(node: ast.AST, names: frozenset[str]) -> bool:
    match node:
        case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in names
        case ast.ClassDef(bases=[ast.Name(id="Protocol" | "NamedTuple")]):
            return True
        case ast.Assign(targets=[ast.Name(id="__slots__")]) | ast.Assign(value=ast.Subscript(ast.Name())):
            return True
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
            return True
    return False


def _parts_without_effect(node: ast.AST) -> Sequence[ast.expr]:
    match node:
        case ast.FunctionDef(returns=returns, args=args):
            annotations = [arg.annotation for arg in (*args.args, *args.kwonlyargs)]
            return [annotation for annotation in (*annotations, returns) if annotation is not None]
        case ast.AnnAssign(annotation=annotation):
            return [annotation]
        case ast.Call(func=ast.Name(id=made), args=given) if made in CHECKS:
            return [*given[:1], *given[FIRST_WORDS_OF_A_CHECK:]]
    return []


def _span(node: ast.AST) -> _Span:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
