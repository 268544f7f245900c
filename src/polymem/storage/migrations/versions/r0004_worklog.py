"""Sessions, tasks and snippets, which belong to a project and go with it; and slugs that name one project each."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes three tables, numbers slugs that several projects share, and lets a project be out of use."""
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

    op.add_column("projects", sa.Column("active", sa.Integer(), nullable=False, server_default="1"))
    _number_slugs()
    op.create_index("projects_slug", "projects", ["organization_id", "slug"], unique=True)


def _number_slugs() -> None:
    # The oldest project keeps a slug that several have.
    connection = op.get_bind()
    projects = connection.execute(
        sa.text("SELECT organization_id, id, slug FROM projects ORDER BY organization_id, created_at, id")
    ).fetchall()
    taken = {(organization_id, slug) for organization_id, _, slug in projects}
    seen: set[tuple[str, str]] = set()
    for organization_id, id_, slug in projects:
        if (organization_id, slug) not in seen:
            seen.add((organization_id, slug))
            continue
        free = next(f"{slug}-{n}" for n in range(2, len(projects) + 2) if (organization_id, f"{slug}-{n}") not in taken)
        taken.add((organization_id, free))
        connection.execute(
            sa.text("UPDATE projects SET slug = :slug WHERE organization_id = :organization_id AND id = :id"),
            {"slug": free, "organization_id": organization_id, "id": id_},
        )
