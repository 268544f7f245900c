"""Organizations and their members: who owns, who administers, who belongs."""

from collections.abc import Callable

from polymem.core.checks import check_name, check_page
from polymem.core.errors import Forbidden, InvalidInput, NotFound, Rule, RuleBroken, TooLarge
from polymem.core.model import Page
from polymem.core.people import (
    Cascade,
    Member,
    Membership,
    Organization,
    OrganizationRole,
    Principal,
    Scope,
    Seat,
    User,
)
from polymem.core.people.access import Action, Authority
from polymem.core.people.audit import Audit
from polymem.core.people.notices import Noticeboard
from polymem.core.people.principals import Access, account_of
from polymem.core.people.tenancy import slugify
from polymem.core.ports import Clock, Store

MAX_ORGANIZATION_NAME = 100
"""Longest name of an organization, in characters."""


class Organizations:
    """What a principal can do with organizations. `organization` is an id or a slug, or None for the caller's own.

    What somebody does not belong to answers NotFound, as what is not there does.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: Callable[[], str],
        access: Access,
        audit: Audit,
        notices: Noticeboard,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._access = access
        self._audit = audit
        self._notices = notices

    async def create(self, principal: Principal, name: str) -> Seat:
        """A new organization of the caller's. Raises InvalidInput, RuleBroken (NAME_TAKEN), Forbidden (no account)."""
        user = account_of(principal, itself=True)
        return await self.found(principal, user, name)

    async def found(self, principal: Principal, owner: User, name: str) -> Seat:
        """A new organization of that user's; the principal is who did it."""
        name = check_organization_name(name)
        now = self._clock.now()
        organization = Organization(id=self._new_id(), slug=slugify(name, "organization"), name=name, created_at=now)
        membership = Membership(
            organization_id=organization.id, user_id=owner.id, role=OrganizationRole.OWNER, joined_at=now
        )
        founded = await self._store.people.found_organization(organization, membership)
        seat = Seat(founded, OrganizationRole.OWNER, now)
        scope = Scope(organization_id=founded.id)
        await self._audit.record(principal, scope, "organization.created", "organization", founded.id, name=name)
        return seat

    async def all(self, principal: Principal) -> list[Seat]:
        """Every organization the principal belongs to: owned ones first. Of a key, its own."""
        if principal.user is None:
            return [await self.get(principal)]
        seats = await self._store.people.seats(principal.user.id)
        return [seat for seat in seats if principal.organization_id in (None, seat.organization.id)]

    async def get(self, principal: Principal, organization: str | None = None) -> Seat:
        """One organization, and what the caller is to it. Raises NotFound."""
        authority = await self._authority(principal, organization, Action.SEE_ORGANIZATION)
        found = await self._organization(authority)
        if principal.user is None:
            return Seat(found, OrganizationRole.OWNER, found.created_at)
        seat = await self._store.people.seat(principal.user.id, found.id)
        if seat is None:
            raise NotFound("Organization", organization or found.id)
        return seat

    async def rename(self, principal: Principal, organization: str | None, name: str) -> Seat:
        """Give an organization another name; its slug stays, so that what names it by that goes on working.

        Raises NotFound, Forbidden, InvalidInput, RuleBroken (NAME_TAKEN).
        """
        authority = await self._authority(principal, organization, Action.RENAME_ORGANIZATION)
        name = check_organization_name(name)
        old = await self._organization(authority)
        if name != old.name:
            if not await self._store.people.rename_organization(authority.scope, name):
                raise NotFound("Organization", old.id)
            await self._audit.record(
                principal, authority.scope, "organization.renamed", "organization", old.id, old_name=old.name, name=name
            )
        return await self.get(principal, old.id)

    async def owner(self, principal: Principal, organization: str | None = None) -> User | None:
        """The owner; None where there are no members at all, as in the local organization. Raises NotFound."""
        authority = await self._authority(principal, organization, Action.SEE_ORGANIZATION)
        return await self._store.people.owner(authority.scope)

    async def delete(self, principal: Principal, organization: str) -> Cascade:
        """Remove an organization with everything in it, its memories included, for good.

        Raises NotFound, Forbidden (not the owner; the local organization stays).
        """
        authority = await self._authority(principal, organization, Action.DELETE_ORGANIZATION)
        if principal.user is None:
            raise Forbidden("The local organization cannot be deleted", action=Action.DELETE_ORGANIZATION.value)
        return await self.remove_all(principal, await self._organization(authority))

    async def remove_all(self, principal: Principal, organization: Organization) -> Cascade:
        """As `delete`, for the operator."""
        scope = Scope(organization_id=organization.id)
        cascade = await self._store.people.delete_organization(scope)
        await self._audit.record(
            principal, scope, "organization.deleted", "organization", organization.id, name=organization.name
        )
        return cascade

    # --- members -----------------------------------------------------------------------------

    async def members(
        self, principal: Principal, organization: str | None = None, *, limit: int = 50, offset: int = 0
    ) -> Page[Member]:
        """A page of the members, by when they joined."""
        check_page(limit, offset)
        authority = await self._authority(principal, organization, Action.SEE_ORGANIZATION)
        return await self._store.people.members(authority.scope, limit, offset)

    async def member(self, principal: Principal, organization: str | None, user_id: str) -> Member:
        """One member. Raises NotFound (kind "Member")."""
        authority = await self._authority(principal, organization, Action.SEE_ORGANIZATION)
        return await self._member(authority, user_id)

    async def set_role(
        self, principal: Principal, organization: str | None, user_id: str, role: OrganizationRole
    ) -> tuple[OrganizationRole, OrganizationRole]:
        """Make a member admin or member; the old role and the new one.

        Raises NotFound (kind "Member"), Forbidden, RuleBroken (OWNER_STAYS), InvalidInput (a second owner).
        """
        authority = await self._authority(principal, organization, Action.CHANGE_ROLES)
        if role is OrganizationRole.OWNER:
            raise InvalidInput("role must be admin or member; ownership is transferred, not given", field="role")
        member = await self._member(authority, user_id)
        old = member.membership.role
        if old is OrganizationRole.OWNER or not await self._store.people.set_role(authority.scope, user_id, role):
            raise RuleBroken(Rule.OWNER_STAYS, "Cannot change organization owner's role. Transfer ownership first.")
        if old is not role:
            found = await self._organization(authority)
            await self._audit.record(
                principal, authority.scope, "member.role_changed", "user", user_id, old_role=old, new_role=role
            )
            await self._notices.role_changed(user_id, found.name, old, role)
        return old, role

    async def remove(self, principal: Principal, organization: str | None, user_id: str) -> Cascade:
        """Remove a member, or leave: with project memberships and keys; their projects go to the owner.

        Raises NotFound (kind "Member"), Forbidden, RuleBroken (OWNER_STAYS).
        """
        authority = await self._authority(principal, organization, Action.SEE_ORGANIZATION)
        leaves = not principal.is_delegate and principal.user is not None and principal.user.id == user_id
        if not leaves:
            authority.require(Action.REMOVE_MEMBERS)
        member = await self._member(authority, user_id)
        if member.membership.role is OrganizationRole.OWNER:
            raise RuleBroken(Rule.OWNER_STAYS, "Cannot remove organization owner. Transfer ownership first.")
        cascade = await self._store.people.remove_member(authority.scope, user_id, self._clock.now())
        if cascade is None:
            raise NotFound("Member", user_id)
        found = await self._organization(authority)
        await self._audit.record(principal, authority.scope, "member.removed", "user", user_id, left=leaves)
        if not leaves:
            await self._notices.removed(user_id, found.name)
        return cascade

    async def transfer(self, principal: Principal, organization: str | None, new_owner_id: str) -> str:
        """Make an admin the owner and the owner an admin; the id of the former owner.

        Raises NotFound (kind "Member"), Forbidden, RuleBroken (SUCCESSOR_IS_NO_ADMIN).
        """
        authority = await self._authority(principal, organization, Action.TRANSFER_ORGANIZATION)
        member = await self._member(authority, new_owner_id)
        former = None
        if member.membership.role is OrganizationRole.ADMIN:
            former = await self._store.people.transfer(authority.scope, new_owner_id)
        if former is None:
            raise RuleBroken(Rule.SUCCESSOR_IS_NO_ADMIN, "Target user must be an admin to receive ownership")
        found = await self._organization(authority)
        await self._audit.record(
            principal, authority.scope, "organization.transferred", "user", new_owner_id, former_owner=former
        )
        await self._notices.ownership_received(member.user, found.name)
        return former

    # --- parts -------------------------------------------------------------------------------

    async def _authority(self, principal: Principal, organization: str | None, action: Action) -> Authority:
        authority = await self._access.authority(principal, organization=organization)
        authority.require(action)
        return authority

    async def _organization(self, authority: Authority) -> Organization:
        found = await self._store.organization(id=authority.scope.organization_id)
        if found is None:
            raise NotFound("Organization", authority.scope.organization_id)
        return found

    async def _member(self, authority: Authority, user_id: str) -> Member:
        member = await self._store.people.member(authority.scope, user_id)
        if member is None:
            raise NotFound("Member", user_id)
        return member


def check_organization_name(name: str) -> str:
    """The name without blanks around it. Raises InvalidInput."""
    name = check_name("name", name).strip()
    if len(name) > MAX_ORGANIZATION_NAME:
        raise TooLarge(f"name is longer than {MAX_ORGANIZATION_NAME} characters", field="name")
    return name
