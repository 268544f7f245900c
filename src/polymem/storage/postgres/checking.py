"""Holding the tables search works on against the memories they were made from."""

from polymem.storage.backend import Transaction
from polymem.storage.postgres.following import state
from polymem.storage.postgres.postings import Segment, segments, to_postings
from polymem.storage.postgres.search_tables import TABLES

DOCUMENTS = """
SELECT count(*) FROM memories m
FULL JOIN search_documents d ON d.organization_id = m.organization_id AND d.memory_id = m.id
LEFT JOIN memory_terms t
    ON t.organization_id = m.organization_id AND t.memory_id = m.id AND t.version = m.indexed_version
WHERE coalesce(m.organization_id, d.organization_id) = :organization_id
AND ((m.forgotten_at IS NULL AND m.id IS NOT NULL AND t.terms IS NOT NULL) <> (d.memory_id IS NOT NULL)
    OR d.version <> m.indexed_version OR d.terms <> t.terms)"""
"""Memories whose text stands otherwise than in `search_documents`, or in one of both alone."""

VECTORS = """
SELECT count(*) FROM (
    SELECT v.memory_id, v.model, v.dimensions, v.count FROM memory_vectors v
    JOIN memories m ON m.organization_id = v.organization_id AND m.id = v.memory_id AND m.indexed_version = v.version
    WHERE v.organization_id = :organization_id AND m.forgotten_at IS NULL
    AND length(v.data) = 2 * v.dimensions * v.count) AS kept
FULL JOIN (
    SELECT memory_id, model, dimensions, count(*) AS count FROM search_vectors
    WHERE organization_id = :organization_id GROUP BY 1, 2, 3) AS found
    ON found.memory_id = kept.memory_id AND found.model = kept.model AND found.dimensions = kept.dimensions
WHERE kept.count IS DISTINCT FROM found.count"""
"""Texts of which not all vectors stand in `search_vectors`, or too many."""

COUNTED = "SELECT count(*) FROM search_documents WHERE organization_id = :organization_id"

SEGMENT_DOCUMENTS = """
SELECT document, terms FROM search_documents
WHERE organization_id = :organization_id AND document BETWEEN :first AND :last ORDER BY document"""

SEGMENT_POSTINGS = """
SELECT term, data FROM search_postings WHERE organization_id = :organization_id AND first = :first"""


def disagreement(tx: Transaction, organization_id: str) -> str | None:
    """What does not agree, in a sentence. All changes must have been taken in."""
    of = {"organization_id": organization_id}
    ((documents,),) = tx.query(DOCUMENTS, of)
    ((vectors,),) = tx.query(VECTORS, of)
    ((counted,),) = tx.query(COUNTED, of)
    miscounted = abs(counted - state(tx, organization_id).documents)
    words = sum(_torn(tx, organization_id, segment) for segment in segments(tx, organization_id))
    if not (documents or vectors or miscounted or words):
        return None
    return (
        f"The search tables of organization {organization_id} differ from its memories: in {documents} texts, the "
        f"vectors of {vectors}, the places of {words} words, and their number by {miscounted}"
    )


def _torn(tx: Transaction, organization_id: str, segment: Segment) -> int:
    of = {"organization_id": organization_id, "first": segment.first}
    documents = tx.query(SEGMENT_DOCUMENTS, {**of, "last": segment.last})
    expected = to_postings(segment.first, documents) if documents else {}
    found = {term: bytes(data) for term, data in tx.query(SEGMENT_POSTINGS, of)}
    return sum(found.get(term) != expected.get(term) for term in found.keys() | expected.keys())


def start_anew(tx: Transaction, organization_id: str) -> None:
    """Empties an organization's tables. The next question or change fills them."""
    for table in TABLES:
        tx.execute(
            f"DELETE FROM {table} WHERE organization_id = :organization_id", {"organization_id": organization_id}
        )
