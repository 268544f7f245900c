"""Organizations, their members, and invitations to them."""

# ruff: noqa: N815 - the names on the wire

from typing import Literal

from pydantic import Field

from polymem.dialects.selfmemory.wire.values import (
    Answer,
    Body,
    Done,
    Name,
    OrganizationRole,
    PlaceName,
    ProjectRole,
    Required,
)

MAX_ASSIGNMENTS = 1000


class NewOrganization(Body):
    """An organization to found."""

    name: PlaceName


class MemberRole(Body):
    """What a member of an organization is to be."""

    role: Literal["admin", "member"]


class Transfer(Body):
    """Who is to own an organization."""

    new_owner_id: Required = Field(description="An admin of it.")


class NewOrganizationInvitation(Body):
    """Whom to invite to an organization, and to which of its projects."""

    email: Required = Field(examples=["ana@example.org"])
    role: Literal["owner", "admin", "member"] = Field("member", description="Ownership cannot be given this way.")
    projectIds: list[Name] | None = Field(None, max_length=MAX_ASSIGNMENTS)
    projectRoles: dict[str, str] | None = Field(
        None, description="admin, editor or viewer for each of them; viewer where nothing is said."
    )


# --- answers --------------------------------------------------------------------------------------


class OrganizationCreated(Done):
    """A new organization."""

    organization_id: str
    name: str
    role: OrganizationRole


class Organization(Answer):
    """An organization; `role`, in lists, is what the caller is to it."""

    id: str = Field(alias="_id")
    name: str
    ownerId: str | None
    type: Literal["custom"]
    createdAt: str
    updatedAt: str
    role: OrganizationRole | None = None


class Organizations(Answer):
    """Those the caller belongs to."""

    organizations: list[Organization]


class OrganizationCascade(Answer):
    """What went with an organization."""

    projects_deleted: int
    project_members_removed: int
    organization_members_removed: int
    api_keys_deactivated: int
    invitations_cancelled: int
    memories_deleted: int


class OrganizationDeleted(Done):
    """An organization is gone."""

    organization_id: str
    organization_name: str
    cascades: OrganizationCascade
    note: str


class Member(Answer):
    """A member of an organization."""

    userId: str
    email: str
    name: str
    role: OrganizationRole
    joinedAt: str
    invitedBy: str | None
    projectsCount: int


class Assignment(Answer):
    """A project that comes with an invitation."""

    projectId: str
    projectName: str
    role: ProjectRole


class PendingInvitation(Answer):
    """Somebody who is invited."""

    invitationId: str
    email: str
    role: str
    invitedBy: str | None
    invitedByUserId: str | None
    invitationType: Literal["organization", "project"]
    projectName: str | None
    projectAssignments: list[Assignment]
    projectsCount: int
    createdAt: str
    expiresAt: str
    status: str


class Members(Answer):
    """The members of an organization by when they joined, and the pending invitations, newest first."""

    organization_id: str
    members: list[Member]
    pending_invitations: list[PendingInvitation]
    total_members: int
    total_pending: int


class RoleChanged(Done):
    """A member's new role."""

    organization_id: str
    user_id: str
    old_role: OrganizationRole
    new_role: OrganizationRole


class MemberCascade(Answer):
    """What went with a member."""

    projects_removed: int
    api_keys_deactivated: int


class MemberRemoved(Done):
    """A member is gone."""

    organization_id: str
    user_id: str
    cascades: MemberCascade


class Transferred(Done):
    """An organization's new owner."""

    organization_id: str
    previous_owner_id: str
    new_owner_id: str


class Sent(Done):
    """How an invitation goes its way: by mail, or by whoever passes the link on."""

    invitation_id: str
    email: str
    organization_id: str
    token: str
    expires_at: str
    email_sent: bool
    link: str


class OrganizationInvitation(Sent):
    """An invitation to an organization."""

    role: OrganizationRole
    project_assignments: list[Assignment]


class InvitationCancelled(Done):
    """An invitation that opens nothing any more."""

    invitation_id: str
    email: str
