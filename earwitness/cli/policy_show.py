"""`earwitness policy show`: what a version permits, for those who have to agree to it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import click
from rich.console import RenderableType
from rich.padding import Padding

from earwitness.cli.output import OutputFormat, console, second, tell, visible, write_json, write_rows
from earwitness.cli.policy_options import (
    Row,
    facts,
    folder_of,
    not_there,
    output_option,
    points,
    policies_option,
)
from earwitness.policy.in_words import (
    ACTORS,
    COMMON,
    standing_of,
    words_of_clause,
    words_of_forbid,
    words_of_grace,
    words_of_standing,
)
from earwitness.policy.places import place_of
from earwitness.policy.precedence import Beaten, beaten_clauses
from earwitness.policy_files import TEXT_FILE, VersionWithText, read_with_texts
from models.errors import QueryRejected
from models.fields import format_time
from models.policy import Clause, Forbid, PolicyDocument, Standing

CLAUSE_COLUMNS: Final = ("id", "purpose", "actors", "evidence", "requires", "title", "places")

Part = Clause | Forbid | Standing


class Shown(NamedTuple):
    """A version with what is to be known to show it."""

    version: VersionWithText
    effective_until: datetime | None
    beaten: Mapping[str, Sequence[Beaten]]

    @property
    def document(self) -> PolicyDocument:
        """What the version says."""
        return self.version.policy.document


@click.command()
@click.argument("named", metavar="[VERSION] [CLAUSE]", nargs=-1)
@click.option("--version", help="The version to show.  [default: the newest]")
@policies_option
@output_option
def show(named: tuple[str, ...], version: str | None, folder: Path | None, output: OutputFormat) -> None:
    """Show what a version permits in words, or one clause with the words it stands on.

    \b
    Examples:
      earwitness policy show
      earwitness policy show 2013-02-07
      earwitness policy show access.resolve-complaint
      earwitness policy show 2013-02-07 --output json
    """
    versions = read_with_texts(folder_of(folder))
    known = [one.policy.version for one in versions]
    chosen, clause_id = _chosen(named, version, known)
    shown = _shown(versions, known.index(chosen))
    if clause_id is not None:
        _show_part(shown, clause_id, output)
    elif output == "table":
        _show_version(shown)
    elif output == "json":
        write_json(_version_as_json(shown))
    else:
        write_rows((_clause_row(shown, clause) for clause in shown.document.clauses), CLAUSE_COLUMNS, output)


def _chosen(named: Sequence[str], version: str | None, known: Sequence[str]) -> tuple[str, str | None]:
    """Tell which version is meant, and which clause of it."""
    rest = list(named)
    if version is None and rest and (rest[0] in known or len(rest) > 1):
        version = rest.pop(0)
    if len(rest) > 1:
        raise QueryRejected("too much is named", "give a version, a clause, or a version and its clause")
    if version is not None and version not in known:
        raise not_there(version, known)
    return version or known[-1], rest[0] if rest else None


def _shown(versions: Sequence[VersionWithText], place: int) -> Shown:
    later = versions[place + 1 :]
    version = versions[place]
    beaten: dict[str, list[Beaten]] = {}
    for one in beaten_clauses(version.policy.document):
        beaten.setdefault(one.clause.id, []).append(one)
    return Shown(version, later[0].policy.effective_from if later else None, beaten)


def _version_as_json(shown: Shown) -> Row:
    fields = shown.document.model_dump(mode="json")
    until = shown.effective_until
    return {
        "digest": shown.version.policy.digest,
        **fields,
        "effective_until": None if until is None else format_time(until),
        "clauses": [_part_as_json(shown, clause) for clause in shown.document.clauses],
        "forbid": _part_as_json(shown, shown.document.forbid),
        "standing": [_part_as_json(shown, standing) for standing in shown.document.standing],
    }


def _part_as_json(shown: Shown, part: Part) -> Row:
    fields: Row = part.model_dump(mode="json")
    if isinstance(part, Clause):
        fields["in_words"] = words_of_clause(part)._asdict()
        fields["beaten_by"] = [
            {"clause": one.by.id, "actors": list(one.actors)} for one in shown.beaten.get(part.id, ())
        ]
    elif isinstance(part, Forbid):
        fields["in_words"] = list(words_of_forbid(part))
    else:
        fields["in_words"] = words_of_standing(part)
    fields["places"] = [_place_as_json(shown, quote) for quote in part.quotes]
    return fields


def _place_as_json(shown: Shown, quote: str) -> Row | None:
    found = None if shown.version.text is None else place_of(quote, shown.version.text)
    return None if found is None else {"file": TEXT_FILE, **found._asdict()}


def _clause_row(shown: Shown, clause: Clause) -> Row:
    fields = clause.model_dump(mode="json")
    return {name: fields.get(name) for name in CLAUSE_COLUMNS} | {"places": _places(shown, clause)}


def _places(shown: Shown, part: Part) -> list[str]:
    """Say where the words of a part stand; a line each."""
    if shown.version.text is None:
        return [f"{TEXT_FILE} is not there"]
    found = [place_of(quote, shown.version.text) for quote in part.quotes]
    told = [
        f"{TEXT_FILE} does not hold these words" if one is None else one.in_words(TEXT_FILE) for one in found
    ]
    return list(dict.fromkeys(told))


def _show_version(shown: Shown) -> None:
    document, page = shown.document, console()
    until = shown.effective_until
    page.print(visible(f"{document.policy} {document.version}", "bold"))
    page.print(
        facts(
            [
                ("title", document.title),
                (
                    "in effect",
                    f"from {_instant(document.effective_from)}" + (f" to {_instant(until)}" if until else ""),
                ),
                ("grace", words_of_grace(document.grace_hours)),
                ("digest", shown.version.policy.digest),
            ]
        )
    )
    page.print("\nEvidence counts for a clause only where", style="bold")
    page.print(points(COMMON))
    if document.standing:
        page.print("\nActors need for any purpose", style="bold")
        for standing in document.standing:
            page.print(points([words_of_standing(standing)]))
            page.print(facts([("text", "; ".join(_places(shown, standing)))], indent=2))
    page.print("\nWhat is permitted", style="bold")
    for number, clause in enumerate(document.clauses, start=1):
        page.print(_clause_heading(number, clause))
        page.print(Padding(visible(clause.title), (0, 0, 0, 4)))
        told = [*_clause_facts(shown, clause), *_numbered("text", _places(shown, clause))]
        page.print(facts(told, indent=4))
    page.print("\nWhat is forbidden", style="bold")
    forbid = document.forbid
    page.print(Padding(visible(forbid.id, "bold"), (1, 0, 0, 4)))
    page.print(Padding(visible(forbid.title), (0, 0, 0, 4)))
    told = [*_numbered("forbids", words_of_forbid(forbid)), *_numbered("text", _places(shown, forbid))]
    page.print(facts(told, indent=4))
    tell("\n`earwitness policy show CLAUSE` shows the words that a clause stands on")


def _instant(time: datetime) -> str:
    return f"{second(format_time(time))} UTC"


def _clause_heading(number: int, clause: Clause) -> RenderableType:
    heading = visible(f"{number:>2}  ")
    heading.append(clause.id, style="bold")
    heading.append(f", for the purpose {clause.purpose}")
    return Padding(heading, (1, 0, 0, 0))


def _clause_facts(shown: Shown, clause: Clause) -> Iterator[tuple[str, str]]:
    words = words_of_clause(clause)
    yield "who", words.who
    yield "evidence", words.evidence
    yield from _numbered("counts if", words.needs)
    yield "content", words.content
    yield "actions", words.actions
    for beaten in shown.beaten.get(clause.id, ()):
        actors = ", ".join(ACTORS[actor] for actor in beaten.actors)
        yield "beaten by", f"{beaten.by.id}, for {actors}, unless {clause.purpose} is declared"


def _facts_alone(shown: Shown, part: Clause | Forbid) -> Iterator[tuple[str, str]]:
    """Say of one part what the page of the whole version says elsewhere, too."""
    if isinstance(part, Forbid):
        yield from _numbered("forbids", words_of_forbid(part))
        return
    yield "purpose", part.purpose
    yield from _clause_facts(shown, part)
    yield from _numbered("counts only if", COMMON)
    besides = [words_of_standing(standing) for standing in standing_of(part, shown.document)]
    yield from _numbered("besides", besides)


def _numbered(name: str, told: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name the first of several lines."""
    for number, line in enumerate(told):
        yield "" if number else name, line


def _show_part(shown: Shown, part_id: str, output: OutputFormat) -> None:
    parts: list[Clause | Forbid] = [*shown.document.clauses, shown.document.forbid]
    part = next((one for one in parts if one.id == part_id), None)
    if part is None:
        known = ", ".join(one.id for one in parts)
        raise QueryRejected(f"version {shown.document.version} has no clause {part_id}", f"it has {known}")
    if output != "table":
        fields = _part_as_json(shown, part)
        write_rows(iter([fields]), tuple(fields), output)
        return
    page = console()
    page.print(visible(f"{part.id}, of {shown.document.policy} {shown.document.version}", "bold"))
    page.print(visible(part.title))
    page.print()
    page.print(facts(list(_facts_alone(shown, part))))
    for quote in part.quotes:
        found = None if shown.version.text is None else place_of(quote, shown.version.text)
        page.print(visible(f"\n{'' if found is None else found.in_words(TEXT_FILE)}".strip(), "dim"))
        page.print(Padding(visible(quote.strip()), (0, 0, 0, 2)))
