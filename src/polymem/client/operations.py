"""Every operation of the API as a function from arguments to a call. Pure: nothing is sent here.

`clients.Operations` turns each into a method of both clients, with these parameters and these docstrings.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Unpack
from urllib.parse import quote

from polymem.client.calls import Call, Lines, Pages, Records
from polymem.client.decoding import many, nothing, one, page
from polymem.client.errors import UnexpectedAnswer
from polymem.client.inputs import (
    Asking,
    Changes,
    Details,
    Draft,
    Duplicates,
    Narrowing,
    Order,
    Permission,
    ProjectChanges,
    Record,
    SortKey,
    When,
)
from polymem.client.models import (
    ApiKey,
    Health,
    ImportReport,
    Memory,
    NewApiKey,
    Page,
    Project,
    RecallActivity,
    Recalled,
    Stats,
    Version,
    WhyNot,
)

_MEMORIES = "/v1/memories"


# --- memories -----------------------------------------------------------------------------------


def add(
    content: str,
    *,
    duplicates: Duplicates = "keep",
    compare: bool = False,
    idempotency_key: str | None = None,
    **details: Unpack[Details],
) -> Call[Memory]:
    """Keep one memory; it is durable when this returns.

    `duplicates` "return_existing" answers with the memory of the same project and the same text, if there is one;
    `compare` has the server look for memories that contradict it, which `conflicts` then lists.
    Raises InvalidInput, NotFound (`supersedes`), Conflict.
    """
    body = {"content": content, "duplicates": duplicates, **_if_asked(compare), **details}
    return Call(method="POST", path=_MEMORIES, parse=one(Memory), body=body, keyed=True, key=idempotency_key)


def add_many(
    drafts: Iterable[Draft], *, duplicates: Duplicates = "keep", idempotency_key: str | None = None
) -> Call[tuple[str, ...]]:
    """Keep all of them or none, in one transaction; returns their ids in order. Raises as `add`."""
    body = {"memories": list(drafts), "duplicates": duplicates}
    path = f"{_MEMORIES}/batch"
    return Call(method="POST", path=path, parse=many(str, "ids"), body=body, keyed=True, key=idempotency_key)


def get(memory_id: str, *, as_of: When | None = None) -> Call[Memory]:
    """One memory, now or as it was known at `as_of`. Raises NotFound."""
    return Call(method="GET", path=_path(memory_id), parse=one(Memory), query={"as_of": as_of}, repeatable=True)


def list_(
    *,
    sort: SortKey = "created_at",
    order: Order = "desc",
    limit: int = 50,
    offset: int = 0,
    as_of: When | None = None,
    **filters: Unpack[Narrowing],
) -> Call[Page[Memory]]:
    """A page of the memories that match all filters, with the true total; with `as_of`, as all that was known then.

    Raises InvalidInput.
    """
    page_of = {"sort": sort, "order": order, "limit": limit, "offset": offset, "as_of": as_of}
    query: dict[str, Any] = {**filters, **page_of}
    query["kind"] = query.pop("kinds", None)
    query["delivery"] = query.pop("deliveries", None)
    return Call(method="GET", path=_MEMORIES, parse=page(Memory), query=query, repeatable=True)


def iterate(*, page_size: int = 200, **filters: Unpack[Narrowing]) -> Pages[Memory]:
    """All memories that match all filters, oldest first, so that what is added meanwhile comes at the end."""

    def of(offset: int) -> Call[Page[Memory]]:
        return list_(sort="created_at", order="asc", limit=page_size, offset=offset, **filters)

    return Pages(of)


def update(
    memory_id: str, *, expected_version: int | None = None, compare: bool = False, **changes: Unpack[Changes]
) -> Call[Memory]:
    """Replace the named fields; None clears one. With `expected_version`, only if that is still the newest.

    `compare` has the server look for memories that contradict a new text. Raises NotFound, InvalidInput, Conflict.
    """
    body = {**changes, "version": expected_version, **_if_asked(compare)}
    repeatable = expected_version is None
    return Call(method="PATCH", path=_path(memory_id), parse=one(Memory), body=body, repeatable=repeatable)


def forget(memory_id: str) -> Call[None]:
    """Hide a memory everywhere at once; it can be restored until it is purged. Raises NotFound."""
    return Call(method="DELETE", path=_path(memory_id), parse=nothing)


def restore(memory_id: str) -> Call[Memory]:
    """Take a memory out of the trash. Raises NotFound."""
    return Call(method="POST", path=_path(memory_id, "restore"), parse=one(Memory), repeatable=True)


def purge(memory_id: str) -> Call[None]:
    """Remove a memory, its history and all derived from it, for good. Raises NotFound."""
    return Call(method="POST", path=_path(memory_id, "purge"), parse=nothing)


def history(memory_id: str) -> Call[tuple[Version, ...]]:
    """Every version of a memory, oldest first, of a forgotten one too. Raises NotFound."""
    return Call(method="GET", path=_path(memory_id, "history"), parse=many(Version), repeatable=True)


def trash(*, limit: int = 50, offset: int = 0) -> Call[Page[Memory]]:
    """A page of what was forgotten and can be restored."""
    query = {"limit": limit, "offset": offset}
    return Call(method="GET", path="/v1/trash", parse=page(Memory), query=query, repeatable=True)


# --- finding ------------------------------------------------------------------------------------


def recall(query: str, *, explain: bool = False, **asking: Unpack[Asking]) -> Call[Recalled]:
    """The best memories for a question, best first. With `explain` each hit says how it came there.

    Raises InvalidInput, and Unavailable in vector mode without an embedding model.
    """
    body = _sent({**asking, "query": query, "explain": explain})
    return Call(method="POST", path="/v1/recall", parse=one(Recalled), body=body, repeatable=True)


def why_not(memory_id: str, query: str, **asking: Unpack[Asking]) -> Call[WhyNot]:
    """Why a memory is, or is not, in the answer to a recall. Raises NotFound and as `recall`."""
    body = _sent({**asking, "query": query, "memory_id": memory_id})
    return Call(method="POST", path="/v1/recall/why-not", parse=one(WhyNot), body=body, repeatable=True)


# --- projects, counts, keys ---------------------------------------------------------------------


def projects() -> Call[tuple[Project, ...]]:
    """All projects, oldest first."""
    return Call(method="GET", path="/v1/projects", parse=many(Project), repeatable=True)


def project(key: str) -> Call[Project]:
    """One project, by its key or its id. Raises NotFound."""
    return Call(method="GET", path=_project_path(key), parse=one(Project), repeatable=True)


def create_project(
    key: str, *, name: str | None = None, description: str = "", stack: Iterable[str] = ()
) -> Call[Project]:
    """Make a project; adding a memory to one makes it too. Raises Conflict when there is one of this key."""
    body = {"key": key, "name": name, "description": description, "stack": stack}
    return Call(method="POST", path="/v1/projects", parse=one(Project), body=body)


def update_project(key: str, **changes: Unpack[ProjectChanges]) -> Call[Project]:
    """Replace the named fields of a project. Raises NotFound, InvalidInput."""
    return Call(method="PATCH", path=_project_path(key), parse=one(Project), body=changes, repeatable=True)


def stats() -> Call[Stats]:
    """Counts of what the caller can see."""
    return Call(method="GET", path="/v1/stats", parse=one(Stats), repeatable=True)


def recall_activity(days: int = 30) -> Call[RecallActivity]:
    """How many recalls were asked on each of the last days, today included (UTC). Raises InvalidInput."""
    return Call(
        method="GET", path="/v1/stats/recalls", parse=one(RecallActivity), query={"days": days}, repeatable=True
    )


def health() -> Call[Health]:
    """How the server is. Needs no key."""
    return Call(method="GET", path="/health", parse=one(Health), repeatable=True)


def keys() -> Call[tuple[ApiKey, ...]]:
    """All API keys, oldest first, revoked ones included; never their secrets."""
    return Call(method="GET", path="/v1/keys", parse=many(ApiKey), repeatable=True)


def create_key(
    name: str,
    *,
    project: str | None = None,
    permissions: Iterable[Permission] = ("read", "write"),
    expires_in_days: int | None = None,
) -> Call[NewApiKey]:
    """Make an API key, for one project or all. Its `secret` is shown this once. Raises NotFound, Forbidden."""
    body = {"name": name, "project": project, "permissions": permissions, "expires_in_days": expires_in_days}
    return Call(method="POST", path="/v1/keys", parse=one(NewApiKey), body=body)


def revoke_key(key_id: str) -> Call[None]:
    """Make a key invalid at once. Raises NotFound."""
    return Call(method="DELETE", path=f"/v1/keys/{quote(key_id, safe='')}", parse=nothing)


# --- moving -------------------------------------------------------------------------------------


def export(**filters: Unpack[Narrowing]) -> Lines[Record]:
    """Every memory that matches as a record, oldest first; the answer is read as it comes."""
    body = _sent({**filters})
    call = Call(method="POST", path="/v1/export", parse=nothing, body=body, repeatable=True, unhurried=True)
    return Lines(call, _record)


def import_(records: Iterable[Record], *, project: str | None = None, keep_ids: bool = True) -> Call[ImportReport]:
    """Keep records as `export` gives them, sent as they come; with `project` all go into that one.

    What is there already is counted as existing, and a record that cannot be kept is named in the report and stops
    nothing. Without `keep_ids` the memories get new ids.
    """
    return import_stream(records, project=project, keep_ids=keep_ids)


def import_stream(records: Records, *, project: str | None = None, keep_ids: bool = True) -> Call[ImportReport]:
    """Keep records as `export` gives them; see `import_`. They may come from an asynchronous iterator."""
    query = {"project": project, "keep_ids": keep_ids}
    return Call(method="POST", path="/v1/import", parse=one(ImportReport), query=query, records=records, unhurried=True)


# --- parts --------------------------------------------------------------------------------------


def _path(memory_id: str, *rest: str) -> str:
    return "/".join((_MEMORIES, quote(memory_id, safe=""), *rest))


def _project_path(key: str) -> str:
    return f"/v1/projects/{quote(key, safe='')}"


def _if_asked(compare: bool) -> dict[str, Any]:
    # A server that is older than this client does not know it.
    return {"compare": True} if compare else {}


def _sent(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _record(value: Any) -> Record:
    if not isinstance(value, dict):
        raise UnexpectedAnswer("The server sent a line that is not a record")
    return value
