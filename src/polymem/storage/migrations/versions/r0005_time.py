"""What was found about memories, and what questions about the past need."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 500


def upgrade() -> None:
    """Adds findings to memories, and notes, expiries and their order in time to versions."""
    text = context.config.attributes["dialect"].text
    instant = sa.BigInteger()
    for name in ("validations", "contradictions"):
        op.add_column("memories", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name in ("validated_at", "contradicted_at"):
        op.add_column("memories", sa.Column(name, instant, nullable=True))
    op.add_column("memory_versions", sa.Column("note", text, nullable=True))
    # When the memory expires by itself if this version stays the newest; NULL for never, and in the trash.
    op.add_column("memory_versions", sa.Column("expires_at", instant, nullable=True))
    _take_expiries_out_of_the_fields(op.get_bind())
    # Holds all that says which version was the newest at an instant, so that asking reads no version.
    op.create_index(
        "memory_versions_recorded", "memory_versions", ["organization_id", "recorded_at", "memory_id", "version"]
    )
    op.execute(
        "CREATE INDEX memory_versions_expires ON memory_versions (organization_id, expires_at)"
        " WHERE expires_at IS NOT NULL"
    )


def _take_expiries_out_of_the_fields(connection: sa.Connection) -> None:
    found = connection.execute(
        sa.text(
            "SELECT organization_id, memory_id, version, fields FROM memory_versions"
            " WHERE fields LIKE '%\"expires_at\":%'"
        )
    ).fetchall()
    update = sa.text(
        "UPDATE memory_versions SET expires_at = :expires_at"
        " WHERE organization_id = :organization_id AND memory_id = :memory_id AND version = :version"
    )
    rows: list[dict[str, Any]] = []
    for organization_id, memory_id, version, fields in found:
        values = json.loads(fields)
        # Text of a caller's metadata may look the same.
        if values.get("expires_at") is not None and values.get("forgotten_at") is None:
            key = {"organization_id": organization_id, "memory_id": memory_id, "version": version}
            rows.append({**key, "expires_at": values["expires_at"]})
    for start in range(0, len(rows), _BATCH):
        connection.execute(update, rows[start : start + _BATCH])
