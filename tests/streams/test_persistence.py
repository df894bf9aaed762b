import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.errors import BrokerUnavailable, RangeLost
from streams.offsets import Membership
from streams.persistence import WhileOwned
from tests.streams.test_intake import FIRST, SECOND, Group

WHERE = ("access.events.v1", 0)


class Forgetful(Group):
    """A group whose first commits are not answered."""

    def __init__(self, unanswered: int) -> None:
        super().__init__()
        self.commits: list[tuple[int, str]] = []
        self._unanswered = unanswered

    async def commit(
        self, topic: str, partition: int, offset: int, *, metadata: str, membership: Membership
    ) -> None:
        self.commits.append((offset, metadata))
        if len(self.commits) <= self._unanswered:
            raise BrokerUnavailable("no answer")


def committing(group: Forgetful, slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("streams.persistence.asyncio.sleep", sleep)
    with ThreadPoolExecutor(1) as threads:
        asyncio.run(WhileOwned(group, FIRST, threads, "t/0").commit(*WHERE, 7, "v1"))


def test_a_commit_that_is_answered_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took effect; whatever comes next comes after it."""
    slept: list[float] = []
    group = Forgetful(0)
    committing(group, slept, monkeypatch)
    assert (group.commits, slept) == ([(7, "v1")], [])


def test_a_commit_that_was_given_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take effect later: now it repeats what is committed, after the next it would undo that."""
    slept: list[float] = []
    group = Forgetful(2)
    committing(group, slept, monkeypatch)
    assert group.commits == [(7, "v1")] * 3
    assert slept[-1] == 5.0


def test_who_lost_the_partition_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its successor settles what it began."""
    group = Forgetful(10)
    group.now = SECOND
    with pytest.raises(RangeLost):
        committing(group, [], monkeypatch)
