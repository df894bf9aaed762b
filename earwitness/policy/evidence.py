"""All evidence that a judge knows, indexed by what accesses name."""

from collections.abc import Collection, Hashable, Iterator
from typing import Final, get_args

from earwitness.policy.actors import Actor, identify
from earwitness.policy.entries import Entry
from earwitness.policy.shelves import Register, Shelf
from models.evidence import KINDS_WITH_ALIASES, EvidenceKind, EvidenceRecord
from models.verdict import NO_EVIDENCE_VERSION

MOST_ACTORS: Final = 100_000
"""Actors whose ids are remembered; beyond that all are forgotten and looked up again."""


class EvidenceIndex:
    """The newest record of every ref, as of `version`.

    Not safe for writing in one thread while another judges. What it answers depends on the records
    put and their versions only, not on the order in which they were put.
    """

    def __init__(self) -> None:
        self.version = NO_EVIDENCE_VERSION
        """The highest version put, -1 before any."""
        self._by_ref: dict[str, Entry] = {}
        self._registers = {kind: Register() for kind in get_args(EvidenceKind)}
        self._identities = Shelf()
        self._teams = Shelf()
        self._employment_count = 0
        self._actors: dict[tuple[str, str | None, str], Actor] = {}

    def __len__(self) -> int:
        return len(self._by_ref)

    def put(self, record: EvidenceRecord, version: int) -> None:
        """Take in `record`, unless one of its ref with this version or a higher one is known."""
        self.version = max(self.version, version)
        known = self._by_ref.get(record.ref)
        if known is not None:
            if version <= known.version:
                return
            self._take_out(known)
        entry = Entry(record, version)
        self._by_ref[entry.ref] = entry
        for shelf, key in self._places(entry):
            shelf.add(key, entry)
        self._employment_count += entry.kind == "employment"
        self._forget_actors(entry)

    def get(self, ref: str) -> Entry | None:
        """Give the newest entry of `ref`; None where it is not known."""
        return self._by_ref.get(ref)

    def entries(self) -> Collection[Entry]:
        """Give the newest entry of every ref."""
        return self._by_ref.values()

    def register(self, kind: str) -> Register:
        """Give the entries of one kind."""
        return self._registers[kind]

    @property
    def employment_known(self) -> bool:
        """Whether any employment record is known, of any person and whatever its status."""
        return self._employment_count > 0

    def actor(self, actor_type: str, organization: str | None, actor_id: str) -> Actor:
        """Say who the actor of an access is: all ids, and the records that speak of them."""
        key = (actor_type, organization, actor_id)
        actor = self._actors.get(key)
        if actor is None:
            actor = identify(actor_type, organization, actor_id, self)
            if len(self._actors) >= MOST_ACTORS:
                self._actors.clear()
            self._actors[key] = actor
        return actor

    def naming_one_actor(self, kind: str, organization: str | None, actor_id: str) -> Collection[Entry]:
        """Give the entries of `kind` that say that `actor_id` has other ids too.

        `organization` counts for affiliations and engagements only.
        """
        return self._identities.under(_identity(kind, organization, actor_id))

    def listing_team(self, organization: str | None, team: str) -> Collection[Entry]:
        """Give the affiliations of `organization` that list `team`."""
        return self._teams.under((organization, team))

    def _take_out(self, entry: Entry) -> None:
        for shelf, key in self._places(entry):
            shelf.remove(key, entry)
        self._employment_count -= entry.kind == "employment"
        self._forget_actors(entry)

    def _places(self, entry: Entry) -> Iterator[tuple[Shelf, Hashable]]:
        yield from self._registers[entry.kind].places(entry)
        for actor_id in entry.actor_ids:
            yield self._identities, _identity(entry.kind, entry.organization, actor_id)
        if entry.kind == "affiliation":
            for team in entry.teams:
                yield self._teams, (entry.organization, team)

    def _forget_actors(self, entry: Entry) -> None:
        if entry.kind in KINDS_WITH_ALIASES:
            self._actors.clear()


def _identity(kind: str, organization: str | None, actor_id: str) -> tuple[str, str | None, str]:
    of_one_organization = kind in {"affiliation", "engagement"}
    return kind, organization if of_one_organization else None, actor_id
