"""Agents, the sessions they work in, and secrets of the server itself."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes three tables; the first two go with their project."""
    text = context.config.attributes["dialect"].text
    instant = sa.BigInteger()

    def required(name: str, type_: sa.types.TypeEngine[Any] | None = None, **more: Any) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=False, **more)

    def of_project() -> list[sa.ForeignKeyConstraint]:
        return [
            sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
            sa.ForeignKeyConstraint(
                ["organization_id", "project_id"], ["projects.organization_id", "projects.id"], ondelete="CASCADE"
            ),
        ]

    op.create_table(
        "agents",
        required("organization_id"),
        required("project_id"),
        required("pattern"),
        required("metadata"),
        required("created_at", instant),
        sa.PrimaryKeyConstraint("organization_id", "project_id"),
        *of_project(),
    )
    op.create_table(
        "agent_sessions",
        required("organization_id"),
        required("id"),
        required("project_id"),
        required("credential_prefix"),
        required("credential_digest"),
        required("started_at", instant),
        required("expires_at", instant),
        sa.Column("ended_at", instant, nullable=True),
        required("stored", sa.Integer(), server_default="0"),
        required("recalled", sa.Integer(), server_default="0"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        *of_project(),
    )
    op.create_index("agent_sessions_project", "agent_sessions", ["organization_id", "project_id", "started_at", "id"])
    op.create_table("server_secrets", required("name"), required("secret"), sa.PrimaryKeyConstraint("name"))
