"""`SqlPeople`: keeps people in any database that has a `Backend`. It is `core.ports_people.PeopleStore`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

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
    ProjectMember,
    ProjectMembership,
    ProjectRole,
    Scope,
    Seat,
    TokenPurpose,
    User,
)
from polymem.core.people.ports import Reach
from polymem.storage import accounts, invitations, members, removal
from polymem.storage.backend import EVERY_ORGANIZATION, NO_ORGANIZATION, Backend, Search, Tenant, Transaction

T = TypeVar("T")


class SqlPeople:
    """The people of a store: accounts in `accounts`, members in `members`, `invitations`, and what goes with what in
    `removal`."""

    def __init__(self, backend: Backend, search: Search) -> None:
        self._backend = backend
        self._search = search

    async def _read(self, tenant: Tenant, work: Callable[..., T], *args: object, **kwargs: object) -> T:
        return await self._backend.read(tenant, lambda tx: work(tx, *args, **kwargs))

    async def _write(self, tenant: Tenant, work: Callable[..., T], *args: object, **kwargs: object) -> T:
        return await self._backend.write(tenant, lambda tx: work(tx, *args, **kwargs))

    # --- accounts --------------------------------------------------------------------------------
    async def add_user(self, user: User) -> None:
        await self._write(NO_ORGANIZATION, accounts.add_user, user)

    async def user(self, *, id: str | None = None, email: str | None = None) -> User | None:
        return await self._read(NO_ORGANIZATION, accounts.get_user, id_=id, email=email)

    async def users_named(self, name: str) -> list[User]:
        return await self._read(NO_ORGANIZATION, accounts.users_named, name)

    async def users(self, limit: int, offset: int) -> Page[User]:
        return await self._read(NO_ORGANIZATION, accounts.users, limit, offset)

    async def put_user(self, user: User) -> None:
        await self._write(NO_ORGANIZATION, accounts.put_user, user)

    async def deactivate_user(self, user_id: str, at: datetime) -> Cascade:
        return await self._write(EVERY_ORGANIZATION, removal.deactivate_user, user_id, at)

    # --- secrets of accounts ---------------------------------------------------------------------
    async def add_token(self, token: AccountToken) -> None:
        await self._write(NO_ORGANIZATION, accounts.add_token, token)

    async def tokens(self, user_id: str, purpose: TokenPurpose) -> list[AccountToken]:
        return await self._read(NO_ORGANIZATION, accounts.tokens, user_id, purpose)

    async def tokens_by_prefix(self, prefix: str) -> list[AccountToken]:
        return await self._read(NO_ORGANIZATION, accounts.tokens_by_prefix, prefix)

    async def touch_token(self, user_id: str, token_id: str, at: datetime) -> None:
        await self._write(NO_ORGANIZATION, accounts.touch_token, user_id, token_id, at)

    async def revoke_token(self, user_id: str, token_id: str, at: datetime) -> bool:
        return await self._write(NO_ORGANIZATION, accounts.revoke_token, user_id, token_id, at)

    async def revoke_tokens(
        self, user_id: str, purposes: Sequence[TokenPurpose], at: datetime, *, but: str | None = None
    ) -> int:
        return await self._write(NO_ORGANIZATION, accounts.revoke_tokens, user_id, purposes, at, but=but)

    # --- organizations and their members ---------------------------------------------------------
    async def found_organization(self, organization: Organization, owner: Membership) -> Organization:
        return await self._write(EVERY_ORGANIZATION, members.found_organization, organization, owner)

    async def rename_organization(self, scope: Scope, name: str) -> bool:
        # Of the owner's other organizations the names are looked at.
        return await self._write(EVERY_ORGANIZATION, members.rename_organization, scope, name)

    async def seats(self, user_id: str) -> list[Seat]:
        return await self._read(EVERY_ORGANIZATION, members.seats, user_id)

    async def seat(self, user_id: str, organization: str) -> Seat | None:
        return await self._read(EVERY_ORGANIZATION, members.seat, user_id, organization)

    async def owner(self, scope: Scope) -> User | None:
        return await self._read(scope.organization_id, members.owner, scope)

    async def members(self, scope: Scope, limit: int, offset: int) -> Page[Member]:
        return await self._read(scope.organization_id, members.members, scope, limit, offset)

    async def member(self, scope: Scope, user_id: str) -> Member | None:
        return await self._read(scope.organization_id, members.member, scope, user_id)

    async def add_member(self, scope: Scope, membership: Membership) -> bool:
        return await self._write(scope.organization_id, members.add_member, scope, membership)

    async def set_role(self, scope: Scope, user_id: str, role: OrganizationRole) -> bool:
        return await self._write(scope.organization_id, members.set_role, scope, user_id, role)

    async def transfer(self, scope: Scope, new_owner_id: str) -> str | None:
        return await self._write(scope.organization_id, members.transfer, scope, new_owner_id)

    async def remove_member(self, scope: Scope, user_id: str, at: datetime) -> Cascade | None:
        return await self._write(scope.organization_id, removal.remove_member, scope, user_id, at)

    async def delete_organization(self, scope: Scope) -> Cascade:
        def change(tx: Transaction) -> Cascade:
            self._search.forget(tx, scope.organization_id)
            return removal.delete_organization(tx, scope)

        return await self._backend.write(scope.organization_id, change)

    # --- projects and their members --------------------------------------------------------------
    async def reaches(self, user_id: str, organization_id: str | None = None) -> list[Reach]:
        return await self._read(EVERY_ORGANIZATION, members.reaches, user_id, organization_id)

    async def reach(self, user_id: str, project_id: str) -> Reach | None:
        return await self._read(EVERY_ORGANIZATION, members.reach, user_id, project_id)

    async def sole_admin_of(self, user_id: str) -> list[Reach]:
        return await self._read(EVERY_ORGANIZATION, members.sole_admin_of, user_id)

    async def project_members(self, scope: Scope, project_id: str, limit: int, offset: int) -> Page[ProjectMember]:
        return await self._read(scope.organization_id, members.project_members, scope, project_id, limit, offset)

    async def first_project_members(
        self, scope: Scope, project_ids: Sequence[str], limit: int
    ) -> dict[str, Page[ProjectMember]]:
        return await self._read(scope.organization_id, members.first_project_members, scope, project_ids, limit)

    async def project_member(self, scope: Scope, project_id: str, user_id: str) -> ProjectMember | None:
        return await self._read(scope.organization_id, members.project_member, scope, project_id, user_id)

    async def project_admins(self, scope: Scope, project_id: str) -> list[str]:
        return await self._read(scope.organization_id, members.project_admins, scope, project_id)

    async def add_project_member(self, scope: Scope, membership: ProjectMembership) -> bool:
        return await self._write(scope.organization_id, members.add_project_member, scope, membership)

    async def set_project_role(self, scope: Scope, project_id: str, user_id: str, role: ProjectRole) -> bool:
        return await self._write(scope.organization_id, members.set_project_role, scope, project_id, user_id, role)

    async def remove_project_member(self, scope: Scope, project_id: str, user_id: str, at: datetime) -> Cascade | None:
        return await self._write(scope.organization_id, removal.remove_project_member, scope, project_id, user_id, at)

    async def delete_project(self, scope: Scope, project_id: str, at: datetime) -> Cascade | None:
        def change(tx: Transaction) -> Cascade | None:
            gone = removal.delete_project(tx, scope, project_id, at)
            self._search.follow(tx, scope.organization_id)
            return gone

        return await self._backend.write(scope.organization_id, change)

    # --- keys ------------------------------------------------------------------------------------
    async def key(self, scope: Scope, key_id: str) -> ApiKey | None:
        return await self._read(scope.organization_id, members.get_key, scope, key_id)

    async def project_keys(self, scope: Scope, project_id: str) -> list[ApiKey]:
        return await self._read(scope.organization_id, members.project_keys, scope, project_id)

    async def keys_expiring(self, after: datetime, until: datetime) -> list[ApiKey]:
        return await self._read(EVERY_ORGANIZATION, members.keys_expiring, after, until)

    # --- invitations -----------------------------------------------------------------------------
    async def add_invitation(self, scope: Scope, invitation: Invitation, *, replaces: bool) -> int:
        return await self._write(
            scope.organization_id, invitations.add_invitation, scope, invitation, replaces=replaces
        )

    async def invitation(self, scope: Scope, invitation_id: str) -> Invitation | None:
        return await self._read(scope.organization_id, invitations.get_invitation, scope, invitation_id)

    async def invitation_by_token(self, token: str) -> Invitation | None:
        return await self._read(EVERY_ORGANIZATION, invitations.invitation_by_token, token)

    async def invitations(self, scope: Scope, *, project_id: str | None = None) -> list[Invitation]:
        return await self._read(scope.organization_id, invitations.invitations, scope, project_id=project_id)

    async def invitations_to(self, email: str, at: datetime) -> list[Invitation]:
        return await self._read(EVERY_ORGANIZATION, invitations.invitations_to, email, at)

    async def settle_invitation(self, scope: Scope, invitation_id: str, status: InvitationStatus) -> bool:
        return await self._write(scope.organization_id, invitations.settle_invitation, scope, invitation_id, status)

    async def accept_invitation(self, scope: Scope, invitation_id: str, user_id: str, at: datetime) -> list[Assignment]:
        return await self._write(
            scope.organization_id, invitations.accept_invitation, scope, invitation_id, user_id, at
        )

    # --- notifications ---------------------------------------------------------------------------
    async def add_notification(self, notification: Notification) -> None:
        await self._write(NO_ORGANIZATION, accounts.add_notification, notification)

    async def notifications(self, user_id: str, limit: int) -> tuple[list[Notification], int]:
        return await self._read(NO_ORGANIZATION, accounts.notifications, user_id, limit)

    async def read_notification(self, user_id: str, notification_id: str, at: datetime) -> bool:
        return await self._write(NO_ORGANIZATION, accounts.read_notification, user_id, notification_id, at)

    async def read_notifications(self, user_id: str, at: datetime) -> int:
        return await self._write(NO_ORGANIZATION, accounts.read_notifications, user_id, at)

    async def notified(self, user_id: str, kind: str, about: str) -> bool:
        return await self._read(NO_ORGANIZATION, accounts.notified, user_id, kind, about)

    # --- audit -----------------------------------------------------------------------------------
    async def add_audit(self, scope: Scope, entry: AuditEntry) -> None:
        await self._write(scope.organization_id, members.add_audit, scope, entry)

    async def audit(self, scope: Scope, limit: int, offset: int) -> Page[AuditEntry]:
        return await self._read(scope.organization_id, members.audit, scope, limit, offset)
