"""Sessions, tasks and snippets, which belong to a project and go with it."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the three tables."""
    text = context.config.attributes["dialect"].text
    instant = sa.BigInteger()

    def required(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=False)

    def optional(name: str, type_: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
        return sa.Column(name, type_, nullable=True)

    def make(table: str, *own: sa.Column[Any]) -> None:
        op.create_table(
            table,
            required("organization_id"),
            required("id"),
            required("project_id"),
            *own,
            required("created_at", instant),
            required("updated_at", instant),
            required("version", sa.Integer()),
            sa.PrimaryKeyConstraint("organization_id", "id"),
            sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
            sa.ForeignKeyConstraint(
                ["organization_id", "project_id"], ["projects.organization_id", "projects.id"], ondelete="CASCADE"
            ),
        )
        op.create_index(f"{table}_created", table, ["organization_id", "created_at", "id"])
        op.create_index(f"{table}_project", table, ["organization_id", "project_id", "created_at", "id"])

    make("work_sessions", *(required(name) for name in ("summary", "accomplished", "next_steps", "blockers")))
    make(
        "tasks",
        required("title"),
        required("description"),
        required("status"),
        required("priority", sa.Integer()),
        optional("due_date", instant),
        required("tags"),
        optional("completed_at", instant),
    )
    make(
        "snippets",
        required("name"),
        required("code"),
        required("language"),
        required("file_path"),
        optional("line_start", sa.Integer()),
        optional("line_end", sa.Integer()),
        required("description"),
    )
