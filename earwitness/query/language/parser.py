r"""The query language: what a person types becomes a tree, or an error that points at what to change.

    query  = part … that all hold, or part OR part …    (both together need parentheses)
    part   = [-] term | [-] "free text" | [-] ( query )
    term   = field:value[,value]…
    value  = text | "quoted" | begins* | >=7 | 7..12 | 2026-11-01..2026-11-08 | -7d

In quotes `\` makes the next character plain. `NOT` is another way to write `-`, `AND` is understood.
docs/query-language.md explains it to whoever asks.
"""

import re
from typing import Final, NamedTuple

from earwitness.query.language.faults import MalformedQuery, Place, Unreadable, malformed, short
from earwitness.query.language.fields import (
    FIELDS,
    Field,
    field_with_choice,
    find_field,
    meant_field,
)
from earwitness.query.language.limits import (
    DEEPEST_NESTING,
    LONGEST_FREE_TEXT,
    LONGEST_QUERY,
    MOST_FREE_TEXTS,
    MOST_TERMS,
    MOST_VALUES,
    SHORTEST_FREE_TEXT,
)
from earwitness.query.language.printer import quote, write
from earwitness.query.language.tree import (
    EVERYTHING,
    FreeText,
    Query,
    Term,
    Text,
    Value,
    all_of,
    any_of,
    negation,
)
from earwitness.query.language.values import SIGNS, Piece, read_value

_ENDS_A_WORD: Final = frozenset(':"(),')
_ENDS_A_VALUE: Final = frozenset('"(),')
_KEYWORDS: Final = ("OR", "AND", "NOT")
_BEGINS_A_TERM: Final = re.compile(r"-?\w+:")
_LONGEST_READING: Final = 120


def parse(text: str) -> Query:
    """Read a query. An empty one finds everything.

    Raises `MalformedQuery`, which says what is wrong, where, and what was probably meant.
    """
    if len(text) > LONGEST_QUERY:
        place = Place(LONGEST_QUERY, len(text))
        raise malformed(
            text, place, f"the query has {len(text)} characters; at most {LONGEST_QUERY} are read"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        place = Place(error.start, error.start + 1)
        raise malformed(text, place, "this character is not Unicode text") from error
    return _Parser(text).query()


class _Choice(NamedTuple):
    """The parts between two ORs, and where the OR after them stands."""

    parts: list[Query]
    place: Place | None


class _Parser:
    """Reads a query from left to right. Each method begins where the last one stopped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._terms = 0
        self._free_texts = 0

    def query(self) -> Query:
        """Read all of it."""
        found = self._sequence(0)
        if self._peek() == ")":
            raise self._fault(
                self._at, self._at + 1, "there is no ( for this )", "put a value with a ) in quotes"
            )
        return found

    def _sequence(self, depth: int) -> Query:
        """Read parts up to the end, or to the parenthesis that ends this group."""
        choices = [_Choice([], None)]
        joined: Place | None = None
        while self._skip_spaces() and self._peek() != ")":
            begin = self._at
            if (keyword := self._keyword("OR", "AND")) is not None:
                joined = Place(begin, self._at)
                if not choices[-1].parts:
                    raise self._fault(
                        *joined, f"nothing stands before {keyword}", f"write one term {keyword} another"
                    )
                if keyword == "OR":
                    choices[-1] = _Choice(choices[-1].parts, joined)
                    choices.append(_Choice([], None))
                self._not_doubled(joined, keyword)
                continue
            choices[-1].parts.append(self._part(depth))
            joined = None
        if joined is not None:
            keyword = self._text[slice(*joined)]
            raise self._fault(*joined, f"nothing follows {keyword}", f"write one term {keyword} another")
        return self._joined(choices)

    def _not_doubled(self, joined: Place, keyword: str) -> None:
        """Refuse a second OR or AND right after the first."""
        self._skip_spaces()
        begin = self._at
        if self._keyword("OR", "AND") is not None:
            raise self._fault(joined.begin, self._at, f"{keyword} joins two terms", "", keyword)
        self._at = begin

    def _joined(self, choices: list[_Choice]) -> Query:
        if len(choices) > 1 and (mixed := next((one for one in choices if len(one.parts) > 1), None)):
            place = mixed.place or choices[-2].place or Place(0, 1)
            raise self._fault(
                *place, "without parentheses this can be read in two ways", _two_readings(choices)
            )
        return any_of(all_of(choice.parts) for choice in choices) if choices[0].parts else EVERYTHING

    def _part(self, depth: int) -> Query:
        """Read one term, free text or group, with what negates it."""
        negated = False
        while True:
            begin = self._at
            if self._peek() == "-":
                self._at += 1
                if self._peek() == "-":
                    raise self._fault(begin, begin + 2, "one - negates a term", "", "-")
                if not self._peek() or self._peek().isspace():
                    raise self._fault(
                        begin, self._at, "nothing follows the -", "write -field:value, without a space"
                    )
                negated = not negated
            elif self._keyword("NOT") is not None:
                if not self._skip_spaces():
                    raise self._fault(begin, begin + 3, "nothing follows NOT", "write -field:value")
                negated = not negated
            else:
                break
        part = self._group(depth + 1) if self._peek() == "(" else self._word()
        self._check_end_of_part()
        return negation(part) if negated else part

    def _group(self, depth: int) -> Query:
        begin = self._at
        if depth > DEEPEST_NESTING:
            raise self._fault(
                begin, begin + 1, f"parentheses stand in each other more than {DEEPEST_NESTING} deep"
            )
        self._at += 1
        found = self._sequence(depth)
        if self._peek() != ")":
            raise self._fault(begin, begin + 1, "this ( is not closed", "end the group with a )")
        self._at += 1
        if found == EVERYTHING:
            raise self._fault(begin, self._at, "there is nothing in these parentheses", "leave them out", "")
        return found

    def _word(self) -> Query:
        """Read a term or a free text."""
        begin = self._at
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise self._fault(begin, begin + 1, f"the query has more than {MOST_TERMS} terms")
        if self._peek() == '"':
            return self._free_text(self._quoted(), Place(begin, self._at))
        word = self._take(_ENDS_A_WORD)
        if self._peek() == ":" and word:
            return self._term(word, begin)
        if not word:
            raise self._fault(
                begin,
                begin + 1,
                f"{self._peek()!r} cannot begin a term",
                'write field:value, or "text" in quotes',
            )
        if self._peek() == ",":
            rest = word + self._take(_ENDS_A_VALUE - {","})
            raise self._fault(begin, self._at, "a comma stands between values of a field", "", quote(rest))
        self._check_bare(word, Place(begin, self._at))
        return self._free_text(word, Place(begin, self._at))

    def _term(self, name: str, begin: int) -> Term:
        name_place = Place(begin, self._at)
        self._at += 1
        field = find_field(name)
        if field is None:
            raise self._unknown_field(name, name_place)
        values: dict[Value, None] = {}
        count = 0
        while count == 0 or self._peek() == ",":
            self._at += count > 0
            count += 1
            if count > MOST_VALUES:
                raise self._fault(self._at, self._at + 1, f"{name} has more than {MOST_VALUES} values")
            values[self._value(field, name)] = None
        return Term(field, tuple(values))

    def _value(self, field: Field, name: str) -> Value:
        begin = self._at
        piece = self._piece()
        if piece is None:
            raise self._no_value(field, name)
        try:
            return read_value(field, piece)
        except Unreadable as error:
            raise self._fault(begin, self._at, error.message, error.hint, error.replacement) from error

    def _piece(self) -> Piece | None:
        """Read one value as typed; None where there is none."""
        begin = self._at
        sign = next((sign for sign in SIGNS if self._text.startswith(sign, self._at)), None)
        self._at += len(sign or "")
        if self._peek() == '"':
            text = self._quoted()
            starred = self._peek() == "*"
            self._at += starred
            return Piece(sign, text, quoted=True, starred=starred)
        text = self._take(_ENDS_A_VALUE)
        if begin == self._at:
            return None
        starred = text.endswith("*")
        return Piece(sign, text.removesuffix("*"), quoted=False, starred=starred)

    def _quoted(self) -> str:
        begin = self._at
        self._at += 1
        characters: list[str] = []
        while (character := self._peek()) not in ("", '"'):
            if character == "\\":
                self._at += 1
                character = self._peek()
            characters.append(character)
            self._at += 1
        if not self._peek():
            raise self._fault(begin, begin + 1, "this quote is not closed", 'end it with a "')
        self._at += 1
        return "".join(characters)

    def _free_text(self, text: str, place: Place) -> FreeText:
        self._free_texts += 1
        if self._free_texts > MOST_FREE_TEXTS:
            raise self._fault(*place, f"at most {MOST_FREE_TEXTS} texts are looked for in all ids")
        if len(text) < SHORTEST_FREE_TEXT:
            raise self._fault(
                *place,
                f"a text that is looked for in all ids has at least {SHORTEST_FREE_TEXT} characters",
                "write field:value, as actor:e-1, or put a text with spaces in quotes",
            )
        if len(text) > LONGEST_FREE_TEXT:
            raise self._fault(*place, f"no id is longer than {LONGEST_FREE_TEXT} characters")
        return FreeText(text)

    def _check_bare(self, word: str, place: Place) -> None:
        """Refuse a word without quotes that is more likely a term gone wrong than part of an id."""
        name, sign, value = word.partition("=")
        if word in _KEYWORDS:
            hint = f"put a term on each side of it; {quote(word)} is the text"
            raise self._fault(*place, f"{word} joins nothing here", hint)
        if word.upper() in _KEYWORDS:
            raise self._fault(*place, f"{word} joins terms in capitals only", "", word.upper())
        if find_field(word) is not None:
            raise self._fault(
                *place, f"{word} is a field", f"write {word}:value, or {quote(word)} for the text"
            )
        if sign and find_field(name.rstrip("!")) is not None:
            negated = "-" * name.endswith("!")
            raise self._fault(*place, "a : stands after a field", "", f"{negated}{name.rstrip('!')}:{value}")
        if (field := field_with_choice(word)) is not None:
            raise self._fault(*place, f"{word} names no field", "", write(Term(field, (Text(word),))))
        if "*" in word:
            if not (plain := word.replace("*", "")):
                raise self._fault(*place, "a * alone finds nothing", "leave it out: no term finds everything")
            raise self._fault(*place, "a text is found anywhere in an id, without a *", "", plain)

    def _check_end_of_part(self) -> None:
        following = self._peek()
        if not following or following.isspace() or following == ")":
            return
        raise self._fault(
            self._at,
            self._at + 1,
            f"{following!r} stands right after the end of a term",
            "put a space between terms, a comma between values, and quotes around a value with any of these",
        )

    def _no_value(self, field: Field, name: str) -> MalformedQuery:
        begin = self._at
        if self._peek() == "(":
            return self._fault(
                begin, begin + 1, "alternatives are not in parentheses", f"write {name}:one,other"
            )
        after_spaces = begin + len(self._text[begin:]) - len(self._text[begin:].lstrip())
        if begin < after_spaces < len(self._text) and not _BEGINS_A_TERM.match(self._text, after_spaces):
            return self._fault(
                begin, after_spaces, f"no space stands before the value of {name}", f"write {name}:value", ""
            )
        absent = "" if field.absence == "never" else f', or {name}:"" for accesses without one'
        return self._fault(
            max(0, begin - 1), begin, f"{name} has no value here", f"write {name}:value{absent}"
        )

    def _unknown_field(self, name: str, place: Place) -> MalformedQuery:
        meant = meant_field(name)
        value = self._take(_ENDS_A_VALUE)
        message = f"there is no field {short(name)!r}"
        as_text = quote(f"{name}:{value}")
        if value.startswith("//"):
            return self._fault(place.begin, self._at, message, "", as_text)
        or_text = f" (for the text itself write {short(as_text)})" if value else ""
        if meant is None:
            return self._fault(*place, message, f"the fields are {', '.join(FIELDS)}{or_text}")
        with_colon = meant if ":" in meant else f"{meant}:"
        fault = self._fault(place.begin, place.end + 1, message, "", with_colon)
        whole = f"{meant}{short(value)}" if ":" in meant else meant
        hint = f"did you mean {whole}?{or_text}"
        return MalformedQuery(self._text, place, message, hint, fault.suggestion)

    def _keyword(self, *keywords: str) -> str | None:
        """Go past one of these words, where it stands alone."""
        for keyword in keywords:
            end = self._at + len(keyword)
            following = self._text[end : end + 1]
            if self._text.startswith(keyword, self._at) and (
                not following or following.isspace() or following in "()"
            ):
                self._at = end
                return keyword
        return None

    def _take(self, ends: frozenset[str]) -> str:
        begin = self._at
        while self._peek() and not self._peek().isspace() and self._peek() not in ends:
            self._at += 1
        return self._text[begin : self._at]

    def _skip_spaces(self) -> bool:
        while self._peek().isspace():
            self._at += 1
        return self._at < len(self._text)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _fault(
        self, begin: int, end: int, message: str, hint: str = "", replacement: str | None = None
    ) -> MalformedQuery:
        return malformed(self._text, Place(begin, end), message, hint, replacement)


def _two_readings(choices: list[_Choice]) -> str:
    """Write both queries that may be meant by terms of which only some are joined by OR."""
    loose = any_of(all_of(choice.parts) for choice in choices)
    groups: list[list[Query]] = [[part] for part in choices[0].parts]
    for choice in choices[1:]:
        groups[-1].append(choice.parts[0])
        groups.extend([part] for part in choice.parts[1:])
    close = all_of(any_of(group) for group in groups)
    readings = f"write {write(close)}, or {write(loose)}"
    return readings if len(readings) <= _LONGEST_READING else "put parentheses around the terms that OR joins"
