"""Mistakes that cosmic-ray does not make: forgotten statements, arguments and results, other words."""

from collections.abc import Iterator
from typing import Final

import parso
from cosmic_ray.operators.operator import Operator
from parso.tree import NodeOrLeaf

Span = tuple[tuple[int, int], tuple[int, int]]


class ForgetStatement(Operator):
    """Replace an assignment, or a call for its effect, by `pass`."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Give the place of the statement, if `node` is one."""
        if node.type == "simple_stmt" and _has_an_effect(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:  # noqa: ARG002 - one place a node
        """Forget it."""
        forgotten = _parsed("pass", node.children[0])
        node.children[0] = forgotten
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Give none: they are for cosmic-ray's own tests."""
        return ()


class ReturnNothing(Operator):
    """Return None instead of a result."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Give the place of what is returned."""
        if node.type == "return_stmt" and node.children[1].get_code().strip() != "None":
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:  # noqa: ARG002 - one place a node
        """Return None."""
        node.children[1] = _parsed("None", node.children[1])
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Give none: they are for cosmic-ray's own tests."""
        return ()


class PassNone(Operator):
    """Call with None instead of one argument given by position."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Give the place of every argument of a call."""
        for place in _arguments(node):
            yield node.children[place].start_pos, node.children[place].end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """Pass None."""
        place = _arguments(node)[index]
        node.children[place] = _parsed("None", node.children[place])
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Give none: they are for cosmic-ray's own tests."""
        return ()


class ChangeWord(Operator):
    """Write another string."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        """Give the place of a plain string."""
        if node.type == "string":
            yield node.start_pos, node.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:  # noqa: ARG002 - one place a node
        """Put something before its first letter."""
        node.value = node.value[0] + "not-" + node.value[1:]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Give none: they are for cosmic-ray's own tests."""
        return ()


OPERATORS: Final[dict[str, type[Operator]]] = {
    operator.__name__: operator for operator in (ForgetStatement, ReturnNothing, PassNone, ChangeWord)
}


def _has_an_effect(statement: NodeOrLeaf) -> bool:
    if statement.type == "expr_stmt":
        return True
    return statement.type in ("atom_expr", "power") and statement.get_code().strip().endswith(")")


def _arguments(node: NodeOrLeaf) -> list[int]:
    """Give the places of what a call passes by position, keywords and stars left out."""
    if node.type == "trailer" and node.children[0].value == "(" and len(node.children) == 3:
        candidates = [1]
    elif node.type == "arglist" and node.parent.type == "trailer":
        candidates = range(0, len(node.children), 2)
    else:
        return []
    return [
        place
        for place in candidates
        if node.children[place].type not in ("argument", "arglist", "operator")
        and node.children[place].get_code().strip() != "None"
    ]


def _parsed(code: str, instead_of: NodeOrLeaf) -> NodeOrLeaf:
    """Make a node that stands where `instead_of` stood."""
    leaf = parso.parse(code).children[0]
    leaf = leaf.children[0] if hasattr(leaf, "children") else leaf
    leaf.prefix = instead_of.get_first_leaf().prefix
    return leaf
