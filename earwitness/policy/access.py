"""What the judge needs to know of an access, whoever carries it."""

from datetime import datetime
from typing import Protocol


class Access(Protocol):
    """Anything with the attributes of `models.AccessEvent` that a verdict depends on.

    The worker passes its decoder's Structs, everybody else the model itself. `time` is aware.
    """

    @property
    def time(self) -> datetime:
        """When the access happened."""

    @property
    def actor_type(self) -> str:
        """One of `models.access.ActorType`."""

    @property
    def actor_id(self) -> str:
        """Who touched the content."""

    @property
    def organization(self) -> str | None:
        """Whose person or program the actor is."""

    @property
    def actor_team(self) -> str | None:
        """The team that the producer claims; it counts where a register lists it."""

    @property
    def action(self) -> str:
        """One of `models.access.Action`."""

    @property
    def resource_type(self) -> str:
        """One of `models.access.ResourceType`."""

    @property
    def resource_id(self) -> str:
        """What was touched."""

    @property
    def customer_id(self) -> str:
        """Whose content it is; `*` for many or unknown customers."""

    @property
    def purpose(self) -> str | None:
        """What the actor declares."""

    @property
    def evidence_ref(self) -> str | None:
        """What the actor cites."""

    @property
    def recipient(self) -> str | None:
        """The organization outside that the content goes to."""
