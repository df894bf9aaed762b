"""The values of a term: text as typed becomes what its field can have, or a refusal."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from earwitness.query.language.faults import Unreadable, short
from earwitness.query.language.fields import Field, FieldKind, closest
from earwitness.query.language.limits import LARGEST_NUMBER
from earwitness.query.language.moments import (
    HINT,
    Ago,
    Day,
    Instant,
    Now,
    fixed_moment,
    read_moment,
    span_of,
)
from earwitness.query.language.printer import quote, write_value
from earwitness.query.language.tree import (
    Absent,
    Between,
    Bound,
    Compared,
    During,
    Flag,
    Number,
    Position,
    Prefix,
    Present,
    Sign,
    Text,
    Value,
)
from models.fields import EVERY_CUSTOMER, check_uuid

SIGNS: Final[tuple[Sign, ...]] = (">=", "<=", ">", "<")

_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_START_OF_UUID: Final = re.compile(r"[0-9A-Fa-f-]{1,36}")
_ODD_QUOTES: Final = "'`\u00b4\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_WITH_SIDES: Final = frozenset({"number", "instant"})
_WITH_PREFIXES: Final = frozenset({"text", "choice", "list", "uuid"})
_ENDS_OF_SOME_DAY: Final = (
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC),
)
"""Two relative times that are in order at any time of day are so at one of these."""


class Piece(NamedTuple):
    """One value as typed: the sign before it, its text without quotes, and whether a `*` follows."""

    sign: Sign | None
    text: str
    quoted: bool
    starred: bool


def read_value(field: Field, piece: Piece) -> Value:
    """Read one value of a term. Raises `Unreadable` where its field cannot have it."""
    if not piece.quoted:
        _check_plain(piece)
    if piece.sign is not None:
        if piece.starred:
            raise Unreadable(f"either {piece.sign} or a *", "", f"{piece.sign}{piece.text}")
        return _compared(field, piece.sign, piece.text)
    if piece.starred:
        return _starred(field, piece.text)
    if not piece.text:
        return _absent(field)
    return _READERS[field.kind](field, piece.text)


def _check_plain(piece: Piece) -> None:
    if piece.text[:1] in _ODD_QUOTES and piece.text:
        closed = piece.text[-1] in _ODD_QUOTES and len(piece.text) > 1
        inner = quote(piece.text.strip(_ODD_QUOTES)) if closed else None
        raise Unreadable(f"{piece.text[0]} is no quote here", 'quotes are "straight and double"', inner)
    if "*" in piece.text:
        raise Unreadable(
            "a * stands at the end of a value, for all that begin so",
            f"for a text anywhere in an id write it alone; {quote(short(piece.text))} means the * itself",
        )


def _compared(field: Field, sign: Sign, text: str) -> Value:
    if field.kind not in _WITH_SIDES:
        raise Unreadable(
            f"{field.name} is no number or time, and cannot be {sign} another", "", quote(f"{sign}{text}")
        )
    if not text:
        raise Unreadable(f"nothing follows the {sign}", HINT if field.kind == "instant" else "write a number")
    return Compared(sign, _bound(field, text))


def _starred(field: Field, text: str) -> Value:
    if not text:
        if field.name == "customer_id":
            return Text(EVERY_CUSTOMER)  # any customer is said by leaving it out
        _check_can_be_absent(field)
        return Present()
    if field.kind not in _WITH_PREFIXES:
        ranges = "; a range finds several, as 7..12 or -7d..-1d" if field.kind in _WITH_SIDES else ""
        raise Unreadable(f"a * does not follow a value of {field.name}", f"leave the * out{ranges}")
    if field.kind == "uuid":
        return Prefix(_start_of_uuid(text))
    if field.kind == "choice" and not any(choice.startswith(text) for choice in field.choices):
        raise Unreadable(f"no {field.name} begins with {short(text)!r}", _choices(field))
    return Prefix(text)


def _absent(field: Field) -> Value:
    _check_can_be_absent(field)
    return Absent()


def _check_can_be_absent(field: Field) -> None:
    if field.absence == "never":
        raise Unreadable(f"every access has its {field.name}", "leave the term out, or name a value")


def _text(_: Field, text: str) -> Value:
    return Text(text)


def _choice(field: Field, text: str) -> Value:
    if text in field.choices:
        return Text(text)
    near = closest(text.lower(), field.choices)
    hint = f"did you mean {near}?" if near else _choices(field)
    raise Unreadable(f"{short(text)!r} is no {field.name}", hint, near)


def _choices(field: Field) -> str:
    return f"{field.name} is one of {', '.join(field.choices)}"


def _uuid(_: Field, text: str) -> Value:
    try:
        return Text(check_uuid(text))
    except ValueError as error:
        hint = f"{text}* finds the ids that begin so" if _START_OF_UUID.fullmatch(text) else ""
        raise Unreadable(f"{short(text)!r} is no id: it {error}", hint) from error


def _start_of_uuid(text: str) -> str:
    if _START_OF_UUID.fullmatch(text) is None:
        raise Unreadable(
            f"no id begins with {short(text)!r}", "ids are written as 0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"
        )
    return text.lower()


def _number(field: Field, text: str) -> Value:
    if ".." in text:
        return _between(field, text)
    return Number(_whole(text))


def _whole(text: str) -> int:
    if _WHOLE.fullmatch(text) is None or abs(int(text)) > LARGEST_NUMBER:
        raise Unreadable(f"{short(text)!r} is no whole number within 64 bits", "write 7, >=7 or 7..12")
    return int(text)


def _flag(_: Field, text: str) -> Value:
    if text.lower() not in _TRUE | _FALSE:
        raise Unreadable(f"{short(text)!r} is neither true nor false")
    return Flag(text.lower() in _TRUE)


def _instant(field: Field, text: str) -> Value:
    if ".." in text:
        return _between(field, text)
    moment = read_moment(text)
    if isinstance(moment, Ago | Now):
        sign: Sign = ">=" if isinstance(moment, Ago) else "<="
        raise Unreadable(
            f"{text} is one instant, and hardly anything happened at it",
            "",
            write_value(Compared(sign, moment)),
        )
    return During(moment)


def _between(field: Field, text: str) -> Value:
    first_text, _, last_text = text.partition("..")
    if not first_text or not last_text:
        raise Unreadable("a range has two ends", "", f">={first_text}" if first_text else f"<={last_text}")
    first, last = _bound(field, first_text), _bound(field, last_text)
    if _is_reversed(first, last):
        raise Unreadable("the range ends before it begins", "", write_value(Between(last, first)))
    return Between(first, last)


def _bound(field: Field, text: str) -> Bound:
    return _whole(text) if field.kind == "number" else read_moment(text)


def _is_reversed(first: Bound, last: Bound) -> bool:
    """Say whether a range ends before it begins whenever it is asked; `today..-1h` does so before 1:00."""
    if _is_fixed(first) != _is_fixed(last):
        return False
    return all(_begins(last, now) < _begins(first, now) for now in _ENDS_OF_SOME_DAY)


def _begins(bound: Bound, now: datetime) -> int | float:
    if isinstance(bound, int):
        return bound
    return span_of(fixed_moment(bound, now)).begin.timestamp()


def _is_fixed(bound: Bound) -> bool:
    return isinstance(bound, int | Instant | Day)


def _position(_field: Field, text: str) -> Value:
    topic, _, rest = text.partition("/")
    partition, _, offset = rest.partition("/")
    if not topic or _WHOLE.fullmatch(partition) is None or _WHOLE.fullmatch(offset) is None:
        raise Unreadable(
            f"{short(text)!r} is no position", "write topic/partition/offset, as access.events.v1/3/1204"
        )
    return Position(topic, _whole(partition), _whole(offset))


_READERS: Final[Mapping[FieldKind, Callable[[Field, str], Value]]] = {
    "text": _text,
    "list": _text,
    "choice": _choice,
    "uuid": _uuid,
    "number": _number,
    "flag": _flag,
    "instant": _instant,
    "position": _position,
}
