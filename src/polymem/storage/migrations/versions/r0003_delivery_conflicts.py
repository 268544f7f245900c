"""How memories are delivered, and conflicts between them."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column `memories.delivery` and the table `conflicts`."""
    text = context.config.attributes["dialect"].text

    def required(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=False)

    def optional(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=True)

    def owned_by(column: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(
            ["organization_id", column], ["memories.organization_id", "memories.id"], ondelete="CASCADE"
        )

    op.add_column("memories", sa.Column("delivery", text, nullable=False, server_default="on_demand"))
    # Only of the few that are delivered unasked, so that ordinary memories pay nothing for it.
    op.execute(
        "CREATE INDEX memories_delivery ON memories (organization_id, delivery, updated_at, id)"
        " WHERE delivery <> 'on_demand'"
    )
    op.create_table(
        "conflicts",
        required("organization_id"),
        required("id"),
        required("old_id"),
        required("new_id"),
        required("reason"),
        required("detail"),
        required("similarity", sa.Double()),
        required("judge"),
        required("status"),
        optional("resolution"),
        required("created_at", sa.BigInteger()),
        optional("resolved_at", sa.BigInteger()),
        optional("resolved_by"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.UniqueConstraint("organization_id", "old_id", "new_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        owned_by("old_id"),
        owned_by("new_id"),
    )
    op.create_index("conflicts_status", "conflicts", ["organization_id", "status", "created_at", "id"])
    op.create_index("conflicts_new", "conflicts", ["organization_id", "new_id"])
