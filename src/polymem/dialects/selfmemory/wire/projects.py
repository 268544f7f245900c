"""Projects, their members, invitations to them, and their keys."""

# ruff: noqa: N815 - the names on the wire

from datetime import timedelta
from typing import Literal

from pydantic import Field

from polymem.dialects.selfmemory.wire.organizations import Sent
from polymem.dialects.selfmemory.wire.values import Answer, Body, Done, PlaceName, ProjectRole, Required

MAX_DAYS = 36_500
"""Longest life of a key."""


class NewProject(Body):
    """A project to make."""

    name: PlaceName
    organization_id: Required


class NewProjectMember(Body):
    """A member of the organization who is to be one of the project."""

    user_id: Required
    role: Literal["admin", "editor", "viewer"] = "editor"


class ProjectMemberRole(Body):
    """What a member of a project is to be."""

    role: Literal["admin", "editor", "viewer"]


class NewProjectInvitation(Body):
    """Whom to invite to a project."""

    email: Required = Field(examples=["ana@example.org"])
    role: Literal["admin", "editor", "viewer"] = "editor"


class NewKey(Body):
    """A key to make."""

    name: Required = Field(max_length=100, examples=["Production Key"])
    permissions: list[str] | None = Field(
        None, description="read, write, delete; all that one has oneself, if left out or empty.", max_length=10
    )
    expires_in_days: int | None = Field(None, ge=0, le=MAX_DAYS, description="0 and null: it does not expire.")

    @property
    def expires_in(self) -> timedelta | None:
        """How long the key is valid."""
        return timedelta(days=self.expires_in_days) if self.expires_in_days else None


# --- answers --------------------------------------------------------------------------------------


class Permissions(Answer):
    """What somebody may do in a project."""

    canRead: bool
    canWrite: bool
    canDelete: bool
    canInvite: bool


class ProjectCreated(Done):
    """A new project."""

    project_id: str
    name: str
    organization_id: str
    role: ProjectRole


class ListedProject(Answer):
    """A project, and what the caller is to it."""

    id: str = Field(alias="_id")
    name: str
    organizationId: str
    ownerId: str | None
    createdAt: str
    updatedAt: str
    isOwner: bool
    isOrgOwner: bool
    role: ProjectRole
    userPermissions: Permissions


class Projects(Answer):
    """Those the caller owns or is a member of."""

    projects: list[ListedProject]
    total_count: int


class OrganizationProjects(Answer):
    """Those of an organization that the caller can see."""

    projects: list[ListedProject]


class CurrentUser(Answer):
    """What the caller is to a project."""

    userId: str | None
    role: ProjectRole
    isOwner: bool
    permissions: Permissions


class Project(Answer):
    """One project."""

    id: str = Field(alias="_id")
    name: str
    organizationId: str
    ownerId: str | None
    createdAt: str
    updatedAt: str
    isOwner: bool
    currentUser: CurrentUser


class ProjectCascade(Answer):
    """What went with a project."""

    members_removed: int
    api_keys_deactivated: int
    invitations_cancelled: int
    memories_deleted: int


class ProjectDeleted(Done):
    """A project is gone."""

    project_id: str
    project_name: str
    cascades: ProjectCascade
    note: str


class ProjectMember(Answer):
    """A member of a project."""

    userId: str
    email: str
    name: str
    role: ProjectRole
    permissions: Permissions
    addedAt: str
    addedBy: str | None
    isOwner: bool


class ProjectMembers(Answer):
    """The members of a project by when they were added."""

    project_id: str
    members: list[ProjectMember]
    total_count: int


class ProjectMemberAdded(Done):
    """A new member of a project."""

    member_id: str
    project_id: str
    user_id: str
    role: ProjectRole
    permissions: Permissions


class ProjectRoleChanged(Done):
    """A member's new role in a project."""

    project_id: str
    user_id: str
    old_role: ProjectRole
    new_role: ProjectRole
    new_permissions: Permissions


class KeyCascade(Answer):
    """What went with a member of a project."""

    api_keys_deactivated: int


class ProjectMemberRemoved(Done):
    """A member of a project is gone."""

    project_id: str
    user_id: str
    cascades: KeyCascade


class AssignedProject(Answer):
    """The project that comes with an invitation to its organization."""

    project_id: str
    project_name: str
    role: ProjectRole


class ProjectInvitation(Sent):
    """An invitation to a project or, for who is not of the organization, to that with the project."""

    invitation_type: Literal["organization", "project"]
    project_id: str | None = None
    role: ProjectRole | None = None
    project_assignments: list[AssignedProject] | None = None


class KeyCreated(Done):
    """A new key. `api_key` is shown this once."""

    api_key: str
    prefix: str = Field(description="How the key begins.")
    key_prefix: str
    name: str
    permissions: list[str]
    api_key_id: str
    project_id: str
    organization_id: str
    expires_at: str | None


class Key(Answer):
    """A key, without its secret."""

    id: str
    name: str
    prefix: str
    key_prefix: str
    owner_id: str | None
    owner_email: str | None
    permissions: list[str]
    is_active: bool
    auto_generated: bool
    created_at: str
    last_used: str | None
    expires_at: str | None


class Keys(Answer):
    """The keys of a project."""

    api_keys: list[Key]
    total: int


class KeyDeleted(Done):
    """A key that is refused from now on."""

    key_id: str
    key_prefix: str
