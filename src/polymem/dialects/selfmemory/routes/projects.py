"""Projects, their members, invitations to them, and their keys."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from polymem.core.model import MAX_LIMIT
from polymem.core.people import ProjectMember, ProjectRole
from polymem.core.people.access import Action
from polymem.dialects import kit
from polymem.dialects.selfmemory.credentials import Caller, CredentialRoute, Operation
from polymem.dialects.selfmemory.errors import saying
from polymem.dialects.selfmemory.mapping import tenancy as mapping
from polymem.dialects.selfmemory.scopes import check_id
from polymem.dialects.selfmemory.wire import projects as wire

router = APIRouter(prefix="/api/projects", tags=["Projects"], route_class=CredentialRoute)

NOT_A_MEMBER = "User is not a member of this project"
NO_ACCESS = "You do not have access to this project"


async def _well_formed(project_id: str) -> str:
    return check_id(project_id, "project_id")


ProjectId = Annotated[str, Depends(_well_formed)]


@router.post("", response_model=wire.ProjectCreated)
async def create(request: wire.NewProject, call: Caller) -> Response:
    """Make a project in an organization that one owns or administers."""
    check_id(request.organization_id, "organization_id")
    await call.count(Operation.CREATE_PROJECT)
    seat = await call.core.teams.create(call.principal, request.name, organization=request.organization_id)
    body = {
        "project_id": seat.project.id,
        "name": seat.project.name,
        "organization_id": seat.project.organization_id,
        "role": ProjectRole.OWNER.value,
        "message": "Project created successfully",
    }
    return kit.JsonResponse(body)


@router.get("", response_model=wire.Projects)
async def list_projects(call: Caller) -> Response:
    """The projects one owns or is a member of: those of one's own organizations first, newest first."""
    seats = await call.core.teams.all(call.principal)
    projects = [mapping.from_project_in_list(seat) for seat in seats]
    return kit.JsonResponse({"projects": projects, "total_count": len(projects)})


@router.get("/{project_id}", response_model=wire.Project)
async def get(project_id: ProjectId, call: Caller) -> Response:
    """One project, and what one is to it."""
    with saying():
        seat = await call.core.teams.get(call.principal, project_id)
    user = call.principal.user
    return kit.JsonResponse(mapping.from_project(seat, None if user is None else user.id))


@router.delete("/{project_id}", response_model=wire.ProjectDeleted)
async def delete(project_id: ProjectId, call: Caller) -> Response:
    """Delete a project with its members, invitations, keys and memories, for good."""
    with saying():
        seat = await call.core.teams.get(call.principal, project_id)
        cascade = await call.core.teams.delete(call.principal, project_id)
    body = {
        "message": "Project deleted successfully",
        "project_id": project_id,
        "project_name": seat.project.name,
        "cascades": {
            "members_removed": cascade.project_members,
            "api_keys_deactivated": cascade.keys,
            "invitations_cancelled": cascade.invitations,
            "memories_deleted": cascade.memories,
        },
        "note": "All memories of the project were deleted with it.",
    }
    return kit.JsonResponse(body)


# --- members --------------------------------------------------------------------------------------


@router.get("/{project_id}/members", response_model=wire.ProjectMembers)
async def members(project_id: ProjectId, call: Caller) -> Response:
    """The members by when they were added. The owner is none, unless also added."""
    found: list[ProjectMember] = []
    with saying():
        seat = await call.core.teams.get(call.principal, project_id)
        while True:
            page = await call.core.teams.members(call.principal, project_id, limit=MAX_LIMIT, offset=len(found))
            found += page.items
            if len(found) >= page.total or not page.items:
                break
    shown = [mapping.from_project_member(member, seat.project.owner_id) for member in found]
    return kit.JsonResponse({"project_id": project_id, "members": shown, "total_count": len(shown)})


@router.post("/{project_id}/members", response_model=wire.ProjectMemberAdded)
async def add(project_id: ProjectId, request: wire.NewProjectMember, call: Caller) -> Response:
    """Make a member of the organization a member of the project."""
    check_id(request.user_id, "user_id")
    role = ProjectRole(request.role)
    with saying():
        member = await call.core.teams.add(call.principal, project_id, request.user_id, role)
    body = {
        "member_id": member.user.id,
        "project_id": project_id,
        "user_id": member.user.id,
        "role": member.membership.role.value,
        "permissions": mapping.from_role(member.membership.role),
        "message": "User added to project successfully",
    }
    return kit.JsonResponse(body)


@router.put("/{project_id}/members/{user_id}", response_model=wire.ProjectRoleChanged)
async def set_role(project_id: ProjectId, user_id: str, request: wire.ProjectMemberRole, call: Caller) -> Response:
    """Change a member's role."""
    check_id(user_id, "user_id")
    with saying(member=NOT_A_MEMBER):
        old, new = await call.core.teams.set_role(call.principal, project_id, user_id, ProjectRole(request.role))
    body = {
        "message": "Member role updated successfully",
        "project_id": project_id,
        "user_id": user_id,
        "old_role": old.value,
        "new_role": new.value,
        "new_permissions": mapping.from_role(new),
    }
    return kit.JsonResponse(body)


@router.delete("/{project_id}/members/{user_id}", response_model=wire.ProjectMemberRemoved)
async def remove(project_id: ProjectId, user_id: str, call: Caller) -> Response:
    """Remove a member with their keys of the project, or leave it."""
    check_id(user_id, "user_id")
    with saying(member=NOT_A_MEMBER):
        cascade = await call.core.teams.remove(call.principal, project_id, user_id)
    body = {
        "message": "User removed from project successfully",
        "project_id": project_id,
        "user_id": user_id,
        "cascades": {"api_keys_deactivated": cascade.keys},
    }
    return kit.JsonResponse(body)


@router.post("/{project_id}/invitations", response_model=wire.ProjectInvitation)
async def invite(project_id: ProjectId, request: wire.NewProjectInvitation, call: Caller) -> Response:
    """Invite an address to the project and, if need be, to its organization."""
    with saying():
        # Only those are counted that may invite at all.
        authority = await call.core.access.authority(call.principal, project=project_id)
        authority.require(Action.SEE_PROJECT)
        authority.require(Action.INVITE_TO_PROJECT)
        await call.count(Operation.INVITE)
        sent = await call.core.invitations.invite_to_project(
            call.principal, project_id, request.email, ProjectRole(request.role)
        )
    return kit.JsonResponse(mapping.from_project_invitation(sent))


# --- keys -----------------------------------------------------------------------------------------


@router.post("/{project_id}/api-keys", response_model=wire.KeyCreated)
async def create_key(project_id: ProjectId, request: wire.NewKey, call: Caller) -> Response:
    """Make a key of the project. It is shown this once."""
    with saying(stranger=NO_ACCESS):
        key, secret = await call.core.keys.create(
            call.principal,
            request.name,
            project=project_id,
            permissions=mapping.to_permissions(request.permissions),
            expires_in=request.expires_in,
        )
    return kit.JsonResponse(mapping.from_new_key(key, secret, request.permissions))


@router.get("/{project_id}/api-keys", response_model=wire.Keys)
async def keys(project_id: ProjectId, call: Caller) -> Response:
    """All keys of the project, without their secrets."""
    with saying(stranger=NO_ACCESS):
        return kit.JsonResponse(mapping.from_keyring(await call.core.keys.all(call.principal, project=project_id)))


@router.delete("/{project_id}/api-keys/{key_id}", response_model=wire.KeyDeleted)
async def delete_key(project_id: ProjectId, key_id: str, call: Caller) -> Response:
    """End a key: from the next request on it is refused."""
    check_id(key_id, "key_id")
    with saying(stranger=NO_ACCESS):
        key = await call.core.keys.revoke(call.principal, key_id, project=project_id)
    body = {"message": "API key deleted successfully", "key_id": key.id, "key_prefix": key.prefix}
    return kit.JsonResponse(body)
