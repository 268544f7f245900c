"""The JSON of accounts, organizations, members, invitations, notifications and the audit trail."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from polymem.core.model import MAX_LIMIT
from polymem.dialects.native.wire.values import AS_WHOLE, Answer, Body, Instant, Name, Text

_AN_ID = ["019c0a3e-7d5c-7c31-9b0e-2f6a8f0f4b54"]
_AN_INSTANT = ["2026-01-31T12:00:00Z"]
_NO_NUL: dict[str, Any] = {"pattern": r"^[^\u0000]*$"}

Password = Annotated[str, Field(description="A password; a new one has 8 characters or more.", max_length=1024)]
Email = Annotated[
    Text, Field(description="An e-mail address.", examples=["ana@example.org"], json_schema_extra=_NO_NUL)
]
PersonName = Annotated[Name, Field(description="What somebody is called.", examples=["Ana"])]
Id = Annotated[Text, Field(min_length=1, max_length=500, examples=_AN_ID, json_schema_extra=_NO_NUL)]
OrganizationRoleName = Annotated[
    Literal["owner", "admin", "member"], Field(description="A role in an organization.", examples=["member"])
]
GivenOrganizationRole = Annotated[
    Literal["admin", "member"], Field(description="The role in the organization.", examples=["member"])
]
ProjectRoleName = Annotated[
    Literal["owner", "admin", "editor", "viewer"], Field(description="A role in a project.", examples=["editor"])
]
GivenProjectRole = Annotated[
    Literal["admin", "editor", "viewer"], Field(description="The role in the project.", examples=["editor"])
]


class PageQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(MAX_LIMIT, ge=1, le=MAX_LIMIT, description="How many at most.", examples=[50])
    offset: int = Field(0, ge=0, le=2**53, description="How many to leave out before.", examples=[0])


# --- accounts ----------------------------------------------------------------------------------


class Registration(Body):
    """An account to make."""

    email: Email
    name: PersonName
    password: Password


class InvitedRegistration(Body):
    """An account to make for the address that was invited."""

    name: PersonName
    password: Password


class Login(Body):
    """Who wants to come in."""

    login: Text = Field(
        description="E-mail address or name.", examples=["ana@example.org"], max_length=500, json_schema_extra=_NO_NUL
    )
    password: Password


class PasswordChange(Body):
    """Another password."""

    old_password: Password
    new_password: Password


class PasswordReset(Body):
    """A new password, by the secret of a reset link."""

    token: Text = Field(description="What follows /reset-password/ in the link.", max_length=500, min_length=1)
    password: Password


class AccountChanges(Body):
    """What to change of the account."""

    name: PersonName


class User(Answer):
    """An account, as everybody who shares an organization with it sees it."""

    id: str = Field(description="Its id, a UUIDv7.", examples=_AN_ID)
    name: PersonName
    email: Email


class Account(User):
    """One's own account."""

    created_at: Instant = Field(description="When it was made.", examples=_AN_INSTANT)
    last_login_at: Instant | None = Field(description="When somebody logged in last.")


class Me(Answer):
    """Who calls, and what the credential is."""

    kind: Literal["user", "organization_key", "project_key", "grant", "local"] = Field(
        description="What kind of caller it is."
    )
    user: Account | None = Field(description="The account behind it; null for the operator's keys and the local owner.")
    key: str | None = Field(description="The id of the key that was sent.")
    organizations: "list[Organization]" = Field(description="The organizations it reaches, owned ones first.")


class Session(Answer):
    """A browser that is logged in; its secret is in the cookie only."""

    user: Account
    expires_at: Instant = Field(description="When the browser has to log in again.", examples=_AN_INSTANT)


class NewToken(Body):
    """An account token to make."""

    name: Name = Field(description="What it is for.", examples=["scripts"])
    expires_in_days: Annotated[int, Field(ge=1, le=36500), AS_WHOLE] | None = Field(
        None, description="After how many days it ends; null for never.", examples=[90]
    )


class Token(Answer):
    """An account token. Its secret is not kept."""

    id: str = Field(description="Its id, a UUIDv7.", examples=_AN_ID)
    name: str = Field(description="What it is for.", examples=["scripts"])
    prefix: str = Field(description="The beginning of its secret.", examples=["at_3kTz9QpX"])
    created_at: Instant = Field(description="When it was made.", examples=_AN_INSTANT)
    expires_at: Instant | None = Field(description="When it ends.")
    last_used_at: Instant | None = Field(description="When it was last used, to the minute.")


class CreatedToken(Token):
    """An account token just made."""

    secret: str = Field(description="What to send as the credential. It is shown this once.")


class Grant(Answer):
    """An application that was let in, and how far. Its secrets are never shown."""

    id: str = Field(description="The grant's id, a UUIDv7.", examples=_AN_ID)
    application: str = Field(description="What the application is called.", examples=["Notebook"])
    application_id: str = Field(description="Its OAuth client id.", examples=["https://notebook.example/client.json"])
    organization_id: str = Field(description="The organization it reaches.", examples=_AN_ID)
    project_id: str | None = Field(description="The only project it reaches; null is all that the account reaches.")
    permissions: list[str] = Field(description="What it may: read, write.", examples=[["read", "write"]])
    resource: str = Field(description="Where its tokens are good.", examples=["http://127.0.0.1:8765/mcp"])
    created_at: Instant = Field(description="When it was let in.", examples=_AN_INSTANT)
    last_used_at: Instant | None = Field(description="When it last called, to the minute.")


class GrantPage(Answer):
    """Applications that were let in, newest first."""

    items: list[Grant]
    total: int = Field(description="How many there are, on all pages.", examples=[1])


class TokenList(Answer):
    """Account tokens, oldest first."""

    items: list[Token]
    total: int = Field(description="How many there are.", examples=[1])


class Cascade(Answer):
    """How much went with what was removed."""

    projects: int = Field(description="Projects.", examples=[1])
    project_members: int = Field(description="Memberships of projects.", examples=[2])
    members: int = Field(description="Memberships of organizations.", examples=[0])
    keys: int = Field(description="Keys that were valid.", examples=[3])
    invitations: int = Field(description="Invitations that were pending.", examples=[0])
    memories: int = Field(description="Memories.", examples=[42])


# --- organizations -----------------------------------------------------------------------------


class NewOrganization(Body):
    """An organization to make."""

    name: Name = Field(description="What it is called; at most 100 characters.", examples=["Ana & friends"])


class OrganizationChanges(Body):
    """What becomes of an organization."""

    name: Name = Field(description="What it is called from now on; at most 100 characters.", examples=["Garden club"])


class Organization(Answer):
    """A tenant, and what the caller is to it."""

    id: str = Field(description="Its id, a UUIDv7.", examples=_AN_ID)
    slug: str = Field(description="Its name in addresses.", examples=["ana-friends"])
    name: str = Field(description="What it is called.", examples=["Ana & friends"])
    role: OrganizationRoleName = Field(description="What the caller is to it.")
    created_at: Instant = Field(description="When it was made.", examples=_AN_INSTANT)
    joined_at: Instant = Field(description="When the caller joined.", examples=_AN_INSTANT)


class OrganizationPage(Answer):
    """A page of organizations, owned ones first."""

    items: list[Organization]
    total: int = Field(description="How many there are.", examples=[1])


class Member(Answer):
    """A member of an organization."""

    user: User
    role: OrganizationRoleName
    joined_at: Instant = Field(description="When they joined.", examples=_AN_INSTANT)
    invited_by: str | None = Field(description="Id of who invited them.")
    projects: int = Field(description="How many of the projects they own or are a member of.", examples=[2])


class MemberPage(Answer):
    """A page of members, by when they joined."""

    items: list[Member]
    total: int = Field(description="How many there are.", examples=[1])


class RoleChange(Body):
    """Another role for a member of an organization."""

    role: GivenOrganizationRole


class Transfer(Body):
    """Who owns the organization from now on."""

    user_id: Id = Field(description="An admin of the organization.")


class ProjectMember(Answer):
    """A member of a project. The owner is not one of them."""

    user: User
    role: ProjectRoleName
    added_at: Instant = Field(description="When they were added.", examples=_AN_INSTANT)
    added_by: str | None = Field(description="Id of who added them.")


class ProjectMemberPage(Answer):
    """A page of a project's members, by when they were added."""

    items: list[ProjectMember]
    total: int = Field(description="How many there are.", examples=[1])


class NewProjectMember(Body):
    """Somebody of the organization who is to work in a project."""

    user_id: Id = Field(description="A member of the organization.")
    role: GivenProjectRole = "editor"


class ProjectRoleChange(Body):
    """Another role for a member of a project."""

    role: GivenProjectRole


# --- invitations -------------------------------------------------------------------------------


class Assignment(Body):
    """A project that comes with an invitation."""

    project: Name = Field(description="Key or id of the project.", examples=["travel"])
    role: GivenProjectRole = "viewer"


class NewInvitation(Body):
    """Somebody to invite to an organization."""

    email: Email
    role: GivenOrganizationRole = "member"
    projects: list[Assignment] = Field(default_factory=list, max_length=100, description="Projects to give as well.")


class NewProjectInvitation(Body):
    """Somebody to invite to a project."""

    email: Email
    role: GivenProjectRole = "editor"


class GivenProject(Answer):
    """A project that an invitation gives."""

    id: str = Field(description="Its id.", examples=_AN_ID)
    name: str = Field(description="What it is called.", examples=["Travel"])
    role: ProjectRoleName


class Invitation(Answer):
    """An invitation to an organization, or to a project of it."""

    id: str = Field(description="Its id, a UUIDv7.", examples=_AN_ID)
    kind: Literal["organization", "project"] = Field(description="What it is to.")
    email: Email
    organization_id: str = Field(description="Id of the organization.", examples=_AN_ID)
    organization: str = Field(description="Its name.", examples=["Ana & friends"])
    role: OrganizationRoleName = Field(description="The role in the organization.")
    projects: list[GivenProject] = Field(description="The projects it gives.")
    invited_by: str | None = Field(description="E-mail address of who invites.")
    status: Literal["pending", "accepted", "expired", "cancelled"] = Field(description="Where it is in its life.")
    token: str | None = Field(description="What opens it; only for inviter and invitee.")
    created_at: Instant = Field(description="When it was made.", examples=_AN_INSTANT)
    expires_at: Instant = Field(description="Until when it can be accepted.", examples=_AN_INSTANT)


class SentInvitation(Invitation):
    """An invitation just made."""

    link: str = Field(description="Where it is accepted.")
    mailed: bool = Field(description="Whether a mail server took it; otherwise pass the link on.")


class InvitationPage(Answer):
    """A page of pending invitations, newest first."""

    items: list[Invitation]
    total: int = Field(description="How many there are.", examples=[1])


class Accepted(Answer):
    """What accepting came to."""

    organization: Organization
    projects: list[GivenProject] = Field(description="The projects it opened.")


# --- notifications and audit -------------------------------------------------------------------


class Notification(Answer):
    """Something to know."""

    id: str = Field(description="Its id, a UUIDv7.", examples=_AN_ID)
    kind: Literal["invited", "invitation_accepted", "role_changed", "removed", "key_expiring", "ownership_received"] = (
        Field(description="What it is about.")
    )
    title: str = Field(description="In a few words.")
    message: str = Field(description="In a sentence.")
    data: dict[str, Any] = Field(description="The names and roles it speaks of.")
    created_at: Instant = Field(description="When it happened.", examples=_AN_INSTANT)
    read_at: Instant | None = Field(description="When it was read.")


class NotificationList(Answer):
    """The last 50 notifications, newest first."""

    items: list[Notification]
    unread: int = Field(description="How many of all are unread.", examples=[1])


class ReadAll(Answer):
    """What was read."""

    read: int = Field(description="How many were unread before.", examples=[1])


class AuditEntry(Answer):
    """Who did what."""

    id: str = Field(description="Its id, a UUIDv7.", examples=_AN_ID)
    at: Instant = Field(description="When.", examples=_AN_INSTANT)
    actor: str = Field(description="Who: user:ID, key:ID, local or cli.", examples=["user:019c0a3e"])
    action: str = Field(description="What.", examples=["member.removed"])
    object_kind: str = Field(description="To what kind of thing.", examples=["user"])
    object_id: str = Field(description="To which one.", examples=_AN_ID)
    door: str = Field(description="Which way it came in.", examples=["native"])
    detail: dict[str, Any] = Field(description="Names and roles; never secrets or texts of memories.")


class AuditPage(Answer):
    """A page of the trail, newest first."""

    items: list[AuditEntry]
    total: int = Field(description="How many there are.", examples=[1])
    limit: int = Field(description="As asked.", examples=[50])
    offset: int = Field(description="As asked.", examples=[0])
