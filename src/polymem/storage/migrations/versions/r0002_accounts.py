"""Accounts, members, invitations, notifications and the audit trail.

An account can be of several organizations, so its own rows begin with the account; all others begin with the
organization. The audit trail refers to no row: it outlives what it tells of.
"""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, and says of projects and keys whose they are."""
    text = context.config.attributes["dialect"].text
    instant = sa.BigInteger()

    def required(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=False)

    def optional(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=True)

    def in_organization() -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE")

    def in_project() -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(
            ["organization_id", "project_id"], ["projects.organization_id", "projects.id"], ondelete="CASCADE"
        )

    def of_user() -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE")

    op.add_column("projects", optional("owner_id"))
    op.add_column("api_keys", optional("creator_id"))
    op.create_index("api_keys_creator", "api_keys", ["creator_id"])
    op.create_table(
        "users",
        required("id"),
        required("email"),
        # The address without regard to case; of an account that has ended, something no address can be.
        required("email_key"),
        required("name"),
        optional("password_hash"),
        required("active", sa.Integer()),
        required("created_at", instant),
        optional("last_login_at", instant),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email_key"),
    )
    op.create_index("users_name", "users", ["name"])
    op.create_table(
        "account_tokens",
        required("user_id"),
        required("id"),
        required("purpose"),
        required("name"),
        required("prefix"),
        required("digest"),
        required("created_at", instant),
        optional("expires_at", instant),
        optional("revoked_at", instant),
        optional("last_used_at", instant),
        sa.PrimaryKeyConstraint("user_id", "id"),
        of_user(),
    )
    op.create_index("account_tokens_prefix", "account_tokens", ["prefix"])
    op.create_table(
        "memberships",
        required("organization_id"),
        required("user_id"),
        required("role"),
        required("joined_at", instant),
        optional("invited_by"),
        sa.PrimaryKeyConstraint("organization_id", "user_id"),
        in_organization(),
        of_user(),
    )
    op.create_index("memberships_user", "memberships", ["user_id"])
    op.execute("CREATE UNIQUE INDEX memberships_owner ON memberships (organization_id) WHERE role = 'owner'")
    op.create_table(
        "project_memberships",
        required("organization_id"),
        required("project_id"),
        required("user_id"),
        required("role"),
        required("added_at", instant),
        optional("added_by"),
        sa.PrimaryKeyConstraint("organization_id", "project_id", "user_id"),
        in_project(),
        of_user(),
    )
    op.create_index("project_memberships_user", "project_memberships", ["user_id"])
    op.create_table(
        "invitations",
        required("organization_id"),
        required("id"),
        optional("project_id"),
        required("email"),
        required("email_key"),
        required("role"),
        required("assignments"),
        # The token itself is there while the invitation is pending, since inviter and invitee are shown it.
        optional("token"),
        required("digest"),
        optional("invited_by"),
        required("status"),
        required("created_at", instant),
        required("expires_at", instant),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        in_organization(),
        in_project(),
    )
    op.create_index("invitations_digest", "invitations", ["digest"])
    op.create_index("invitations_email", "invitations", ["email_key"])
    op.create_table(
        "notifications",
        required("user_id"),
        required("id"),
        required("kind"),
        required("title"),
        required("message"),
        required("data"),
        optional("about"),
        required("created_at", instant),
        optional("read_at", instant),
        sa.PrimaryKeyConstraint("user_id", "id"),
        of_user(),
    )
    op.create_table(
        "audit_entries",
        required("organization_id"),
        required("id"),
        required("at", instant),
        required("actor"),
        required("action"),
        required("object_kind"),
        required("object_id"),
        required("door"),
        required("detail"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
