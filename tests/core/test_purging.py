import asyncio

import pytest

from polymem.core.errors import Forbidden, NotFound
from polymem.core.filters import TagsAny
from polymem.core.model import Change, Draft, Memory
from polymem.core.people import Permission, Scope
from tests.core.conftest import Home

RED = (TagsAny(frozenset({"red"})),)


async def kept(home: Home, content: str, *tags: str, supersedes: str | None = None) -> Memory:
    return (await home.core.memories.add(home.scope, Draft(content=content, tags=tags, supersedes=supersedes))).memory


async def test_all_that_match_are_gone_with_the_trash_and_the_visible_ones_are_counted(home: Home) -> None:
    red, hidden, blue = await kept(home, "1", "red"), await kept(home, "2", "red"), await kept(home, "3", "blue")
    await home.core.memories.forget(home.scope, hidden.id)
    assert await home.core.memories.purge_matching(home.scope, RED) == 1
    for one in (red, hidden):
        with pytest.raises(NotFound):
            await home.core.memories.get(home.scope, one.id, hidden=True)
    assert (await home.core.memories.get(home.scope, blue.id)).content == "3"
    assert await home.core.memories.purge_matching(home.scope, RED) == 0


async def test_what_was_superseded_by_something_purged_is_current_again(home: Home) -> None:
    first = await kept(home, "first")
    second = await kept(home, "second", "red", supersedes=first.id)
    third = await kept(home, "third", supersedes=second.id)
    assert await home.core.memories.purge_matching(home.scope, RED) == 1
    history = await home.core.memories.history(home.scope, first.id)
    assert history[-1].change is Change.UNSUPERSEDED
    assert history[-1].memory.superseded_by is None
    assert (await home.core.memories.get(home.scope, third.id)).supersedes is None


async def test_callers_that_purge_the_same_at_once_do_not_hinder_each_other(home: Home) -> None:
    for number in range(20):
        await kept(home, str(number), "red")
    counts = await asyncio.gather(*(home.core.memories.purge_matching(home.scope, RED) for _ in range(3)))
    assert sorted(counts) == [0, 0, 20]
    assert await home.core.memories.count(home.scope, hidden=True) == 0


async def test_a_reader_purges_nothing(home: Home) -> None:
    await kept(home, "1", "red")
    reader = Scope(organization_id=home.scope.organization_id, permissions=frozenset({Permission.READ}))
    with pytest.raises(Forbidden):
        await home.core.memories.purge_matching(reader, RED)
    assert await home.core.memories.tags(reader) == {"red": 1}
