"""Who owns memories and who may reach them: organizations, projects, accounts, roles, credentials, and the scope of
a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polymem.core.people.applications import Grant

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
    """A named part of an organization's memory. `key` is unique in the organization and exact, and so is `slug`, which
    the store numbers when it is taken. One that is not `active` is out of use; nothing else follows from that.

    `owner_id` is the user who made it, None where a key or the local owner did.
    """

    id: str
    organization_id: str
    key: str
    slug: str
    name: str
    description: str = ""
    stack: tuple[str, ...] = ()
    active: bool = True
    owner_id: str | None = None
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
    memories of those project ids, and none without a project. `actor` is recorded in versions. `user_id` is the
    account behind the call where there is one: it owns the projects and is the creator of the keys the call makes.
    """

    organization_id: str
    projects: frozenset[str] | None = None
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    actor: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored credential. The secret itself is shown once and kept only as a SHA-256 digest.

    `prefix` is the part it is looked up by. `project_id` None is a key for the whole organization. What it really
    allows is `permissions` and what its creator may at that moment; a key without one was made by the operator, and
    allows just what it says.
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
    creator_id: str | None = None


# --- accounts ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with an account, who may belong to any number of organizations.

    `email` is unique whatever its case. `password_hash` None is an account that nobody can log into with a
    password. One that is not `active` can do nothing; its rows stay, so that histories keep a name.
    """

    id: str
    email: str
    name: str
    password_hash: str | None = field(default=None, repr=False)
    active: bool = True
    created_at: datetime
    last_login_at: datetime | None = None


class TokenPurpose(StrEnum):
    """What a secret that stands for a whole account is good for."""

    BEARER = "bearer"
    """Programs: an account token, until it is revoked."""
    SESSION = "session"
    """A browser, until it logs out."""
    RESET = "reset"
    """Setting a new password, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountToken:
    """A stored credential for a whole account; its secret is kept as a SHA-256 digest only."""

    id: str
    user_id: str
    purpose: TokenPurpose
    name: str
    prefix: str
    digest: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


# --- roles -------------------------------------------------------------------------------------


class OrganizationRole(StrEnum):
    """What a member is to an organization. There is exactly one owner where there are members at all."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class ProjectRole(StrEnum):
    """What somebody is to a project. The owner is `Project.owner_id` and has no membership of it."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A user's place in an organization. It alone gives no project, except to the owner, who has them all."""

    organization_id: str
    user_id: str
    role: OrganizationRole
    joined_at: datetime
    invited_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMembership:
    """A user's place in a project: admin, editor or viewer."""

    organization_id: str
    project_id: str
    user_id: str
    role: ProjectRole
    added_at: datetime
    added_by: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """An organization a caller belongs to, as what, and since when."""

    organization: Organization
    role: OrganizationRole
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an organization, and how many of its projects the user owns or is a member of."""

    user: User
    membership: Membership
    projects: int


@dataclass(frozen=True, slots=True)
class ProjectMember:
    """A member of a project."""

    user: User
    membership: ProjectMembership


@dataclass(frozen=True, slots=True)
class ProjectSeat:
    """A project a principal reaches and as what: the strongest of all that apply (an organization's owner counts
    as the project's owner). `is_owner` is about the project itself."""

    project: Project
    role: ProjectRole
    is_owner: bool
    is_organization_owner: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """How much went with what was removed."""

    projects: int = 0
    project_members: int = 0
    members: int = 0
    keys: int = 0
    invitations: int = 0
    memories: int = 0


# --- invitations, notifications, audit -----------------------------------------------------------


class InvitationStatus(StrEnum):
    """Where an invitation is in its life. A replaced one is cancelled."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A project that an invitation to an organization gives too, and the role in it."""

    project_id: str
    role: ProjectRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation of an e-mail address to an organization or, with `project_id`, to one project of it.

    `role` is the role in the organization; `assignments` are the projects that come with it. One to a project has
    exactly that project in `assignments`. `token` opens it; it is shown to inviter and invitee while the invitation
    is pending, and forgotten by the store afterwards ("").
    """

    id: str
    organization_id: str
    project_id: str | None = None
    email: str
    role: OrganizationRole = OrganizationRole.MEMBER
    assignments: tuple[Assignment, ...] = ()
    token: str = field(repr=False)
    invited_by: str | None = None
    status: InvitationStatus = InvitationStatus.PENDING
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation with the names a reader needs. `projects` holds those of its assignments that still exist."""

    invitation: Invitation
    organization: Organization
    inviter: User | None
    projects: Mapping[str, Project]

    @property
    def project(self) -> Project | None:
        """The project it is about, for an invitation to a project."""
        return self.projects.get(self.invitation.project_id or "")


class NoticeKind(StrEnum):
    """What a notification is about."""

    INVITED = "invited"
    INVITATION_ACCEPTED = "invitation_accepted"
    ROLE_CHANGED = "role_changed"
    REMOVED = "removed"
    KEY_EXPIRING = "key_expiring"
    OWNERSHIP_RECEIVED = "ownership_received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Something a user should know. `data` holds the names and roles it speaks of, for programs."""

    id: str
    user_id: str
    kind: NoticeKind
    title: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which object, when and through which door. It never holds secrets or texts of memories.

    `actor` is "user:ID", "key:ID", "grant:ID", "local" or "cli"; `action` is of the form "member.removed". `detail`
    holds names and roles.
    """

    id: str
    organization_id: str
    at: datetime
    actor: str
    action: str
    object_kind: str
    object_id: str
    door: str
    detail: Mapping[str, Any] = field(default_factory=dict)


# --- who calls ----------------------------------------------------------------------------------


class PrincipalKind(StrEnum):
    """What kind of caller it is."""

    USER = "user"
    """An account token or a browser session: everything the user may."""
    ORGANIZATION_KEY = "organization_key"
    PROJECT_KEY = "project_key"
    GRANT = "grant"
    """An application that somebody let in: what they granted it, and never more than they may."""
    LOCAL = "local"
    """The local owner, without a credential: all of the local organization."""
    OPERATOR = "operator"
    """Whoever can run the command line on the server: one organization at a time, all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls, as the credential tells. What they may do is looked up at each call and kept nowhere.

    `user` is the account behind it: of a key its creator, None where the operator made the key and for the local
    owner. `organization_id` and `project_id` are the only ones the credential is good for; None is no such limit.
    `permissions` is the most the credential allows, `door` the way it came in ("native", "selfmemory", "cli").
    """

    kind: PrincipalKind
    user: User | None = None
    key: ApiKey | None = None
    token: AccountToken | None = None
    grant: "Grant | None" = None
    organization_id: str | None = None
    project_id: str | None = None
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    door: str = ""

    @property
    def is_delegate(self) -> bool:
        """Whether it is a program that somebody lets act for them, instead of that somebody."""
        return self.key is not None or self.grant is not None

    @property
    def actor(self) -> str:
        """Who a history says did it."""
        if self.key is not None:
            return f"key:{self.key.id}"
        if self.grant is not None:
            return f"grant:{self.grant.id}"
        if self.user is not None:
            return f"user:{self.user.id}"
        return "local" if self.kind is PrincipalKind.LOCAL else "cli"
