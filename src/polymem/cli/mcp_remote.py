"""`mcp.access.Access` to a server that is asked over the native API, by the client."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, cast

from polymem import client as api
from polymem.client.inputs import Narrowing
from polymem.core import errors
from polymem.core.model import MAX_LIMIT, Change, Delivery, Memory, Page, Version
from polymem.core.people import Project
from polymem.core.ports import Stats
from polymem.mcp.access import Answered, Found, Hit, Kept, Selection, Similar, Told

_MOST_CONFLICTS = 20
"""Open conflicts that are looked through for those of a memory just kept."""


class ClientAccess:
    """The memory of another server, as the holder of a key sees it."""

    def __init__(self, client: api.AsyncClient) -> None:
        self._client = client

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)

    async def add(self, draft: Mapping[str, Any], *, once: bool = False) -> Kept:
        """Keep a memory, and say which ones it contradicts."""
        given = {name: value for name, value in draft.items() if value is not None}
        content = given.pop("content")
        async with _core_errors():
            if once and (existing := await self._existing(content, given.get("project"))) is not None:
                return Kept(existing, created=False)
            kept = await self._client.add(content, compare=True, **given)
            return Kept(to_memory(kept), True, await self._similar(kept.id))

    async def _existing(self, content: str, project: str | None) -> Memory | None:
        # The API compares or keeps once, not both; a text is looked for by its beginning.
        try:
            inside: dict[str, Any] = {"unassigned": True} if project is None else {"project": project}
            page = await self._client.list(text=content[:200], superseded=False, limit=50, **inside)
        except api.Forbidden:
            return None
        same = (one for one in page.items if one.content == content and one.project == project)
        return next((to_memory(one) for one in same), None)

    async def _similar(self, memory_id: str) -> tuple[Similar, ...]:
        try:
            page = await self._client.conflicts(limit=_MOST_CONFLICTS)
        except api.Forbidden:
            # Who may only write is told nothing of what is there.
            return ()
        return tuple(
            Similar(to_memory(one.old), one.similarity, one.reason) for one in page.items if one.new.id == memory_id
        )

    async def get(self, memory_id: str) -> Memory:
        """One memory."""
        async with _core_errors():
            return to_memory(await self._client.get(memory_id))

    async def recall(
        self,
        query: str,
        selection: Selection,
        *,
        limit: int,
        mode: str = "hybrid",
        min_score: float | None = None,
        as_of: datetime | None = None,
    ) -> Found:
        """The memories that answer a query."""
        chosen = _chosen(selection)
        asked: dict[str, Any] = {"mode": mode, "limit": limit if chosen is None else MAX_LIMIT, "as_of": as_of}
        if min_score is not None:
            asked["min_score"] = min_score
        async with _core_errors():
            filters = await self._filters(selection)
            found = await self._client.recall(query, superseded=selection.superseded is None, **asked, **filters)
        hits = _to_hits(found.hits)
        if chosen is None:
            return Found(hits, found.mode, found.matched, found.considered)
        hits = tuple(hit for hit in hits if chosen(hit.memory))
        return Found(hits[:limit], found.mode, len(hits), found.considered)

    async def list(
        self, selection: Selection, *, limit: int, offset: int = 0, as_of: datetime | None = None
    ) -> Page[Memory]:
        """A page of what matches."""
        chosen = _chosen(selection)
        async with _core_errors():
            narrowing = cast(Narrowing, await self._filters(selection) | {"superseded": selection.superseded})
            if chosen is None or as_of is not None:
                page = await self._client.list(limit=limit, offset=offset, as_of=as_of, **narrowing)
                return Page(tuple(to_memory(one) for one in page.items), page.total, page.limit, page.offset)
            found = [memory async for one in self._client.iterate(**narrowing) if chosen(memory := to_memory(one))]
        found.reverse()
        return Page(tuple(found[offset : offset + limit]), len(found), limit, offset)

    async def update(
        self, memory_id: str, changes: Mapping[str, Any], *, expected_version: int | None = None
    ) -> Memory:
        """Replace fields."""
        async with _core_errors():
            sent: dict[str, Any] = dict(changes)
            return to_memory(await self._client.update(memory_id, expected_version=expected_version, **sent))

    async def forget(self, memory_id: str) -> None:
        """Hide a memory."""
        async with _core_errors():
            await self._client.forget(memory_id)

    async def context(
        self, project: str, *, max_tokens: int, query: str | None = None, since: datetime | None = None
    ) -> Told:
        """The context document of a project."""
        async with _core_errors():
            told = await self._client.context(project, max_tokens=max_tokens, query=query, since=since)
        return Told(told.markdown, told.tokens, told.left_out)

    async def answer(
        self, question: str, selection: Selection, *, limit: int, as_of: datetime | None = None
    ) -> Answered:
        """An answer from memories."""
        async with _core_errors():
            filters = await self._filters(selection)
            told = await self._client.answer(question, limit=limit, as_of=as_of, **filters)
        return Answered(told.answer, told.mode, told.refused, told.citations, _to_hits(told.sources), told.notice)

    async def changes(
        self, since: datetime, until: datetime | None, selection: Selection, *, limit: int, offset: int = 0
    ) -> Page[Version]:
        """Every change in a span of time."""
        async with _core_errors():
            filters = await self._filters(selection)
            page = await self._client.changes(since, until=until, limit=limit, offset=offset, **filters)
        items = tuple(
            Version(
                memory=to_memory(one.memory),
                change=Change(one.change),
                recorded_at=one.recorded_at,
                actor=one.actor,
                note=one.note,
            )
            for one in page.items
        )
        return Page(items, page.total, page.limit, page.offset)

    async def _filters(self, selection: Selection) -> dict[str, Any]:
        filters = {
            "project": selection.project,
            "unassigned": selection.unassigned or None,
            # An address cannot say an empty list.
            "ids": selection.ids if selection.ids is None or selection.ids else ("none",),
            "kinds": selection.kinds or None,
            "deliveries": selection.deliveries or None,
            "tags": selection.tags or None,
            "container": None if selection.uncontained else selection.container,
            "created_since": selection.since,
            "created_until": selection.until,
        }
        if selection.assigned and selection.project is None:
            filters["projects"] = [project.key for project in await self._client.projects()]
        return {name: value for name, value in filters.items() if value is not None}

    async def projects(self) -> Sequence[Project]:
        """All projects."""
        async with _core_errors():
            return [
                Project(organization_id="", **{one.name: getattr(project, one.name) for one in fields(project)})
                for project in await self._client.projects()
            ]

    async def stats(self) -> Stats:
        """Counts."""
        async with _core_errors():
            told = await self._client.stats()
        return Stats(**{one.name: getattr(told, one.name) for one in fields(Stats)})


def to_memory(memory: api.Memory) -> Memory:
    """The core's value; whose organization it is, only the server knows."""
    values = {one.name: getattr(memory, one.name) for one in fields(memory)}
    return Memory(organization_id="", **values | {"delivery": Delivery(memory.delivery)})


def _to_hits(hits: Sequence[api.Hit]) -> tuple[Hit, ...]:
    return tuple(Hit(to_memory(hit.memory), hit.score) for hit in hits)


def _chosen(selection: Selection) -> Callable[[Memory], bool] | None:
    # What the API has no filter for, as a condition of memories that it found; None where nothing is left to ask.
    if not (selection.metadata or any(selection.mentions.values()) or selection.uncontained):
        return None

    def holds(memory: Memory) -> bool:
        values = memory.metadata
        inside = selection.container is None or memory.container in (selection.container, None)
        equal = all(values.get(name) == value for name, value in selection.metadata.items())
        return (
            inside
            and equal
            and all(
                any(text.lower() in str(values.get(name, "")).lower() for text in texts)
                for name, texts in selection.mentions.items()
                if texts
            )
        )

    return holds


@asynccontextmanager
async def _core_errors() -> AsyncIterator[None]:
    # The client's errors as the core's, with the server's own sentence.
    try:
        yield
    except api.NotFound as error:
        raise _Missing(str(error)) from None
    except api.InvalidInput as error:
        raise errors.InvalidInput(str(error)) from None
    except api.Conflict as error:
        raise errors.Conflict(str(error)) from None
    except api.NotAuthenticated as error:
        raise errors.Forbidden(f"{str(error).rstrip('.')}. Set POLYMEM_API_KEY to a key of that server") from None
    except api.Forbidden as error:
        raise errors.Forbidden(str(error)) from None
    except api.UnexpectedAnswer as error:
        sentence = "POLYMEM_URL must be the address of polymem's gateway, where the native API is"
        raise errors.Unavailable(f"{str(error).rstrip('.')}. {sentence}") from None
    except api.ClientError as error:
        raise errors.Unavailable(str(error)) from None


class _Missing(errors.NotFound):
    def __init__(self, sentence: str) -> None:
        super().__init__("Memory", "")
        self.args = (sentence,)
