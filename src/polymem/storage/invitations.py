"""Invitations in the database. Functions of a transaction."""

from datetime import datetime

from polymem.core.errors import Conflict
from polymem.core.people import (
    Assignment,
    Invitation,
    InvitationStatus,
    Membership,
    ProjectMembership,
    Scope,
)
from polymem.core.people.credentials import digest
from polymem.storage import people_statements as statements
from polymem.storage.backend import Transaction
from polymem.storage.members import add_member, add_project_member
from polymem.storage.people_rows import email_key, from_invitation_row, to_invitation_params
from polymem.storage.rows import is_storable, to_micros


def add_invitation(tx: Transaction, scope: Scope, invitation: Invitation, *, replaces: bool) -> int:
    """Keep it; how many were replaced."""
    if invitation.organization_id != scope.organization_id:
        raise Conflict("An invitation is made in its own organization")
    params = to_invitation_params(invitation)
    replaced = tx.execute(statements.REPLACE_INVITATIONS, params) if replaces else 0
    tx.execute(statements.INSERT_INVITATION, params)
    return replaced


def get_invitation(tx: Transaction, scope: Scope, invitation_id: str) -> Invitation | None:
    """The one of this id, in whatever state."""
    if not is_storable(invitation_id):
        return None
    rows = tx.query(statements.INVITATION, {"organization_id": scope.organization_id, "id": invitation_id})
    return from_invitation_row(rows[0]) if rows else None


def invitation_by_token(tx: Transaction, token: str) -> Invitation | None:
    """The one a token opens, in whatever state. The look-up is by digest: its time tells nothing of tokens."""
    rows = tx.query(statements.INVITATION_BY_DIGEST, {"digest": digest(token)})
    return from_invitation_row(rows[0]) if rows else None


def invitations(tx: Transaction, scope: Scope, *, project_id: str | None = None) -> list[Invitation]:
    """The pending ones of the organization, or those that concern a project, newest first."""
    rows = tx.query(statements.INVITATIONS, {"organization_id": scope.organization_id})
    found = [from_invitation_row(row) for row in rows]
    return [one for one in found if project_id is None or concerns(one, project_id)]


def invitations_to(tx: Transaction, email: str, at: datetime) -> list[Invitation]:
    """The pending, unexpired ones to an address, newest first."""
    if not is_storable(email):
        return []
    rows = tx.query(statements.INVITATIONS_TO, {"email_key": email_key(email), "at": to_micros(at)})
    return [from_invitation_row(row) for row in rows]


def settle_invitation(tx: Transaction, scope: Scope, invitation_id: str, status: InvitationStatus) -> bool:
    """Whether it was pending."""
    if not is_storable(invitation_id):
        return False
    params = {"organization_id": scope.organization_id, "id": invitation_id, "status": status.value}
    return tx.execute(statements.SETTLE_INVITATION, params) > 0


def accept_invitation(
    tx: Transaction, scope: Scope, invitation_id: str, user_id: str, at: datetime
) -> list[Assignment]:
    """Make the user a member; the assignments that took effect. Raises Conflict when it is not pending any more."""
    invitation = get_invitation(tx, scope, invitation_id)
    params = {"organization_id": scope.organization_id, "id": invitation_id, "at": to_micros(at)}
    if invitation is None or tx.execute(statements.ACCEPT_INVITATION, params) != 1:
        raise Conflict("This invitation is not pending any more")
    add_member(
        tx,
        scope,
        Membership(
            organization_id=scope.organization_id,
            user_id=user_id,
            role=invitation.role,
            joined_at=at,
            invited_by=invitation.invited_by,
        ),
    )
    taken = []
    for assignment in invitation.assignments:
        place = ProjectMembership(
            organization_id=scope.organization_id,
            project_id=assignment.project_id,
            user_id=user_id,
            role=assignment.role,
            added_at=at,
            added_by=invitation.invited_by,
        )
        if add_project_member(tx, scope, place):
            taken.append(assignment)
    return taken


def concerns(invitation: Invitation, project_id: str) -> bool:
    """Whether accepting it gives this project."""
    return any(assignment.project_id == project_id for assignment in invitation.assignments)
