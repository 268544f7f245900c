"""How far a move of a whole store into this database has come. While there is a row, the database is not served."""

import sqlalchemy as sa
from alembic import context, op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    text = context.config.attributes["dialect"].text
    op.create_table(
        "moves",
        # The table that is copied, and the organization whose rows of it, "" for all; both "" tells where from.
        sa.Column("item", text, nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("position", text, nullable=False),
        sa.PrimaryKeyConstraint("item", "owner"),
    )
