"""Every statement, each with a name and a sentence. All run unchanged on every database (see `backend` for `:name`).

`{where}` is a predicate over `memories m` from `filters.to_predicate`; it always holds the organization and what of
it the scope reaches. `{reach}` restricts projects and keys to a scope's projects. Statements without `{where}` name
`organization_id` themselves, but for the few that serve the operator or find out which organization a caller
belongs to; those say so.
"""

from polymem.storage.rows import MEMORY_COLUMNS, STATE_COLUMNS


def _columns(names: tuple[str, ...], alias: str = "m") -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


def _values(names: tuple[str, ...]) -> str:
    return ", ".join(f":{name}" for name in names)


MEMORY_ROW = (*MEMORY_COLUMNS, "project")
"""What a row of a memory holds, in order: what `rows.from_memory_row` takes."""

MEMORY = f"{_columns(MEMORY_COLUMNS)}, p.key"
"""The same as the columns of a statement about `memories m`."""

WITH_PROJECT = "LEFT JOIN projects p ON p.organization_id = m.organization_id AND p.id = m.project_id"
"""What such a statement needs besides."""

# --- reading memories --------------------------------------------------------------------------

MEMORIES = f"SELECT {MEMORY} FROM memories m {WITH_PROJECT} WHERE {{where}} AND m.id IN (:ids...)"
"""The memories of some ids."""

COUNT = "SELECT count(*) FROM memories m WHERE {where}"
"""How many match."""

PAGE = f"""
WITH page AS (
    SELECT m.organization_id, m.id FROM memories m WHERE {{where}} ORDER BY {{order}} LIMIT :limit OFFSET :offset
)
SELECT {MEMORY} FROM page JOIN memories m ON m.organization_id = page.organization_id AND m.id = page.id
{WITH_PROJECT} ORDER BY {{order}}"""
"""A page of what matches. Only ids are sorted; texts are fetched for the page alone."""

BATCH = f"""
SELECT {MEMORY} FROM memories m {WITH_PROJECT}
WHERE {{where}} AND m.id > :after ORDER BY m.id LIMIT :limit"""
"""The next batch of what matches, by id."""

TAG_COUNTS = """
SELECT g.tag, count(*) FROM memories m
JOIN memory_tags g ON g.organization_id = m.organization_id AND g.memory_id = m.id
WHERE {where} GROUP BY g.tag ORDER BY g.tag"""
"""The tags of all that matches, and how many carry each."""

MATCHING_IDS = "SELECT m.id FROM memories m WHERE {where}"
"""The ids of all that matches."""

DUPLICATE = f"""
SELECT {MEMORY} FROM memories m {WITH_PROJECT}
WHERE {{where}} AND m.content_hash = :hash AND m.content = :content AND m.superseded_by IS NULL
ORDER BY m.created_at + 0, m.id LIMIT 1"""
"""The first of the current memories with exactly this content. The sum keeps planners from walking all memories in
this order when an index leads to the few with this hash."""

VERSIONS = """
SELECT v.version, v.change, v.recorded_at, v.actor, v.fields, v.content, v.note FROM memory_versions v
WHERE v.organization_id = :organization_id AND v.memory_id = :memory_id ORDER BY v.version"""
"""A memory's history; content is NULL where a version left it as it was."""

# --- writing memories --------------------------------------------------------------------------

ADVANCE = "UPDATE organizations SET last_seq = last_seq + :steps WHERE id = :organization_id RETURNING last_seq"
"""Takes the next change numbers. The row stays locked to the end, so change order is commit order."""

EARLIER_REQUEST = """
SELECT fingerprint, ids FROM idempotency WHERE organization_id = :organization_id AND key = :key"""
"""What was answered under an idempotency key."""

KEEP_REQUEST = """
INSERT INTO idempotency (organization_id, key, fingerprint, ids, created_at)
VALUES (:organization_id, :key, :fingerprint, :ids, :created_at)"""
"""Remembers an answer under an idempotency key."""

DROP_REQUESTS = "DELETE FROM idempotency WHERE organization_id = :organization_id AND created_at < :before"
"""Forgets idempotency keys whose requests are long over."""

TAKEN_IDS = "SELECT id FROM memories WHERE organization_id = :organization_id AND id IN (:ids...)"
"""Which of these ids exist, whatever project they are in: an id is unique in its organization."""

KNOWN_PROJECTS = "SELECT id FROM projects WHERE organization_id = :organization_id AND id IN (:ids...)"
"""Which of these projects exist."""

SAME_CONTENT = """
SELECT project_id, content, id, expires_at FROM memories
WHERE organization_id = :organization_id AND content_hash IN (:hashes...)
AND forgotten_at IS NULL AND superseded_by IS NULL ORDER BY created_at + 0, id"""
"""The current memories that may be duplicates of texts with these hashes."""

_NEW_MEMORY = ("organization_id", "id", "access_count", "last_accessed", "seq", "arrival", "indexed_version")
INSERT_MEMORY = f"""
INSERT INTO memories ({", ".join(_NEW_MEMORY + STATE_COLUMNS)}) VALUES ({_values(_NEW_MEMORY + STATE_COLUMNS)})"""
"""A new memory."""

STATE = f"""
SELECT {MEMORY}, m.indexed_version FROM memories m {WITH_PROJECT} WHERE {{where}} AND m.id = :id"""
"""A memory about to change, with the version its derived data belongs to."""

UPDATE_MEMORY = f"""
UPDATE memories SET {", ".join(f"{name} = :{name}" for name in STATE_COLUMNS)}, seq = :seq,
indexed_version = :indexed_version WHERE organization_id = :organization_id AND id = :id AND version = :expected"""
"""The next state of a memory that is still at the expected version. Uses are counted apart and stay as they are."""

_VERSION = (
    "organization_id", "memory_id", "version", "change", "recorded_at", "actor", "fields", "content", "note",
    "expires_at",
)  # fmt: skip

INSERT_VERSION = f"INSERT INTO memory_versions ({', '.join(_VERSION)}) VALUES ({_values(_VERSION)})"
"""The first entry of a memory's history."""

INSERT_NEXT_VERSION = INSERT_VERSION.replace(
    ":recorded_at",
    """(
    SELECT CASE WHEN v.recorded_at > :recorded_at THEN v.recorded_at ELSE :recorded_at END FROM memory_versions v
    WHERE v.organization_id = :organization_id AND v.memory_id = :memory_id AND v.version = :version - 1)""",
)
"""One more entry of a memory's history. A clock that was set back cannot put it before the last one."""

INSERT_TAG = "INSERT INTO memory_tags (organization_id, memory_id, tag) VALUES (:organization_id, :memory_id, :tag)"
"""One tag of a memory."""

DELETE_TAGS = "DELETE FROM memory_tags WHERE organization_id = :organization_id AND memory_id = :memory_id"
"""All tags of a memory."""

INSERT_ENTRY = """
INSERT INTO memory_metadata (organization_id, memory_id, entry) VALUES (:organization_id, :memory_id, :entry)"""
"""One metadata entry of a memory, in the form filters compare."""

DELETE_ENTRIES = "DELETE FROM memory_metadata WHERE organization_id = :organization_id AND memory_id = :memory_id"
"""All metadata entries of a memory."""

PUT_TERMS = """
INSERT INTO memory_terms (organization_id, memory_id, version, terms)
VALUES (:organization_id, :memory_id, :version, :terms)
ON CONFLICT (organization_id, memory_id, version) DO UPDATE SET terms = excluded.terms"""
"""The keyword entry of a version's text."""

PUT_VECTORS = """
INSERT INTO memory_vectors (organization_id, memory_id, version, model, dimensions, count, data, token_space, tokens)
VALUES (:organization_id, :memory_id, :version, :model, :dimensions, :count, :data, :token_space, :tokens)
ON CONFLICT (organization_id, memory_id, version, model, dimensions) DO UPDATE SET
count = excluded.count, data = excluded.data, token_space = excluded.token_space, tokens = excluded.tokens"""
"""The vectors of a version's text in one model's space: `count` rows of little-endian float16, and its tokens' as
`ports.Embedding` packs them, in the space that is named; no name, no tokens."""

DELETE_MEMORIES = "DELETE FROM memories AS m WHERE {where} AND m.id IN (:ids...) RETURNING id"
"""Removes memories; versions, tags, entries, terms and vectors go with them."""

PUT_TOMBSTONE = """
INSERT INTO tombstones (organization_id, memory_id, seq) VALUES (:organization_id, :memory_id, :seq)
ON CONFLICT (organization_id, memory_id) DO UPDATE SET seq = excluded.seq"""
"""Tells indexes that a memory is gone. Nothing but its id is kept."""

TOUCH = """
UPDATE memories AS m SET access_count = access_count + :uses, last_accessed = :at
WHERE {where} AND m.id IN (:ids...)"""
"""Counts uses of some memories."""

# --- the search index --------------------------------------------------------------------------

LAST_SEQ = "SELECT last_seq FROM organizations WHERE id = :organization_id"
"""The number of an organization's newest change."""

_INDEXED = """
SELECT m.id, m.seq, m.arrival, m.project_id, m.kind, m.importance, m.weight, m.created_at, m.updated_at,
    m.occurred_at, m.expires_at, m.container, CASE WHEN m.superseded_by IS NULL THEN 0 ELSE 1 END,
    CASE WHEN m.forgotten_at IS NULL THEN 0 ELSE 1 END, m.words, m.is_question, m.speaker,
    t.terms, v.data, coalesce(v.count, 0)
FROM memories m
LEFT JOIN memory_terms t
    ON t.organization_id = m.organization_id AND t.memory_id = m.id AND t.version = m.indexed_version
LEFT JOIN memory_vectors v
    ON v.organization_id = m.organization_id AND v.memory_id = m.id AND v.version = m.indexed_version
    AND v.model = :model AND v.dimensions = :dimensions"""

CHANGED = f"{_INDEXED} WHERE m.organization_id = :organization_id AND m.seq > :position ORDER BY m.seq LIMIT :limit"
"""The memories changed since a position, oldest change first: the fields of `search.IndexedRow`, in its order."""

INDEXED = f"{_INDEXED} WHERE m.organization_id = :organization_id AND m.id IN (:ids...)"
"""The same of some memories."""

REMOVED = """
SELECT memory_id FROM tombstones WHERE organization_id = :organization_id AND seq > :position AND seq <= :until"""
"""The memories purged since a position."""

CURRENT_VECTORS = """
SELECT m.id, v.data FROM memories m
JOIN memory_vectors v ON v.organization_id = m.organization_id AND v.memory_id = m.id AND v.version = m.indexed_version
WHERE m.organization_id = :organization_id AND m.id IN (:ids...) AND v.model = :model AND v.dimensions = :dimensions"""
"""The vectors of some memories."""

CURRENT_TOKENS = """
SELECT m.id, m.seq, v.tokens FROM memories m
JOIN memory_vectors v ON v.organization_id = m.organization_id AND v.memory_id = m.id AND v.version = m.indexed_version
WHERE m.organization_id = :organization_id AND m.id IN (:ids...) AND v.model = :model AND v.dimensions = :dimensions
AND v.token_space = :token_space"""
"""The packed token vectors of some memories, with the change number of the state they belong to."""

# --- embeddings --------------------------------------------------------------------------------

NOT_EMBEDDED = """NOT EXISTS (
    SELECT 1 FROM memory_vectors v
    WHERE v.organization_id = m.organization_id AND v.memory_id = m.id AND v.version = m.indexed_version
    AND v.model = :model AND v.dimensions = :dimensions
    AND (:token_space = '' OR v.token_space = :token_space))"""
"""The condition that a model has not embedded `memories m`, or not with its tokens."""

COUNT_PENDING = f"SELECT count(*) FROM memories m WHERE {NOT_EMBEDDED}"
"""How many memories of all organizations a model has not embedded; for the operator."""

COUNT_UNEMBEDDED = f"SELECT count(*) FROM memories m WHERE {{where}} AND {NOT_EMBEDDED}"
"""How many of what matches a model has not embedded."""

INDEXED_VERSIONS = (
    "SELECT id, indexed_version FROM memories WHERE organization_id = :organization_id AND id IN (:ids...)"
)
"""Which version's text some memories have."""

MARK_EMBEDDED = "UPDATE memories SET seq = :seq WHERE organization_id = :organization_id AND id = :memory_id"
"""Tells indexes of a memory's new vectors."""

DELETE_OTHER_VECTORS = "DELETE FROM memory_vectors WHERE model <> :model OR dimensions <> :dimensions"
"""Removes every other model's vectors, of all organizations; for the operator."""

# --- counts ------------------------------------------------------------------------------------

CENSUS = """
SELECT m.project_id, m.kind, m.delivery,
    CASE WHEN m.forgotten_at IS NOT NULL THEN 'forgotten' WHEN m.expires_at <= :at THEN 'expired' ELSE 'active' END,
    CASE WHEN m.superseded_by IS NULL THEN 0 ELSE 1 END, count(*)
FROM memories m WHERE {where} GROUP BY 1, 2, 3, 4, 5"""
"""Memories counted by project, kind, delivery and state."""

# --- organizations, projects, keys -------------------------------------------------------------

_ORGANIZATION = "SELECT id, slug, name, created_at FROM organizations"

INSERT_ORGANIZATION = """
INSERT INTO organizations (id, slug, name, created_at, last_seq) VALUES (:id, :slug, :name, :created_at, 0)
ON CONFLICT (slug) DO NOTHING"""
"""A new organization, unless its slug is taken."""

ORGANIZATION_BY_SLUG = f"{_ORGANIZATION} WHERE slug = :slug"
"""The organization of a slug; this is how a caller's organization is found."""

ORGANIZATION_BY_ID = f"{_ORGANIZATION} WHERE id = :id"
"""The organization of an id."""

ORGANIZATIONS = f"{_ORGANIZATION} ORDER BY created_at, id"
"""All organizations; for the operator."""

_PROJECT_COLUMNS = "organization_id, id, key, slug, name, description, stack, active, owner_id, created_at, updated_at"
_PROJECT = f"SELECT {_PROJECT_COLUMNS} FROM projects WHERE organization_id = :organization_id{{reach}}"

PROJECTS = f"{_PROJECT} ORDER BY created_at, id"
"""All projects of an organization."""

PROJECT_BY_KEY = f"{_PROJECT} AND key = :key"
"""The project of a key."""

PROJECT_BY_ID = f"{_PROJECT} AND id = :id"
"""The project of an id."""

PROJECT_BY_SLUG = f"{_PROJECT} AND slug = :slug"
"""The project of a slug."""

TAKEN_SLUGS = "SELECT slug FROM projects WHERE organization_id = :organization_id AND substr(slug, 1, :length) = :slug"
"""All slugs of an organization that begin like this."""

INSERT_PROJECT = f"""
INSERT INTO projects ({_PROJECT_COLUMNS})
VALUES (:organization_id, :id, :key, :slug, :name, :description, :stack, :active, :owner_id, :created_at, :updated_at)
ON CONFLICT DO NOTHING"""
"""A new project, unless its id or key is taken."""

UPDATE_PROJECT = """
UPDATE projects SET key = :key, slug = :slug, name = :name, description = :description, stack = :stack,
active = :active, owner_id = :owner_id, updated_at = :updated_at
WHERE organization_id = :organization_id AND id = :id"""
"""The next state of a project."""

_KEY_COLUMNS = """organization_id, id, project_id, name, prefix, digest, permissions, created_at, expires_at,
revoked_at, last_used_at, creator_id"""

INSERT_KEY = f"""
INSERT INTO api_keys ({_KEY_COLUMNS}) VALUES (:organization_id, :id, :project_id, :name, :prefix, :digest,
:permissions, :created_at, :expires_at, :revoked_at, :last_used_at, :creator_id) ON CONFLICT DO NOTHING"""
"""A new key, unless its id is taken."""

KEYS = f"""
SELECT {_KEY_COLUMNS} FROM api_keys WHERE organization_id = :organization_id{{reach}} ORDER BY created_at, id"""
"""All keys of an organization."""

KEYS_BY_PREFIX = f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE prefix = :prefix AND revoked_at IS NULL"
"""The keys a credential may be, of any organization: this is how a caller's organization is found."""

TOUCH_KEY = """
UPDATE api_keys SET last_used_at = :at WHERE organization_id = :organization_id AND id = :id{reach}"""
"""Records the use of a key."""

REVOKE_KEY = """
UPDATE api_keys SET revoked_at = :at
WHERE organization_id = :organization_id AND id = :id AND revoked_at IS NULL{reach}"""
"""Ends a key."""

# --- verification (for the operator) -----------------------------------------------------------

ALIVE = "SELECT 1"
"""Asks for an answer."""

CHECKED = f"""
SELECT {MEMORY}, m.indexed_version, m.seq, o.last_seq, t.terms,
    m.speaker, m.is_question, m.words, m.content_hash
FROM memories m {WITH_PROJECT}
JOIN organizations o ON o.id = m.organization_id
LEFT JOIN memory_terms t
    ON t.organization_id = m.organization_id AND t.memory_id = m.id AND t.version = m.indexed_version
WHERE m.organization_id = :organization_id AND m.id > :after ORDER BY m.id LIMIT :limit"""
"""The next memories with what is derived from them."""

CHECKED_VERSIONS = """
SELECT memory_id, version, fields, content FROM memory_versions
WHERE organization_id = :organization_id AND memory_id IN (:ids...) ORDER BY memory_id, version"""
"""The histories of some memories."""

CHECKED_TAGS = (
    "SELECT memory_id, tag FROM memory_tags WHERE organization_id = :organization_id AND memory_id IN (:ids...)"
)
"""The tags filters see of some memories."""

CHECKED_ENTRIES = """
SELECT memory_id, entry FROM memory_metadata WHERE organization_id = :organization_id AND memory_id IN (:ids...)"""
"""The metadata entries filters see of some memories."""

CHECKED_VECTORS = """
SELECT memory_id, version, model, dimensions, count, length(data), token_space, length(tokens) FROM memory_vectors
WHERE organization_id = :organization_id AND memory_id IN (:ids...)"""
"""The sizes of the vectors and tokens of some memories."""

ADVANCE_MEMORY = "UPDATE memories SET seq = :seq WHERE organization_id = :organization_id AND id = :memory_id"
"""Makes indexes read a memory again."""

REPAIR_DERIVED = """
UPDATE memories SET speaker = :speaker, is_question = :is_question, words = :words, content_hash = :content_hash
WHERE organization_id = :organization_id AND id = :memory_id"""
"""Writes anew what a memory's row holds of its own text."""

DELETE_VECTORS = """
DELETE FROM memory_vectors WHERE organization_id = :organization_id AND memory_id = :memory_id
AND version = :version AND model = :model AND dimensions = :dimensions"""
"""Removes vectors that cannot be right."""

PARTS = ("memory_tags", "memory_metadata", "memory_versions", "memory_terms", "memory_vectors")
"""The tables that hang on a memory."""

_ORPHAN = """NOT EXISTS (
    SELECT 1 FROM memories m WHERE m.organization_id = x.organization_id AND m.id = x.memory_id)"""
COUNT_ORPHANS = f"SELECT count(*) FROM {{table}} x WHERE x.organization_id = :organization_id AND {_ORPHAN}"
"""Rows of a table that belong to no memory."""

DELETE_ORPHANS = f"DELETE FROM {{table}} AS x WHERE x.organization_id = :organization_id AND {_ORPHAN}"
"""Removes them."""

REPAIR_LAST_SEQ = """
UPDATE organizations SET last_seq = (
    SELECT coalesce(max(m.seq), 0) FROM memories m WHERE m.organization_id = organizations.id)
WHERE id = :organization_id AND last_seq < (
    SELECT coalesce(max(m.seq), 0) FROM memories m WHERE m.organization_id = organizations.id)"""
"""Raises an organization's change number to that of its newest memory."""
