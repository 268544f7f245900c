"""Invitations: how people come into organizations and projects, once, in time, and only whom they were meant for."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from polymem.core.errors import Forbidden, Gone, InvalidInput, NotFound, Rule, RuleBroken
from polymem.core.people import (
    Assignment,
    Invitation,
    InvitationStatus,
    InvitationView,
    NoticeKind,
    OrganizationRole,
    Principal,
    PrincipalKind,
    Project,
    ProjectRole,
    Scope,
    User,
)
from polymem.core.people.access import Action, Authority
from polymem.core.people.accounts import AccountRules, Accounts, check_email
from polymem.core.people.audit import Audit
from polymem.core.people.notices import Noticeboard
from polymem.core.people.ports import Mail, Mailer
from polymem.core.people.principals import Access, account_of
from polymem.core.people.teams import check_assignable
from polymem.core.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class Sent:
    """An invitation just made. `link` opens it; `mailed` says whether a mail server took it, otherwise the inviter
    passes the link on."""

    view: InvitationView
    link: str
    mailed: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accepting came to: the invitation, and the projects it opened."""

    view: InvitationView
    assignments: tuple[Assignment, ...]


class Invitations:
    """Makes, shows, accepts and cancels invitations."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: Callable[[], str],
        access: Access,
        audit: Audit,
        notices: Noticeboard,
        accounts: Accounts,
        mailer: Mailer,
        rules: AccountRules,
    ) -> None:
        self._store = store
        self._people = store.people
        self._clock = clock
        self._new_id = new_id
        self._access = access
        self._audit = audit
        self._notices = notices
        self._accounts = accounts
        self._mailer = mailer
        self._rules = rules

    # --- inviting ----------------------------------------------------------------------------

    async def invite(
        self,
        principal: Principal,
        email: str,
        *,
        organization: str | None = None,
        role: OrganizationRole = OrganizationRole.MEMBER,
        assignments: Sequence[Assignment] = (),
    ) -> Sent:
        """Invite an address to an organization, and to projects of it. A pending one to the same address is replaced.

        Raises NotFound (organization, project), Forbidden, InvalidInput, RuleBroken (INVITES_THEMSELVES,
        ALREADY_OWNER, ALREADY_MEMBER).
        """
        authority = await self._access.authority(principal, organization=organization)
        authority.require(Action.INVITE_TO_ORGANIZATION)
        email = check_email(email)
        if role is OrganizationRole.OWNER:
            raise InvalidInput("role must be admin or member; ownership is transferred, not given", field="role")
        self._refuse_oneself(principal, email)
        invitee = await self._people.user(email=email)
        if invitee is not None and (member := await self._people.member(authority.scope, invitee.id)) is not None:
            if member.membership.role is OrganizationRole.OWNER:
                raise RuleBroken(Rule.ALREADY_OWNER, "User is the owner of this organization")
            raise RuleBroken(Rule.ALREADY_MEMBER, "User is already a member of this organization")
        for assignment in assignments:
            check_assignable(assignment.role)
            over = await self._access.authority(
                principal, organization=authority.scope.organization_id, project=assignment.project_id
            )
            over.require(Action.INVITE_TO_PROJECT)
        return await self._send(authority, email, role=role, assignments=tuple(assignments), replaces=True)

    async def invite_to_project(
        self,
        principal: Principal,
        project: str,
        email: str,
        role: ProjectRole = ProjectRole.EDITOR,
        *,
        organization: str | None = None,
    ) -> Sent:
        """Invite an address to a project. Who is not of the organization is invited to that too, as a member: then
        the invitation is one to the organization, with the project assigned.

        Raises as `invite`, and RuleBroken (ALREADY_INVITED): a pending one is not replaced.
        """
        authority = await self._access.authority(principal, organization=organization, project=project)
        authority.require(Action.SEE_PROJECT)
        authority.require(Action.INVITE_TO_PROJECT)
        assert authority.project is not None
        target = authority.project
        email, role = check_email(email), check_assignable(role)
        self._refuse_oneself(principal, email)
        invitee = await self._people.user(email=email)
        member = None
        if invitee is not None:
            member = await self._people.member(authority.scope, invitee.id)
            await self._refuse_present(authority, target, invitee)
        now = self._clock.now()
        for pending in await self._people.invitations(authority.scope):
            if pending.email.casefold() == email.casefold() and pending.expires_at > now:
                if pending.project_id is None and member is None:
                    raise RuleBroken(Rule.ALREADY_INVITED, "User already has a pending organization invitation")
                if pending.project_id == target.id:
                    raise RuleBroken(Rule.ALREADY_INVITED, "User already has a pending invitation to this project")
        return await self._send(
            authority,
            email,
            role=OrganizationRole.MEMBER,
            assignments=(Assignment(target.id, role),),
            project=target if member is not None else None,
            replaces=False,
        )

    def _refuse_oneself(self, principal: Principal, email: str) -> None:
        if principal.user is not None and principal.user.email.casefold() == email.casefold():
            raise RuleBroken(Rule.INVITES_THEMSELVES, "You cannot invite yourself")

    async def _refuse_present(self, authority: Authority, project: Project, invitee: User) -> None:
        if project.owner_id == invitee.id:
            raise RuleBroken(Rule.ALREADY_OWNER, "User is the owner of this project")
        if await self._people.project_member(authority.scope, project.id, invitee.id) is not None:
            raise RuleBroken(Rule.ALREADY_MEMBER, "User already has access to this project")

    async def _send(
        self,
        authority: Authority,
        email: str,
        *,
        role: OrganizationRole,
        assignments: tuple[Assignment, ...],
        project: Project | None = None,
        replaces: bool,
    ) -> Sent:
        now = self._clock.now()
        invitation = Invitation(
            id=self._new_id(),
            organization_id=authority.scope.organization_id,
            project_id=None if project is None else project.id,
            email=email,
            role=role,
            assignments=assignments,
            token=secrets.token_urlsafe(32),
            invited_by=authority.scope.user_id,
            created_at=now,
            expires_at=now + self._rules.invitation_lifetime,
        )
        await self._people.add_invitation(authority.scope, invitation, replaces=replaces)
        view = await self._view(invitation)
        place = view.organization.name if project is None else f"{view.organization.name} - {project.name}"
        await self._audit.record(
            authority.principal,
            authority.scope,
            "invitation.created",
            "invitation",
            invitation.id,
            email=email,
            role=role,
            projects=[assignment.project_id for assignment in assignments],
        )
        inviter = "Somebody" if view.inviter is None else view.inviter.email
        invitee = await self._people.user(email=email)
        if invitee is not None and invitee.active:
            await self._notices.tell(
                invitee.id,
                NoticeKind.INVITED,
                f"{inviter} invited you",
                f"{inviter} invited you to {place}",
                about=invitation.id,
                organization=view.organization.name,
                project=None if project is None else project.name,
                role=_role(view),
            )
        link = f"{self._rules.public_url}/accept-invitation/{invitation.token}"
        text = (
            f"{inviter} invites you to {place}.\n\nAccept here until {invitation.expires_at:%Y-%m-%d %H:%M} UTC:\n"
            f"{link}\n"
        )
        mailed = await self._mailer.send(Mail(to=email, subject=f"Invitation to {place}", text=text, link=link))
        return Sent(view, link, mailed)

    # --- showing -----------------------------------------------------------------------------

    async def of_organization(self, principal: Principal, organization: str | None = None) -> list[InvitationView]:
        """The pending ones of an organization, newest first, for its members; tokens only for who may invite."""
        authority = await self._access.authority(principal, organization=organization)
        authority.require(Action.SEE_ORGANIZATION)
        now = self._clock.now()
        pending = [one for one in await self._people.invitations(authority.scope) if one.expires_at > now]
        if not authority.may(Action.INVITE_TO_ORGANIZATION):
            pending = [replace(one, token="") for one in pending]
        return [await self._view(one) for one in pending]

    async def of_project(
        self, principal: Principal, project: str, *, organization: str | None = None
    ) -> list[InvitationView]:
        """The pending ones that concern a project, newest first, for who may invite to it."""
        authority = await self._access.authority(principal, organization=organization, project=project)
        authority.require(Action.INVITE_TO_PROJECT)
        assert authority.project is not None
        now = self._clock.now()
        found = await self._people.invitations(authority.scope, project_id=authority.project.id)
        return [await self._view(one) for one in found if one.expires_at > now]

    async def pending(self, principal: Principal) -> list[InvitationView]:
        """The pending ones to the caller's own address, newest first."""
        user = account_of(principal)
        return [await self._view(one) for one in await self._people.invitations_to(user.email, self._clock.now())]

    async def open(self, token: str) -> InvitationView:
        """The pending invitation of a token, for whoever has it. Raises NotFound; Gone (accepted, expired)."""
        invitation = await self._people.invitation_by_token(token)
        if invitation is None or invitation.status is InvitationStatus.CANCELLED:
            raise NotFound("Invitation", "")
        if invitation.status is InvitationStatus.ACCEPTED:
            raise Gone("Invitation", invitation.id, "This invitation has already been accepted")
        if invitation.status is InvitationStatus.EXPIRED or invitation.expires_at <= self._clock.now():
            scope = Scope(organization_id=invitation.organization_id)
            await self._people.settle_invitation(scope, invitation.id, InvitationStatus.EXPIRED)
            raise Gone("Invitation", invitation.id, "This invitation has expired")
        return await self._view(replace(invitation, token=token))

    # --- ending ------------------------------------------------------------------------------

    async def accept(self, principal: Principal, token: str) -> Accepted:
        """Become a member as the invitation says, once; the inviter is told.

        Raises NotFound, Gone, Forbidden (sent to another address, or no account).
        """
        user = account_of(principal, itself=True)
        view = await self.open(token)
        if view.invitation.email.casefold() != user.email.casefold():
            raise Forbidden("This invitation was sent to a different email address", action="invitation.accept")
        scope = Scope(organization_id=view.organization.id, user_id=user.id, actor=principal.actor)
        taken = await self._people.accept_invitation(scope, view.invitation.id, user.id, self._clock.now())
        role = _role(view)
        await self._audit.record(
            principal, scope, "invitation.accepted", "invitation", view.invitation.id, email=user.email, role=role
        )
        if view.inviter is not None and view.inviter.active:
            project = None if view.project is None else view.project.name
            place = view.organization.name if project is None else f"{view.organization.name} - {project}"
            await self._notices.tell(
                view.inviter.id,
                NoticeKind.INVITATION_ACCEPTED,
                f"{user.email} accepted your invitation",
                f"{user.email} joined {place} as {role}",
                email=user.email,
                organization=view.organization.name,
                project=project,
                role=role,
            )
        return Accepted(view, tuple(taken))

    async def register(self, token: str, name: str, password: str, *, door: str = "") -> tuple[User, Accepted]:
        """An account for the invited address, which needs no open registration, and the invitation accepted with it.

        Raises NotFound, Gone, InvalidInput, RuleBroken (EMAIL_TAKEN: log in and accept).
        """
        view = await self.open(token)
        user = await self._accounts.make(view.invitation.email, name, password)
        principal = Principal(kind=PrincipalKind.USER, user=user, door=door)
        return user, await self.accept(principal, token)

    async def cancel(self, principal: Principal, invitation_id: str, *, organization: str | None = None) -> Invitation:
        """End a pending invitation: its token opens nothing any more.

        Raises NotFound, Forbidden, RuleBroken (NOT_PENDING).
        """
        authority = await self._access.authority(principal, organization=organization)
        authority.require(Action.INVITE_TO_ORGANIZATION)
        invitation = await self._people.invitation(authority.scope, invitation_id)
        if invitation is None:
            raise NotFound("Invitation", invitation_id)
        settled = await self._people.settle_invitation(authority.scope, invitation.id, InvitationStatus.CANCELLED)
        if not settled:
            raise RuleBroken(Rule.NOT_PENDING, f"Cannot cancel invitation with status: {invitation.status}")
        await self._audit.record(
            principal, authority.scope, "invitation.cancelled", "invitation", invitation.id, email=invitation.email
        )
        return invitation

    async def _view(self, invitation: Invitation) -> InvitationView:
        organization = await self._store.organization(id=invitation.organization_id)
        if organization is None:
            raise NotFound("Organization", invitation.organization_id)
        inviter = None if invitation.invited_by is None else await self._people.user(id=invitation.invited_by)
        scope = Scope(organization_id=invitation.organization_id)
        found = [await self._store.project(scope, id=one.project_id) for one in invitation.assignments]
        return InvitationView(
            invitation, organization, inviter, {project.id: project for project in found if project is not None}
        )


def _role(view: InvitationView) -> str:
    if view.invitation.project_id is not None and view.invitation.assignments:
        return view.invitation.assignments[0].role.value
    return view.invitation.role.value
