"""Token vectors beside the vectors of a text."""

import sqlalchemy as sa
from alembic import context, op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds two columns; what is there has no tokens until `reindex` makes them."""
    text = context.config.attributes["dialect"].text
    op.add_column("memory_vectors", sa.Column("token_space", text, nullable=False, server_default=""))
    op.add_column("memory_vectors", sa.Column("tokens", sa.LargeBinary(), nullable=False, server_default=sa.text("''")))
