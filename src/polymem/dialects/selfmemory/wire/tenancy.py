"""Organizations, projects, members, keys, invitations: requests."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from polymem.dialects.selfmemory.wire.values import Body, Name, Required

MAX_DAYS = 36_500
"""Longest life of a key."""
MAX_ASSIGNMENTS = 1000

_NAME = re.compile(r"[A-Za-z0-9\s_-]{2,100}", re.ASCII)


def _place_name(value: str) -> str:
    name = value.strip()
    if not _NAME.fullmatch(name):
        raise ValueError("must be 2 to 100 letters, digits, spaces, hyphens or underscores")
    return name


PlaceName = Annotated[str, AfterValidator(_place_name), Field(examples=["My Team"])]
"""The name of an organization or project, without blanks around it."""


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
    projectIds: list[Name] | None = Field(None, max_length=MAX_ASSIGNMENTS)  # noqa: N815 - the name on the wire
    projectRoles: dict[str, str] | None = Field(  # noqa: N815
        None, description="admin, editor or viewer for each of them; viewer where nothing is said."
    )


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
