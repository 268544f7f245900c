"""What accounts and tenancy need from the world: rows about people, password hashes, mail, and counting calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from polymem.core.model import Page
from polymem.core.people import (
    AccountToken,
    ApiKey,
    Assignment,
    AuditEntry,
    Cascade,
    Invitation,
    InvitationStatus,
    Member,
    Membership,
    Notification,
    Organization,
    OrganizationRole,
    Project,
    ProjectMember,
    ProjectMembership,
    ProjectRole,
    Scope,
    Seat,
    TokenPurpose,
    User,
)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a user stands to a project of an organization they belong to. `project_role` is that of their membership
    of the project, None without one; the project's owner is in the project."""

    project: Project
    organization_role: OrganizationRole
    project_role: ProjectRole | None


class PeopleStore(Protocol):
    """Rows about people. Each method is one transaction.

    What belongs to an organization takes a Scope first, as in `ports.Store`, and is a predicate on its organization
    (and projects). What belongs to an account takes the user's id first, and reaches that user's rows only. The few
    that find out who somebody is take neither.
    """

    # accounts
    async def add_user(self, user: User) -> None:
        """Raises RuleBroken (EMAIL_TAKEN) when the address has an account, whatever its case."""
        ...

    async def user(self, *, id: str | None = None, email: str | None = None) -> User | None:
        """The account with this id or address, deactivated ones included."""
        ...

    async def users_named(self, name: str) -> list[User]:
        """The active accounts with exactly this name, oldest first."""
        ...

    async def users(self, limit: int, offset: int) -> Page[User]:
        """All accounts, oldest first; for the operator."""
        ...

    async def put_user(self, user: User) -> None:
        """Replace name, password hash, active and last login of an account."""
        ...

    async def deactivate_user(self, user_id: str, at: datetime) -> Cascade:
        """End an account: tokens, keys, memberships, invitations by and to it, notifications. What it owned in
        projects goes to the organization's owner. Raises RuleBroken (OWNS_ORGANIZATIONS)."""
        ...

    # secrets of accounts
    async def add_token(self, token: AccountToken) -> None: ...

    async def tokens(self, user_id: str, purpose: TokenPurpose) -> list[AccountToken]:
        """Those not revoked, oldest first."""
        ...

    async def tokens_by_prefix(self, prefix: str) -> list[AccountToken]:
        """The unrevoked ones of all accounts with this prefix: how a credential finds its account."""
        ...

    async def touch_token(self, user_id: str, token_id: str, at: datetime) -> None: ...

    async def revoke_token(self, user_id: str, token_id: str, at: datetime) -> bool:
        """Whether there was an unrevoked one of this id."""
        ...

    async def revoke_tokens(
        self, user_id: str, purposes: Sequence[TokenPurpose], at: datetime, *, but: str | None = None
    ) -> int:
        """Revoke all of these purposes, `but` the one of that id."""
        ...

    # organizations and their members
    async def found_organization(self, organization: Organization, owner: Membership) -> Organization:
        """Insert both. A slug that is taken gets a number. Raises RuleBroken (NAME_TAKEN) when the owner has one of
        this name."""
        ...

    async def rename_organization(self, scope: Scope, name: str) -> bool:
        """Whether there is such an organization. Raises RuleBroken (NAME_TAKEN) when its owner has another of this
        name."""
        ...

    async def seats(self, user_id: str) -> list[Seat]:
        """Every organization the user belongs to: owned ones first, then by when they joined."""
        ...

    async def seat(self, user_id: str, organization: str) -> Seat | None:
        """The one of this id or slug, if the user belongs to it."""
        ...

    async def owner(self, scope: Scope) -> User | None:
        """The organization's owner."""
        ...

    async def members(self, scope: Scope, limit: int, offset: int) -> Page[Member]:
        """By when they joined."""
        ...

    async def member(self, scope: Scope, user_id: str) -> Member | None: ...

    async def add_member(self, scope: Scope, membership: Membership) -> bool:
        """Whether the user was no member yet."""
        ...

    async def set_role(self, scope: Scope, user_id: str, role: OrganizationRole) -> bool:
        """Whether there is such a member who is not the owner; nobody becomes owner this way."""
        ...

    async def transfer(self, scope: Scope, new_owner_id: str) -> str | None:
        """Make an admin the owner and the owner an admin, at once; the id of the former owner, None where the user
        is no admin."""
        ...

    async def remove_member(self, scope: Scope, user_id: str, at: datetime) -> Cascade | None:
        """With project memberships and keys; projects they own go to the organization's owner. None: no such member,
        or the owner."""
        ...

    async def delete_organization(self, scope: Scope) -> Cascade:
        """The organization with all that is in it, memories included. The audit trail stays."""
        ...

    # projects and their members
    async def reaches(self, user_id: str, organization_id: str | None = None) -> list[Reach]:
        """Every project of the user's organizations (or of one), newest first; also those they may not see."""
        ...

    async def reach(self, user_id: str, project_id: str) -> Reach | None:
        """How the user stands to this project, if it is of an organization of theirs."""
        ...

    async def sole_admin_of(self, user_id: str) -> list[Reach]:
        """The projects the user owns, or is an admin member of, that have no other owner or admin member."""
        ...

    async def project_members(self, scope: Scope, project_id: str, limit: int, offset: int) -> Page[ProjectMember]:
        """By when they were added."""
        ...

    async def first_project_members(
        self, scope: Scope, project_ids: Sequence[str], limit: int
    ) -> Mapping[str, Page[ProjectMember]]:
        """The first page of each of these projects, by its id."""
        ...

    async def project_member(self, scope: Scope, project_id: str, user_id: str) -> ProjectMember | None: ...

    async def project_admins(self, scope: Scope, project_id: str) -> list[str]:
        """The ids of the members who are its admins."""
        ...

    async def add_project_member(self, scope: Scope, membership: ProjectMembership) -> bool:
        """Whether the user is of the organization, and was no member of the project yet."""
        ...

    async def set_project_role(self, scope: Scope, project_id: str, user_id: str, role: ProjectRole) -> bool:
        """Whether there is such a member."""
        ...

    async def remove_project_member(self, scope: Scope, project_id: str, user_id: str, at: datetime) -> Cascade | None:
        """With the user's keys of the project. None: no such member."""
        ...

    async def delete_project(self, scope: Scope, project_id: str, at: datetime) -> Cascade | None:
        """With members, invitations, keys, and all its memories for good. None: no such project."""
        ...

    # keys
    async def key(self, scope: Scope, key_id: str) -> ApiKey | None:
        """The unrevoked key of this id."""
        ...

    async def project_keys(self, scope: Scope, project_id: str) -> list[ApiKey]:
        """The unrevoked keys of a project, oldest first."""
        ...

    async def keys_expiring(self, after: datetime, until: datetime) -> list[ApiKey]:
        """The unrevoked keys with a creator, of all organizations, that end in this time; for the operator."""
        ...

    # invitations
    async def add_invitation(self, scope: Scope, invitation: Invitation, *, replaces: bool) -> int:
        """Keep it; with `replaces`, pending ones of the same kind to the same address are cancelled: how many."""
        ...

    async def invitation(self, scope: Scope, invitation_id: str) -> Invitation | None: ...

    async def invitation_by_token(self, token: str) -> Invitation | None:
        """The invitation this token opens, of any organization: the token is the authorization."""
        ...

    async def invitations(self, scope: Scope, *, project_id: str | None = None) -> list[Invitation]:
        """The pending ones of the organization, or those that concern a project; newest first, expired ones too."""
        ...

    async def invitations_to(self, email: str, at: datetime) -> list[Invitation]:
        """The pending, unexpired ones to this address, of all organizations, newest first."""
        ...

    async def settle_invitation(self, scope: Scope, invitation_id: str, status: InvitationStatus) -> bool:
        """Whether it was pending. Its token opens nothing afterwards."""
        ...

    async def accept_invitation(self, scope: Scope, invitation_id: str, user_id: str, at: datetime) -> list[Assignment]:
        """Make the user a member as the invitation says, once; the assignments that took effect (of projects that
        still exist and where the user had no role). Raises Conflict when it is not pending any more."""
        ...

    # notifications
    async def add_notification(self, notification: Notification) -> None: ...

    async def notifications(self, user_id: str, limit: int) -> tuple[list[Notification], int]:
        """The newest, newest first, and how many of all are unread."""
        ...

    async def read_notification(self, user_id: str, notification_id: str, at: datetime) -> bool:
        """Whether the user has such a one; reading twice changes nothing."""
        ...

    async def read_notifications(self, user_id: str, at: datetime) -> int:
        """Read all; how many were unread."""
        ...

    async def notified(self, user_id: str, kind: str, about: str) -> bool:
        """Whether the user has a notification of this kind whose `data["about"]` is this."""
        ...

    # audit
    async def add_audit(self, scope: Scope, entry: AuditEntry) -> None: ...

    async def audit(self, scope: Scope, limit: int, offset: int) -> Page[AuditEntry]:
        """Newest first."""
        ...


class PasswordHasher(Protocol):
    """Slow hashes of passwords, computed off the event loop."""

    async def hash(self, password: str) -> str:
        """A salted hash with its parameters."""
        ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one; takes as long when `hashed` is None (no such account)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message to one person. `link`, when there is one, stands in `text` too."""

    to: str
    subject: str
    text: str
    link: str | None = None


class Mailer(Protocol):
    """Sends mail, or tells the operator what could not be sent."""

    async def send(self, mail: Mail) -> bool:
        """Whether it was handed to a mail server. Without one, or when that fails, the link is logged for the
        operator, and nothing is raised: what the mail is about has happened already."""
        ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """The outcome of one counted call: whether it may go on, how many calls the window has and has left, and in how
    many seconds (rounded up) it ends."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: int


class RateLimiter(Protocol):
    """Counts calls in moving windows."""

    async def hit(self, operation: str, caller: str, limit: int, window: timedelta) -> Allowance:
        """Count one call of `caller` for `operation`. `caller` may hold a secret: it is hashed before it is kept."""
        ...

    async def look(self, operation: str, caller: str, limit: int, window: timedelta) -> Allowance:
        """The same without counting: whether one more call would be allowed."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
