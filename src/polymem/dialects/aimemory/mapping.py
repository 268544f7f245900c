"""From AI Memory System's JSON to the core's values and back. Pure functions."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from polymem.core.context.context import ContextDocument
from polymem.core.filters import ContainsText, Filter, ImportanceBetween, InProjects, KindIn, TagsAll
from polymem.core.model import Draft, Memory
from polymem.core.people import Organization, Project, User
from polymem.core.recall import Hit
from polymem.core.work import Work

Json = dict[str, Any]

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
SEARCH_LIMIT = 10
PLAN = "self-hosted"
"""The plan of every tenant: there is nothing to buy."""

_STACK_SEPARATOR = ", "
_TO_CORE = {"memory_type": "kind"}
_NOT_ANSWERED = frozenset({"organization_id", "project", "version"})


# --- in ------------------------------------------------------------------------------------------


def to_stack(text: str) -> tuple[str, ...]:
    """The technologies of a stack; `from_stack` gives the text back, byte for byte."""
    parts = tuple(text.split(_STACK_SEPARATOR))
    return () if not text else parts if all(part.strip() for part in parts) else (text,)


def to_draft(body: Mapping[str, Any], project: Project) -> Draft:
    """What to keep."""
    return Draft(**{**to_changes(body), "project": project.key})


def to_changes(body: Mapping[str, Any]) -> Json:
    """The fields of a memory that were sent, by the core's names; the project is found elsewhere."""
    changes = {_TO_CORE.get(name, name): value for name, value in body.items() if name != "project"}
    return changes | ({"tags": tuple(changes["tags"])} if "tags" in changes else {})


def to_project_changes(body: Mapping[str, Any]) -> Json:
    """The fields of a project that were sent, by the core's names. An empty slug changes nothing."""
    changes = {name: body[name] for name in ("name", "slug", "description") if body.get(name) is not None}
    changes |= {"stack": to_stack(body["stack"])} if "stack" in body else {}
    changes |= {"active": body["is_active"]} if "is_active" in body else {}
    return {name: value for name, value in changes.items() if name != "slug" or value}


def to_entry(body: Mapping[str, Any]) -> Json:
    """The fields of a session, task or snippet that were sent; the project is found elsewhere."""
    return {name: value for name, value in body.items() if name != "project"}


def to_filter(
    membership: InProjects | None = None,
    memory_type: str | None = None,
    search: str | None = None,
    importance_gte: int | None = None,
    tags: str | None = None,
) -> Filter:
    """The conditions of a list of memories, all of which must hold; what is None or empty is no condition."""
    wanted = frozenset(tag.strip() for tag in (tags or "").split(",") if tag.strip())
    clauses = (
        membership,
        KindIn(frozenset({memory_type})) if memory_type else None,
        ContainsText(search) if search else None,
        None if importance_gte is None else ImportanceBetween(least=importance_gte),
        TagsAll(wanted) if wanted else None,
    )
    return tuple(clause for clause in clauses if clause is not None)


def to_page(limit: str | None, offset: str | None, default: int = DEFAULT_LIMIT) -> tuple[int, int]:
    """Limit and offset. What is no number of that kind counts as not given, and too large a limit as the largest."""
    wanted = _digits(limit)
    return min(wanted, MAX_LIMIT) if wanted else default, min(_digits(offset) or 0, 2**53)


def _digits(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


# --- out -----------------------------------------------------------------------------------------


def from_project(project: Project) -> Json:
    """A project."""
    return {
        "id": project.id,
        "name": project.name,
        "slug": project.slug,
        "description": project.description,
        "stack": _STACK_SEPARATOR.join(project.stack),
        "is_active": project.active,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    }


def from_memory(memory: Memory) -> Json:
    """A memory. One that belongs to no project, kept through another door, has null for it."""
    return {
        "id": memory.id,
        "project": memory.project_id,
        "memory_type": memory.kind,
        "content": memory.content,
        "context": memory.context or "",
        "importance": memory.importance,
        "tags": memory.tags,
        "access_count": memory.access_count,
        "last_accessed": memory.last_accessed,
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
    }


def from_hit(hit: Hit) -> Json:
    """A memory that was found."""
    cosine = hit.why.candidate.cosine
    similarity = None if cosine is None else round(max(0.0, min(cosine, 1.0)), 6)
    return from_memory(hit.memory) | {"score": round(hit.score, 6), "similarity": similarity}


def from_entry(entry: Work) -> Json:
    """A session, a task or a snippet."""
    names = [field.name for field in fields(entry) if field.name not in _NOT_ANSWERED]
    values = {name: getattr(entry, name) for name in names if name != "project_id"}
    return {"id": values.pop("id"), "project": entry.project_id} | values


def from_document(document: ContextDocument) -> Json:
    """The context document, for those who want it as JSON."""
    return {
        "context": document.markdown,
        "markdown": document.markdown,
        "project": from_project(document.project),
        "tokens": document.tokens,
        "as_of": document.as_of,
        "left_out": document.left_out,
    }


def from_login(token: str, user: User, organization: Organization | None) -> Json:
    """The answer to a login."""
    return {
        "token": token,
        "user_id": user_number(user.id),
        "username": user.name,
        "email": user.email,
        "tenant": organization
        and {
            "id": organization.id,
            "name": organization.name,
            "slug": organization.slug,
            "plan": PLAN,
        },
    }


def user_number(user_id: str) -> int:
    """A whole number that stays the same for a user: clients of this API know users by number. 48 bits of a digest,
    so that every JSON reader can hold it."""
    return int.from_bytes(hashlib.blake2b(user_id.encode(), digest_size=6).digest())
