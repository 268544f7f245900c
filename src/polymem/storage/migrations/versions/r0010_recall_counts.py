"""How many recalls were asked on each day."""

import sqlalchemy as sa
from alembic import context, op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table, empty: recalls of the days before were not recorded.

    `asked_in` is the project's id, or empty for recalls of no single project, since a key holds no NULL; `project_id`
    says the same with NULL, so that the rows go with their project. `day` counts from 1970-01-01, UTC.
    """
    text = context.config.attributes["dialect"].text
    op.create_table(
        "recall_counts",
        sa.Column("organization_id", text, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("asked_in", text, nullable=False),
        sa.Column("project_id", text, nullable=True),
        sa.Column("recalls", sa.BigInteger(), nullable=False),
        sa.Column("found_nothing", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "day", "asked_in"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"], ["projects.organization_id", "projects.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("recall_counts_project", "recall_counts", ["organization_id", "project_id"])
