"""The first schema.

The organization comes first in every primary key, unique key and foreign key, so that the tables can be spread over
machines by organization. Instants are microseconds since 1970.
"""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes all tables."""
    dialect = context.config.attributes["dialect"]
    text, keyed = dialect.text, dialect.keyed_table

    def required(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=False)

    def optional(name: str, type_: sa.types.TypeEngine[Any] | None = None) -> sa.Column[Any]:
        return sa.Column(name, text if type_ is None else type_, nullable=True)

    def owned_by_memory() -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(
            ["organization_id", "memory_id"], ["memories.organization_id", "memories.id"], ondelete="CASCADE"
        )

    def in_organization() -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"])

    def in_project() -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(["organization_id", "project_id"], ["projects.organization_id", "projects.id"])

    integer, instant, blob = sa.Integer(), sa.BigInteger(), sa.LargeBinary()
    real: sa.types.TypeEngine[Any] = sa.Double()

    op.create_table(
        "organizations",
        required("id"),
        required("slug"),
        required("name"),
        required("created_at", instant),
        # The number of the organization's newest change; every change of a memory takes the next one.
        required("last_seq", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "projects",
        required("organization_id"),
        required("id"),
        required("key"),
        required("slug"),
        required("name"),
        required("description"),
        required("stack"),
        required("created_at", instant),
        required("updated_at", instant),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        sa.UniqueConstraint("organization_id", "key"),
        in_organization(),
    )
    op.create_table(
        "api_keys",
        required("organization_id"),
        required("id"),
        optional("project_id"),
        required("name"),
        required("prefix"),
        required("digest"),
        required("permissions"),
        required("created_at", instant),
        optional("expires_at", instant),
        optional("revoked_at", instant),
        optional("last_used_at", instant),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        in_organization(),
        in_project(),
    )
    op.create_index("api_keys_prefix", "api_keys", ["prefix"])
    op.create_table(
        "memories",
        required("organization_id"),
        required("id"),
        optional("project_id"),
        required("kind"),
        required("importance", integer),
        required("weight", real),
        optional("confidence", real),
        required("created_at", instant),
        required("updated_at", instant),
        optional("occurred_at", instant),
        optional("valid_from", instant),
        optional("valid_to", instant),
        optional("expires_at", instant),
        optional("forgotten_at", instant),
        required("access_count", sa.BigInteger()),
        optional("last_accessed", instant),
        required("version", integer),
        # The number of the last change that search has to know of, and that of the insertion.
        required("seq", sa.BigInteger()),
        required("arrival", sa.BigInteger()),
        # The version whose terms and vectors are those of the present text.
        required("indexed_version", integer),
        required("words", integer),
        required("is_question", integer),
        required("content_hash"),
        optional("speaker"),
        optional("container"),
        optional("supersedes"),
        optional("superseded_by"),
        optional("provenance"),
        optional("title"),
        required("tags"),
        required("metadata"),
        optional("context"),
        optional("summary"),
        # Last, because reading the columns before it need not touch the pages of a long text.
        required("content"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
        in_organization(),
        in_project(),
    )
    op.create_index("memories_seq", "memories", ["organization_id", "seq"])
    op.create_index("memories_duplicates", "memories", ["organization_id", "content_hash"])
    # These two also hold what lists and statistics mostly ask for, so that counting reads no rows.
    visible = ["created_at", "id", "forgotten_at", "expires_at", "superseded_by", "kind", "importance"]
    op.create_index("memories_created", "memories", ["organization_id", *visible])
    op.create_index("memories_project", "memories", ["organization_id", "project_id", *visible])
    op.execute(
        "CREATE INDEX memories_container ON memories (organization_id, container, created_at, id)"
        " WHERE container IS NOT NULL"
    )
    op.create_table(
        "memory_tags",
        required("organization_id"),
        required("memory_id"),
        required("tag"),
        sa.PrimaryKeyConstraint("organization_id", "memory_id", "tag"),
        owned_by_memory(),
        **keyed,
    )
    op.create_index("memory_tags_tag", "memory_tags", ["organization_id", "tag", "memory_id"])
    op.create_table(
        "memory_metadata",
        required("organization_id"),
        required("memory_id"),
        # A digest of key and value: both can be longer than an index takes.
        required("entry"),
        sa.PrimaryKeyConstraint("organization_id", "memory_id", "entry"),
        owned_by_memory(),
        **keyed,
    )
    op.create_index("memory_metadata_entry", "memory_metadata", ["organization_id", "entry", "memory_id"])
    op.create_table(
        "memory_versions",
        required("organization_id"),
        required("memory_id"),
        required("version", integer),
        required("change"),
        required("recorded_at", instant),
        optional("actor"),
        required("fields"),
        # Only where the text changed; a version without one has the text of the version before.
        optional("content"),
        sa.PrimaryKeyConstraint("organization_id", "memory_id", "version"),
        owned_by_memory(),
        **keyed,
    )
    # Terms and vectors of former texts stay until the memory is purged: they answer what was known then.
    op.create_table(
        "memory_terms",
        required("organization_id"),
        required("memory_id"),
        required("version", integer),
        required("terms", blob),
        sa.PrimaryKeyConstraint("organization_id", "memory_id", "version"),
        owned_by_memory(),
        **keyed,
    )
    op.create_table(
        "memory_vectors",
        required("organization_id"),
        required("memory_id"),
        required("version", integer),
        required("model"),
        required("dimensions", integer),
        required("count", integer),
        required("data", blob),
        sa.PrimaryKeyConstraint("organization_id", "memory_id", "version", "model", "dimensions"),
        owned_by_memory(),
    )
    op.create_table(
        "tombstones",
        required("organization_id"),
        required("memory_id"),
        required("seq", sa.BigInteger()),
        sa.PrimaryKeyConstraint("organization_id", "memory_id"),
        in_organization(),
        **keyed,
    )
    op.create_index("tombstones_seq", "tombstones", ["organization_id", "seq"])
    op.create_table(
        "idempotency",
        required("organization_id"),
        required("key"),
        required("fingerprint"),
        required("ids"),
        required("created_at", instant),
        sa.PrimaryKeyConstraint("organization_id", "key"),
        in_organization(),
    )
