"""HTML in which every text is escaped, because nothing else can be written."""

from html import escape
from typing import Final

_EMPTY: Final = frozenset({"meta", "br", "col", "input"})


class Markup(str):
    """HTML that is made of elements. A plain `str` is text, and is escaped where it is put in."""

    __slots__ = ()


def element(name: str, /, *children: object, **attributes: str) -> Markup:
    """Give an element. `class_` and the like stand for attributes that are words of Python."""
    written = "".join(
        f' {attribute.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for attribute, value in attributes.items()
    )
    if name in _EMPTY:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: object) -> Markup:
    """Put markup and texts one after the other; None is nothing."""
    return Markup("".join(_written(child) for child in children))


def _written(child: object) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else escape(_visible(str(child)))


def _visible(text: str) -> str:
    """Show what draws nothing, or turns the direction of writing, in its escaped form."""
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )
