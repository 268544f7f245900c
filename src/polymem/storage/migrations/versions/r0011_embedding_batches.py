"""Which process is embedding which of the texts that have no vector yet."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table. Its rows name memories by the first and the last of a range, and refer to none."""
    text = context.config.attributes["dialect"].text
    big = sa.BigInteger()

    def required(name: str, type_: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
        return sa.Column(name, type_, nullable=False)

    op.create_table(
        "embedding_batches",
        required("organization_id", text),
        required("model", text),
        required("dimensions", sa.Integer()),
        required("token_space", text),
        required("first_id", text),
        required("last_id", text),
        # The place among the organization's batches: the first of all organizations come before the second of any.
        required("turn", big),
        required("texts", sa.Integer()),
        required("failures", sa.Integer()),
        required("holder", text),
        required("free_at", big),
        sa.PrimaryKeyConstraint("organization_id", "model", "dimensions", "token_space", "first_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
    )
    op.create_index(
        "embedding_batches_turn", "embedding_batches", ["model", "dimensions", "token_space", "turn", "organization_id"]
    )
