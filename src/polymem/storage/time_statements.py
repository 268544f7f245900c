"""The statements that ask for former states and for changes. As in `statements`, whose names of parameters hold here.

`:at` is an instant in microseconds: a memory's state at it is its newest version recorded not later. Within a memory
the order of versions is the order of `recorded_at` (`statements.INSERT_NEXT_VERSION`).
"""

_TEXT = """(
    SELECT c.content FROM memory_versions c
    WHERE c.organization_id = v.organization_id AND c.memory_id = v.memory_id AND c.version <= v.version
    AND c.content IS NOT NULL ORDER BY c.version DESC LIMIT 1)"""
"""The text of a version `v`, which stands in the last one that changed it."""

_STATE = """JOIN memory_versions v
    ON v.organization_id = m.organization_id AND v.memory_id = m.id AND v.version = (
        SELECT n.version FROM memory_versions n
        WHERE n.organization_id = m.organization_id AND n.memory_id = m.id AND n.recorded_at <= :at
        ORDER BY n.version DESC LIMIT 1)"""
"""Joins the version `v` that was a memory's newest at an instant."""

EDGE = """
SELECT max(v.recorded_at) FROM memory_versions v WHERE v.organization_id = :organization_id AND v.recorded_at <= :at"""
"""The last change up to an instant. Between two changes every instant has the same past."""

LATER = """
SELECT 1 FROM memory_versions v WHERE v.organization_id = :organization_id AND v.recorded_at > :at LIMIT 1"""
"""Whether anything changed after an instant."""

TURNED = """
SELECT v.memory_id, min(v.version) - 1 FROM memory_versions v
WHERE v.organization_id = :organization_id AND v.recorded_at > :at GROUP BY v.memory_id"""
"""The memories that changed after an instant, each with the version it had then; 0 where it was not known."""

STATES = f"""
SELECT v.memory_id, v.version, v.fields, {_TEXT}, m.access_count, m.last_accessed
FROM memories m {_STATE} WHERE {{where}} AND m.id IN (:ids...)"""
"""Memories as they stood at an instant."""

CHANGED_IDS = """
SELECT m.id, m.seq FROM memories m WHERE m.organization_id = :organization_id AND m.seq > :position
ORDER BY m.seq LIMIT :limit"""
"""The memories changed since a position, oldest change first."""

_DERIVED = """LEFT JOIN memory_terms t
    ON t.organization_id = m.organization_id AND t.memory_id = m.id AND t.version = (
        SELECT max(i.version) FROM memory_terms i
        WHERE i.organization_id = m.organization_id AND i.memory_id = m.id AND i.version <= v.version)
LEFT JOIN memory_vectors x
    ON x.organization_id = m.organization_id AND x.memory_id = m.id AND x.version = t.version
    AND x.model = :model AND x.dimensions = :dimensions"""
"""Joins what is derived from the text of a version `v`."""

INDEXED_STATES = f"""
SELECT v.memory_id, v.version, v.fields, {_TEXT}, m.access_count, m.last_accessed,
    m.seq, m.arrival, m.version, t.terms, x.data, coalesce(x.count, 0)
FROM memories m {_STATE} {_DERIVED}
WHERE m.organization_id = :organization_id AND m.id IN (:ids...)"""
"""The same with what a search index needs of them."""

STATE_TOKENS = f"""
SELECT m.id, x.tokens FROM memories m {_STATE} {_DERIVED}
WHERE m.organization_id = :organization_id AND m.id IN (:ids...) AND x.token_space = :token_space"""
"""The packed token vectors of some memories' texts of that instant."""

STATE_VECTORS = f"""
SELECT m.id, x.data FROM memories m {_STATE} {_DERIVED}
WHERE m.organization_id = :organization_id AND m.id IN (:ids...) AND x.data IS NOT NULL"""
"""The vectors of some memories' texts of that instant."""

HAPPENED = """
WITH happened AS (
    SELECT v.memory_id, v.version, v.change, v.recorded_at AS happened_at, v.actor, v.note
    FROM memory_versions v JOIN memories m ON m.organization_id = v.organization_id AND m.id = v.memory_id
    WHERE v.organization_id = :organization_id AND v.recorded_at >= :since AND v.recorded_at <= :until
    AND {where}{kinds}
    UNION ALL
    SELECT v.memory_id, v.version, 'expired', v.expires_at, NULL, NULL
    FROM memory_versions v JOIN memories m ON m.organization_id = v.organization_id AND m.id = v.memory_id
    WHERE v.organization_id = :organization_id AND v.expires_at >= :since AND v.expires_at <= :until
    AND v.expires_at > v.recorded_at AND {where}{expired} AND NOT EXISTS (
        SELECT 1 FROM memory_versions n WHERE n.organization_id = v.organization_id AND n.memory_id = v.memory_id
        AND n.version = v.version + 1 AND n.recorded_at <= v.expires_at)
)"""
"""What was recorded in a span of time, and what expired by itself in it: the newest version then had that expiry.

`{kinds}` restricts the first, `{expired}` admits the second or not.
"""

CHANGES = f"""{HAPPENED}, page AS (
    SELECT * FROM happened ORDER BY happened_at {{direction}}, memory_id {{direction}}, version {{direction}}
    LIMIT :limit OFFSET :offset
)
SELECT p.memory_id, p.version, v.fields, {_TEXT}, m.access_count, m.last_accessed,
    p.change, p.happened_at, p.actor, p.note
FROM page p
JOIN memory_versions v ON v.organization_id = :organization_id AND v.memory_id = p.memory_id AND v.version = p.version
JOIN memories m ON m.organization_id = :organization_id AND m.id = p.memory_id
ORDER BY p.happened_at {{direction}}, p.memory_id {{direction}}, p.version {{direction}}"""
"""A page of it, with the memories as each change left them."""

COUNT_CHANGES = f"{HAPPENED} SELECT count(*) FROM happened"
"""How much of it there is."""
