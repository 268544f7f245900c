"""The tables search works on. All are derived from memories, their terms and vectors, and can be made anew from them.

`search_state` says up to which change number an organization's rows here are complete. `search_documents` has one row
for each memory that is not forgotten: its text's entry under a document number, which is the number of the change that
brought the text, so that later texts have higher numbers. `search_segments` are runs of document numbers whose
postings have been sorted by term into `search_postings`; documents after the last segment are not sorted yet.
`search_vectors` has a row for each vector of a present text, removed with the row of `memory_vectors` it came from.
"""

from typing import LiteralString

import psycopg
from psycopg import errors

from polymem.core.errors import Unavailable
from polymem.storage.backend import Row
from polymem.storage.postgres.neighbours import instant, project

VERSION = "2"
"""Changed whenever the tables or what they hold change: an older database's are then made anew."""

OLDEST_VECTOR = (0, 8)
"""The extension's first version that goes on through its index until enough rows pass the filter."""

TABLES = ("search_vectors", "search_postings", "search_segments", "search_documents", "search_state")

_MAKE: tuple[LiteralString, ...] = (
    """CREATE TABLE search_state (
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    position bigint NOT NULL,
    documents bigint NOT NULL,
    words bigint NOT NULL,
    PRIMARY KEY (organization_id))""",
    """CREATE TABLE search_documents (
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    memory_id text COLLATE "C" NOT NULL,
    document bigint NOT NULL,
    version integer NOT NULL,
    terms bytea NOT NULL,
    PRIMARY KEY (organization_id, memory_id))""",
    "CREATE UNIQUE INDEX search_documents_number ON search_documents (organization_id, document) INCLUDE (memory_id)",
    """CREATE TABLE search_segments (
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    first bigint NOT NULL,
    last bigint NOT NULL,
    documents integer NOT NULL,
    PRIMARY KEY (organization_id, first))""",
    """CREATE TABLE search_postings (
    organization_id text COLLATE "C" NOT NULL,
    term bigint NOT NULL,
    first bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (organization_id, term, first))""",
    "CREATE INDEX search_postings_segment ON search_postings (organization_id, first)",
    # Without a reference to its segment, whose check would take longer than all else about a row.
    # Postings do not compress, and looking whether they do costs time.
    "ALTER TABLE search_postings ALTER COLUMN data SET STORAGE EXTERNAL",
    """CREATE TABLE search_vectors (
    organization_id text COLLATE "C" NOT NULL,
    memory_id text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    dimensions integer NOT NULL,
    place integer NOT NULL,
    version integer NOT NULL,
    embedding halfvec NOT NULL,
    PRIMARY KEY (organization_id, memory_id, model, dimensions, place),
    FOREIGN KEY (organization_id, memory_id, version, model, dimensions)
        REFERENCES memory_vectors (organization_id, memory_id, version, model, dimensions) ON DELETE CASCADE)""",
    # In the row itself, where a comparison need not fetch it from a table of its own.
    "ALTER TABLE search_vectors ALTER COLUMN embedding SET STORAGE MAIN",
    # Neighbours in a conversation, in its order.
    f"""CREATE INDEX memories_conversation
    ON memories (organization_id, container, ({project()}), ({instant()}), arrival)
    WHERE container IS NOT NULL AND forgotten_at IS NULL""",
)


def prepare_search(connection: "psycopg.Connection[Row]") -> None:
    """Makes the tables that are missing or another version's. Raises Unavailable without a usable pgvector.

    Rows are filled in when an organization is next written to or searched.
    """
    query: LiteralString = "SELECT obj_description(to_regclass('search_state'), 'pg_class')"
    ((found,),) = connection.execute(query).fetchall()
    if found == VERSION:
        return
    _require_vector(connection)
    for table in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table} CASCADE".encode())
    connection.execute("DROP INDEX IF EXISTS memories_conversation")
    for statement in _MAKE:
        connection.execute(statement)
    connection.execute(f"COMMENT ON TABLE search_state IS '{VERSION}'".encode())


def _require_vector(connection: "psycopg.Connection[Row]") -> None:
    found = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchall()
    if not found:
        try:
            with connection.transaction():
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except errors.InsufficientPrivilege:
            raise Unavailable(
                "This database lacks pgvector and this login may not add it: "
                "let a superuser run CREATE EXTENSION vector in it once"
            ) from None
        except (errors.UndefinedFile, errors.FeatureNotSupported):
            raise Unavailable("This PostgreSQL server lacks pgvector: install it on the server, 0.8 or newer") from None
        found = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchall()
    version = str(found[0][0])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_VECTOR:
        raise Unavailable(f"This database has pgvector {version}, and 0.8 is needed: run ALTER EXTENSION vector UPDATE")
