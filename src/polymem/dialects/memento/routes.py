"""Memento's endpoints, and a few more beside them that collide with none."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, NoReturn

from fastapi import Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from polymem.core import Core
from polymem.core.errors import EmbeddingUnavailable, Forbidden, InvalidInput, NotFound
from polymem.core.exchange.formats import from_memento
from polymem.core.exchange.transfer import Record
from polymem.core.filters import Filter, InProjects
from polymem.core.people import Permission, Scope
from polymem.core.people.access import require
from polymem.core.ranking import Mode
from polymem.dialects import kit
from polymem.dialects.dialect import DialectOptions
from polymem.dialects.memento import mapping, wire

API_VERSION = "0.9.0"
"""The version of Memento's API that is spoken. Clients compare it with the 0.9.0 that brought the REST API."""

_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page fetches from this server and from nowhere else."""

_PROVIDERS = {"openai": "openai", "none": "none"}
"""How Memento calls the origin of the vectors; whatever runs in this process is "local"."""

_OTHER_METHODS = {
    "save": "POST",
    "save/batch": "POST",
    "recall": "POST",
    "search": "POST",
    "import": "POST",
    "list": "GET",
    "health": "GET",
    "export": "GET",
}
"""The endpoints whose name a request of another method could mean as an entry's id."""

_ID = "550e8400-e29b-41d4-a716-446655440000"

router = kit.router()


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who makes it, and what answers it."""

    core: Core
    scope: Scope
    options: DialectOptions

    async def namespace(self, asked: str | None) -> str:
        """The namespace a request means. Raises InvalidInput when it could be one of several."""
        if asked:
            return asked
        if self.scope.projects is None:
            return self.options.default_namespace
        projects = await self.core.projects.all(self.scope)
        if len(projects) != 1:
            raise InvalidInput("namespace is required: this key reaches several", field="namespace")
        return projects[0].key

    async def inside(self, namespace: str) -> InProjects:
        """The filter for a namespace. Raises Forbidden when the key does not reach it."""
        project = None if namespace == mapping.GLOBAL else await self.core.projects.find(self.scope, namespace)
        if project is None and self.scope.projects is not None:
            raise Forbidden(f"This key does not reach the namespace {namespace}")
        return mapping.to_membership(namespace, project)

    async def saved_under(self, request: wire.SaveRequest) -> str | None:
        """The namespace a save goes to; None is the only one the key reaches. Raises Forbidden."""
        if not request.global_ and not request.namespace and self.scope.projects is not None:
            return None
        namespace = mapping.GLOBAL if request.global_ else await self.namespace(request.namespace)
        if namespace == mapping.GLOBAL and self.scope.projects is not None:
            raise Forbidden("This key is limited to its own namespace and cannot save to the global one")
        return namespace


async def _call(request: Request) -> Call:
    state = request.app.state
    return Call(state.core, request.state.caller, state.options)


Caller = Annotated[Call, Depends(_call)]


async def _any_id(id: Annotated[str, Path(description="Memory entry ID, any text.", examples=[_ID])]) -> str:
    # PostgreSQL cannot even be asked for a NUL; nothing was ever kept under such an id.
    if "\x00" in id:
        raise NotFound("Memory", id)
    return id


async def _id_of_no_endpoint(request: Request, id: Annotated[str, Depends(_any_id)]) -> str:
    if allow := "POST" if id.endswith("/restore") else _OTHER_METHODS.get(id):
        raise kit.MethodNotAllowed(request.method, allow)
    return id


AnyId = Annotated[str, Depends(_any_id)]
EntryId = Annotated[str, Depends(_id_of_no_endpoint)]


# --- the web page ---------------------------------------------------------------------------------


@router.get("/", include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    """The web UI."""
    return HTMLResponse(request.app.state.page, headers={"Content-Security-Policy": _PAGE_POLICY})


# --- the documented endpoints ---------------------------------------------------------------------


@router.post("/api/save")
async def save(request: wire.SaveRequest, call: Caller) -> wire.SaveResponse:
    """Save a memory entry."""
    drafts = mapping.to_drafts(request, await call.saved_under(request))
    added = await call.core.memories.add_many(call.scope, drafts)
    return mapping.from_ids([one.memory.id for one in added])


@router.post("/api/recall")
async def recall(request: wire.RecallRequest, call: Caller) -> wire.ResultsResponse:
    """Recall relevant memories from a namespace. Those returned count as used."""
    namespace = await call.namespace(request.namespace)
    filter = mapping.to_filter(
        membership=await call.inside(namespace),
        namespace=namespace,
        container=request.container,
        tags=mapping.to_tags(request.tags),
        after=request.after,
        before=request.before,
    )
    return await _found(call, request, filter, counts_as_use=True)


@router.post("/api/search")
async def search(request: wire.SearchRequest, call: Caller) -> wire.ResultsResponse:
    """Search memories across all projects, the global namespace included."""
    filter = mapping.to_filter(tags=mapping.to_tags(request.tags), after=request.after, before=request.before)
    return await _found(call, request, filter, counts_as_use=False)


async def _found(
    call: Call, request: wire.SearchRequest, filter: Filter, *, counts_as_use: bool
) -> wire.ResultsResponse:
    query = mapping.to_recall(request, filter, counts_as_use=counts_as_use)
    try:
        recalled = await call.core.recall(call.scope, query)
    except EmbeddingUnavailable:
        if request.searchMode is not None:
            if call.core.embedder.model is None:
                # Trying again later would not help, as the error itself would say.
                sentence = "searchMode vector needs an embedding model, and this server has none; keyword works"
                raise InvalidInput(sentence, field="searchMode") from None
            raise
        # Vectors are only the default here: who did not ask for them is better served by words than by an error.
        recalled = await call.core.recall(call.scope, replace(query, mode=Mode.KEYWORD))
    return mapping.from_recalled(recalled)


@router.get("/api/list")
async def list_entries(parameters: Annotated[wire.ListParameters, Query()], call: Caller) -> wire.ListResponse:
    """List memories, newest first, with pagination and filters."""
    namespace = await call.namespace(parameters.namespace)
    filter = mapping.to_filter(
        membership=await call.inside(namespace),
        namespace=namespace,
        container=parameters.container,
        tags=mapping.to_tags_of_list(parameters.tags),
        after=parameters.after,
        before=parameters.before,
    )
    limit, offset = mapping.to_limit(parameters.limit), mapping.to_offset(parameters.offset)
    return mapping.from_page(await call.core.memories.find(call.scope, filter, limit=limit, offset=offset))


@router.get("/api/health")
async def health(call: Caller) -> wire.HealthResponse:
    """Health check and system status."""
    count, options = call.core.memories.count, call.options
    namespace = await call.namespace(None)
    here, everywhere, entries = await asyncio.gather(
        count(call.scope, (await call.inside(namespace),)),
        count(call.scope, (mapping.to_membership(mapping.GLOBAL, None),)),
        count(call.scope),
    )
    return wire.HealthResponse(
        version=API_VERSION,
        config=wire.HealthConfig(
            storageType="local",
            embeddingProvider=_PROVIDERS.get(options.embedding_provider, "local"),
            embeddingModel=options.embedding_model or "none",
            namespace=namespace,
        ),
        stats=wire.HealthStats(entriesInNamespace=here, globalEntries=everywhere, autoCapture=False),
        entries=entries,
        server=wire.ServerInfo(name="polymem", version=options.version),
    )


@router.delete("/api/{id:path}")
async def delete(id: AnyId, call: Caller) -> wire.DeleteResponse:
    """Delete a memory by ID. It can be restored until it is purged through the native API."""
    await call.core.memories.forget(call.scope, id)
    return wire.DeleteResponse(message=f"Memory entry {id} deleted successfully")


# --- additions ------------------------------------------------------------------------------------


@router.post("/api/save/batch")
async def save_batch(request: wire.SaveBatchRequest, call: Caller) -> wire.SaveResponse:
    """Addition: save several entries in one transaction, all or none. `ids` has their order."""
    drafts = [draft for one in request.memories for draft in mapping.to_drafts(one, await call.saved_under(one))]
    added = await call.core.memories.add_many(call.scope, drafts)
    return mapping.from_ids([one.memory.id for one in added])


@router.get("/api/export")
async def export(
    call: Caller,
    namespace: Annotated[wire.Name | None, Query(description="Only this namespace; all without it.")] = None,
) -> StreamingResponse:
    """Addition: all entries, oldest first, as `POST /api/import` takes them. Deleted ones are not part of it."""
    require(call.scope, Permission.READ)
    filter = mapping.to_filter(membership=await call.inside(namespace)) if namespace else ()
    return StreamingResponse(_exported(call, filter), media_type="application/json")


async def _exported(call: Call, filter: Filter) -> AsyncIterator[str]:
    count = 0
    yield '{"success":true,"entries":['
    async for batch in call.core.memories.scan(call.scope, filter):
        entries = [mapping.from_memory(memory).model_dump_json() for memory in batch]
        yield ("," if count else "") + ",\n".join(entries)
        count += len(batch)
    yield f'],"count":{count}}}'


@router.post("/api/import")
async def import_entries(request: wire.ImportRequest, call: Caller) -> wire.ImportResponse:
    """Addition: take in exported entries. What is known already, by id or by text, is not doubled."""
    namespace = await call.namespace(request.namespace)

    async def records() -> AsyncIterator[Record | InvalidInput]:
        for entry in request.entries:
            yield from_memento(entry, namespace, everything=bool(request.namespace))

    reports = [report async for report in call.core.transfer.import_(call.scope, records())]
    return mapping.from_report(reports[-1])


@router.get("/api/{id:path}")
async def get(id: EntryId, call: Caller) -> wire.EntryResponse:
    """Addition: one entry by ID."""
    memory = await call.core.memories.get(call.scope, id)
    return wire.EntryResponse(entry=mapping.from_memory(memory), message=f"Memory entry {id} found")


@router.patch("/api/{id:path}")
async def update(id: EntryId, request: wire.UpdateRequest, call: Caller) -> wire.EntryResponse:
    """Addition: change an entry. Its history keeps what it was."""
    # A deleted entry is not there to be changed.
    await call.core.memories.get(call.scope, id)
    memory = await call.core.memories.revise(call.scope, id, mapping.to_changes(request))
    return wire.EntryResponse(entry=mapping.from_memory(memory), message=f"Memory entry {id} updated successfully")


@router.post("/api/{id:path}/restore")
async def restore(id: AnyId, call: Caller) -> wire.EntryResponse:
    """Addition: bring a deleted entry back."""
    memory = await call.core.memories.restore(call.scope, id)
    return wire.EntryResponse(entry=mapping.from_memory(memory), message=f"Memory entry {id} restored successfully")


@router.api_route("/api/{id:path}", methods=["POST", "PUT"], include_in_schema=False, response_model=None)
async def nothing(id: EntryId, request: Request) -> NoReturn:
    """What no endpoint answers: without this, an address that does not exist would be told to exist as an id."""
    raise NotFound("Path", request.url.path)
