"""Applications that registered here, what people granted to applications, and the secrets that came of it."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes three tables. Grants go with their organization, project and account, and tokens with their grant."""
    text = context.config.attributes["dialect"].text
    instant = sa.BigInteger()

    def required(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=False)

    def optional(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=True)

    op.create_table(
        "applications",
        required("id"),
        required("name"),
        required("redirect_uris"),
        optional("uri"),
        required("created_at", instant),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "grants",
        required("organization_id"),
        required("id"),
        required("user_id"),
        optional("project_id"),
        required("application_id"),
        required("application_name"),
        required("permissions"),
        required("resource"),
        required("created_at", instant),
        optional("last_used_at", instant),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"], ["projects.organization_id", "projects.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    )
    op.create_index("grants_user", "grants", ["user_id"])
    op.create_index("grants_project", "grants", ["organization_id", "project_id"])
    op.create_index("grants_application", "grants", ["application_id"])
    op.create_table(
        "grant_tokens",
        required("organization_id"),
        required("id"),
        required("grant_id"),
        required("kind"),
        required("prefix"),
        required("digest"),
        required("permissions"),
        required("created_at", instant),
        required("expires_at", instant),
        optional("spent_at", instant),
        required("challenge"),
        required("redirect_uri"),
        required("redirect_named", sa.Integer()),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "grant_id"], ["grants.organization_id", "grants.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("grant_tokens_prefix", "grant_tokens", ["prefix"])
    op.create_index("grant_tokens_grant", "grant_tokens", ["organization_id", "grant_id"])
