"""Who owns memories and who may reach them: organizations, projects, keys, and the scope of a call."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

LOCAL_ORGANIZATION = "local"
"""Slug of the organization that the local owner's memories belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A tenant. Nothing of one organization is ever visible to another."""

    id: str
    slug: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A named part of an organization's memory. `key` is unique in the organization and exact."""

    id: str
    organization_id: str
    key: str
    slug: str
    name: str
    description: str = ""
    stack: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime


class Permission(StrEnum):
    """What a credential may do to memories."""

    READ = "read"
    WRITE = "write"


ALL_PERMISSIONS = frozenset(Permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one call may see and do. Every store method takes one first, as a predicate of its SQL.

    `projects` None means the whole organization, memories without a project included; otherwise only
    memories of those project ids, and none without a project. `actor` is recorded in versions.
    """

    organization_id: str
    projects: frozenset[str] | None = None
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored credential. The secret itself is shown once and kept only as a SHA-256 digest.

    `prefix` is the part it is looked up by. `project_id` None is a key for the whole organization.
    """

    id: str
    organization_id: str
    project_id: str | None
    name: str
    prefix: str
    digest: str = field(repr=False)
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
