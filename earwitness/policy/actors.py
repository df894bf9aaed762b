"""Who an actor is: the ids that are one person or program, and the records that say so."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple, Protocol

from earwitness.policy.entries import Entry
from earwitness.policy.shelves import Register

IDENTIFIED_BY: Final = {
    "employee": "employment",
    "affiliate": "affiliation",
    "vendor": "engagement",
    "service": "service_account",
}
"""The kind of evidence whose aliases count for an actor type; the others have one id only."""


class Directory(Protocol):
    """What must be known of the evidence to identify an actor."""

    @property
    def employment_known(self) -> bool:
        """Whether any employment record is known."""

    def register(self, kind: str) -> Register:
        """Give the entries of one kind."""

    def naming_one_actor(self, kind: str, organization: str | None, actor_id: str) -> Collection[Entry]:
        """Give the entries of `kind` that say that `actor_id` has other ids too."""

    def listing_team(self, organization: str | None, team: str) -> Collection[Entry]:
        """Give the affiliations of `organization` that list `team`."""


class Identity(NamedTuple):
    """The ids of one actor: those that are its own for certain, and with them those that may be."""

    ids: frozenset[str]
    perhaps_ids: frozenset[str]


class Actor:
    """One actor, under whatever id; the same at every time.

    `ids` are the actor's for certain: what names one of them names the actor. `perhaps_ids` holds
    these and the ids that would be the actor's if a record told the truth that nobody else vouches
    for: what one of those entered proves nothing.

    `standing` holds the employments that name an employee, or the affiliations of an affiliate's
    organization; for others it is empty. `employment_known` says whether anybody's employment is known.
    """

    __slots__ = ("_listing_team", "employment_known", "ids", "perhaps_ids", "standing")

    def __init__(
        self,
        identity: Identity,
        standing: Collection[Entry],
        listing_team: Callable[[str], Collection[Entry]],
        *,
        employment_known: bool,
    ) -> None:
        self.ids, self.perhaps_ids = identity
        self.standing = standing
        self.employment_known = employment_known
        self._listing_team = listing_team

    def stands(self, time: datetime) -> bool:
        """Say whether an employment or affiliation is in force that the actor did not enter."""
        return _vouched(self.standing, self.perhaps_ids, time)

    def is_in_team(self, team: str, time: datetime) -> bool:
        """Say whether such a record, in force at `time`, lists `team`."""
        return _vouched(self._listing_team(team), self.perhaps_ids, time)

    def names(self, team: str | None, time: datetime) -> frozenset[str]:
        """Give all that an assignee may be called to mean this actor: its ids, and `team` if it counts."""
        if team is not None and self.is_in_team(team, time):
            return self.ids | {team}
        return self.ids


def _vouched(entries: Collection[Entry], actor_ids: frozenset[str], time: datetime) -> bool:
    for entry in entries:  # not any(): over a generator it takes three times as long
        if (
            entry.valid_from <= time < entry.valid_to
            and time < entry.withdrawn_from
            and not entry.comes_from(actor_ids)
        ):
            return True
    return False


def identify(actor_type: str, organization: str | None, actor_id: str, directory: Directory) -> Actor:
    """Find all ids of an actor, and the records on which its standing and teams rest."""
    identity = _identity(actor_type, organization, actor_id, directory)
    standing: Collection[Entry] = ()
    listing_team: Callable[[str], Collection[Entry]] = _no_entries
    if actor_type == "employee":
        employments = _employments(identity.ids, directory)
        standing = employments
        listing_team = partial(_listing, _by_team(employments))
    elif actor_type == "affiliate":
        standing = directory.register("affiliation").by_organization.under(organization)
        listing_team = partial(directory.listing_team, organization)
    return Actor(identity, standing, listing_team, employment_known=directory.employment_known)


def _no_entries(_team: str) -> Collection[Entry]:
    return ()


def _listing(by_team: Mapping[str, Collection[Entry]], team: str) -> Collection[Entry]:
    return by_team.get(team, ())


def _by_team(entries: Collection[Entry]) -> Mapping[str, Collection[Entry]]:
    teams = {team for entry in entries for team in entry.teams}
    return {team: tuple(entry for entry in entries if team in entry.teams) for team in teams}


def _employments(ids: frozenset[str], directory: Directory) -> Collection[Entry]:
    by_assignee = directory.register("employment").by_assignee
    return tuple({entry.ref: entry for actor_id in ids for entry in by_assignee.under(actor_id)}.values())


def _identity(actor_type: str, organization: str | None, actor_id: str, directory: Directory) -> Identity:
    """Follow aliases both ways, from record to record, past those that the actor entered.

    Which those are depends on the ids that the others prove. So the records are sorted, again and
    again until nothing changes, into those that hold whatever else does, those that cannot hold, and
    those that hold only if they are not believed: an employment entered by one of its own aliases.
    """
    kind = IDENTIFIED_BY.get(actor_type)
    own = frozenset((actor_id,))
    if kind is None:
        return Identity(own, own)
    links = _reachable(actor_id, partial(directory.naming_one_actor, kind, organization))
    holding: list[Entry] = []
    while True:
        certain = _joined(actor_id, holding)
        perhaps = _joined(actor_id, [link for link in links if not link.comes_from(certain)])
        now_holding = [link for link in links if not link.comes_from(perhaps)]
        if len(now_holding) == len(holding):
            return Identity(certain, perhaps)
        holding = now_holding


def _reachable(actor_id: str, naming: Callable[[str], Collection[Entry]]) -> Collection[Entry]:
    """Give the records that join `actor_id` to other ids, near and far, whoever entered them."""
    reached: dict[str, Entry] = {}
    known = {actor_id}
    ahead = [actor_id]
    while ahead:
        for entry in naming(ahead.pop()):
            reached[entry.ref] = entry
            ahead += [other for other in entry.actor_ids if other not in known]
            known.update(entry.actor_ids)
    return reached.values()


def _joined(actor_id: str, links: Iterable[Entry]) -> frozenset[str]:
    """Give the ids that `links` join to `actor_id`, near and far."""
    by_id: defaultdict[str, list[Entry]] = defaultdict(list)
    for link in links:
        for other in link.actor_ids:
            by_id[other].append(link)
    return frozenset((actor_id,)).union(
        *(link.actor_ids for link in _reachable(actor_id, lambda other: by_id.get(other, ())))
    )
