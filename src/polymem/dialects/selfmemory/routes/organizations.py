"""Organizations, their members, and invitations to them."""

from fastapi import APIRouter
from starlette.responses import Response

from polymem.core.errors import InvalidInput, NotFound, Rule, RuleBroken
from polymem.core.model import MAX_LIMIT
from polymem.core.people import Assignment, Member, OrganizationRole, ProjectRole
from polymem.core.people.access import Action
from polymem.dialects import kit
from polymem.dialects.selfmemory.credentials import Call, Caller, CredentialRoute, Operation
from polymem.dialects.selfmemory.errors import Missing, saying
from polymem.dialects.selfmemory.mapping import tenancy as mapping
from polymem.dialects.selfmemory.scopes import check_id
from polymem.dialects.selfmemory.wire import organizations as wire
from polymem.dialects.selfmemory.wire.projects import OrganizationProjects

router = APIRouter(prefix="/api/organizations", tags=["Organizations"], route_class=CredentialRoute)

NOT_A_MEMBER = "User is not a member of this organization"
LAST_ADMIN = "Cannot demote the last admin. Promote another member first."


@router.post("", response_model=wire.OrganizationCreated)
async def create(request: wire.NewOrganization, call: Caller) -> Response:
    """Found an organization of one's own."""
    await call.count(Operation.CREATE_ORGANIZATION)
    seat = await call.core.organizations.create(call.principal, request.name)
    body = {
        "organization_id": seat.organization.id,
        "name": seat.organization.name,
        "role": seat.role.value,
        "message": "Organization created successfully",
    }
    return kit.JsonResponse(body)


@router.get("", response_model=wire.Organizations)
async def list_organizations(call: Caller) -> Response:
    """The organizations one belongs to, and as what; owned ones first."""
    organizations = []
    for seat in await call.core.organizations.all(call.principal):
        owner = await call.core.organizations.owner(call.principal, seat.organization.id)
        organizations.append(mapping.from_seat(seat, owner))
    return kit.JsonResponse({"organizations": organizations})


@router.get("/{org_id}", response_model=wire.Organization)
async def get(org_id: str, call: Caller) -> Response:
    """One organization, for its members."""
    seat = await call.core.organizations.get(call.principal, check_id(org_id, "org_id"))
    owner = await call.core.organizations.owner(call.principal, org_id)
    return kit.JsonResponse(mapping.from_seat(seat, owner, role=False))


@router.get("/{org_id}/projects", response_model=OrganizationProjects)
async def projects(org_id: str, call: Caller) -> Response:
    """The organization's projects that one can see."""
    try:
        seats = await call.core.teams.all(call.principal, check_id(org_id, "org_id"))
    except NotFound as error:
        raise Missing(error, "Organization not found or access denied") from None
    return kit.JsonResponse({"projects": [mapping.from_project_in_list(seat) for seat in seats]})


@router.delete("/{org_id}", response_model=wire.OrganizationDeleted)
async def delete(org_id: str, call: Caller) -> Response:
    """Delete an organization with its projects, their memories, members, invitations and keys, for good."""
    seat = await call.core.organizations.get(call.principal, check_id(org_id, "org_id"))
    cascade = await call.core.organizations.delete(call.principal, org_id)
    body = {
        "message": "Organization deleted successfully",
        "organization_id": org_id,
        "organization_name": seat.organization.name,
        "cascades": {
            "projects_deleted": cascade.projects,
            "project_members_removed": cascade.project_members,
            "organization_members_removed": cascade.members,
            "api_keys_deactivated": cascade.keys,
            "invitations_cancelled": cascade.invitations,
            "memories_deleted": cascade.memories,
        },
        "note": "All memories of the organization were deleted with it.",
    }
    return kit.JsonResponse(body)


# --- members --------------------------------------------------------------------------------------


async def _members(call: Call, org_id: str) -> list[Member]:
    members: list[Member] = []
    while True:
        page = await call.core.organizations.members(call.principal, org_id, limit=MAX_LIMIT, offset=len(members))
        members += page.items
        if len(members) >= page.total or not page.items:
            return members


@router.get("/{org_id}/members", response_model=wire.Members)
async def members(org_id: str, call: Caller) -> Response:
    """The members by when they joined, and the pending invitations, newest first."""
    found = await _members(call, check_id(org_id, "org_id"))
    pending = await call.core.invitations.of_organization(call.principal, org_id)
    return kit.JsonResponse(mapping.from_members(org_id, found, pending))


@router.put("/{org_id}/members/{user_id}", response_model=wire.RoleChanged)
async def set_role(org_id: str, user_id: str, request: wire.MemberRole, call: Caller) -> Response:
    """Make a member admin, or an admin member."""
    check_id(org_id, "org_id")
    check_id(user_id, "user_id")
    role = OrganizationRole(request.role)
    with saying(member=NOT_A_MEMBER):
        if role is OrganizationRole.MEMBER and mapping.is_last_admin(await _members(call, org_id), user_id):
            # Whether the caller may do this at all is told first.
            authority = await call.core.access.authority(call.principal, organization=org_id)
            authority.require(Action.CHANGE_ROLES)
            raise RuleBroken(Rule.LAST_ADMIN, LAST_ADMIN)
        old, new = await call.core.organizations.set_role(call.principal, org_id, user_id, role)
    body = {
        "message": "Member role updated successfully",
        "organization_id": org_id,
        "user_id": user_id,
        "old_role": old.value,
        "new_role": new.value,
    }
    return kit.JsonResponse(body)


@router.delete("/{org_id}/members/{user_id}", response_model=wire.MemberRemoved)
async def remove(org_id: str, user_id: str, call: Caller) -> Response:
    """Remove a member with project memberships and keys, or leave."""
    check_id(org_id, "org_id")
    with saying(member=NOT_A_MEMBER):
        cascade = await call.core.organizations.remove(call.principal, org_id, check_id(user_id, "user_id"))
    body = {
        "message": "User removed from organization successfully",
        "organization_id": org_id,
        "user_id": user_id,
        "cascades": {"projects_removed": cascade.project_members, "api_keys_deactivated": cascade.keys},
    }
    return kit.JsonResponse(body)


@router.put("/{org_id}/transfer-ownership", response_model=wire.Transferred)
async def transfer(org_id: str, request: wire.Transfer, call: Caller) -> Response:
    """Make an admin the owner; the former owner becomes an admin."""
    check_id(org_id, "org_id")
    check_id(request.new_owner_id, "new_owner_id")
    with saying(member="Target user is not a member of this organization"):
        previous = await call.core.organizations.transfer(call.principal, org_id, request.new_owner_id)
    body = {
        "message": "Organization ownership transferred successfully",
        "organization_id": org_id,
        "previous_owner_id": previous,
        "new_owner_id": request.new_owner_id,
    }
    return kit.JsonResponse(body)


# --- invitations ----------------------------------------------------------------------------------


@router.post("/{org_id}/invitations", response_model=wire.OrganizationInvitation)
async def invite(org_id: str, request: wire.NewOrganizationInvitation, call: Caller) -> Response:
    """Invite an address, with projects. A pending invitation to the same address is replaced."""
    authority = await call.core.access.authority(call.principal, organization=check_id(org_id, "org_id"))
    authority.require(Action.INVITE_TO_ORGANIZATION)
    assignments = [await _assignment(call, org_id, project_id, request) for project_id in request.projectIds or ()]
    await call.count(Operation.INVITE)
    sent = await call.core.invitations.invite(
        call.principal,
        request.email,
        organization=org_id,
        role=OrganizationRole(request.role),
        assignments=assignments,
    )
    return kit.JsonResponse(mapping.from_organization_invitation(sent))


async def _assignment(call: Call, org_id: str, project_id: str, request: wire.NewOrganizationInvitation) -> Assignment:
    role = (request.projectRoles or {}).get(project_id, ProjectRole.VIEWER.value)
    if role not in mapping.ASSIGNABLE:
        raise InvalidInput(f"Invalid project role: {role}", field="projectRoles")
    try:
        with saying():
            over = await call.core.access.authority(call.principal, project=project_id)
    except NotFound as error:
        raise Missing(error, f"Project not found: {project_id}") from None
    if over.scope.organization_id != org_id or over.project is None:
        raise InvalidInput(f"Project {project_id} does not belong to this organization", field="projectIds")
    return Assignment(over.project.id, ProjectRole(role))


@router.delete("/{org_id}/invitations/{invitation_id}", response_model=wire.InvitationCancelled)
async def cancel(org_id: str, invitation_id: str, call: Caller) -> Response:
    """Cancel a pending invitation: its token opens nothing any more."""
    check_id(org_id, "org_id")
    check_id(invitation_id, "invitation_id")
    cancelled = await call.core.invitations.cancel(call.principal, invitation_id, organization=org_id)
    body = {
        "message": "Invitation cancelled successfully",
        "invitation_id": cancelled.id,
        "email": cancelled.email,
    }
    return kit.JsonResponse(body)
