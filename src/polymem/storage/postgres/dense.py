"""The dense leg: the memories whose vectors are nearest to the query's, of what scope and filter admit.

Which way to look is decided here and not by the planner, whose choice between an index on vectors and all other ways
changed with the order of the rows and then lost nine of ten answers (the index yields its nearest few, of which the
filter leaves hardly any). Up to `EXACT_ROWS` memories are compared one by one, which is exact. More are looked for in
the HNSW index, which goes on until enough rows pass the filter (pgvector's relaxed iterative scan), unless the
organization is so small a part of the table that most of what the index yields would be others': then all are compared
after all. Should the index yield too few, all are compared, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import psycopg

from polymem.core.ports import EmbeddingModel
from polymem.storage.backend import Row, Transaction
from polymem.storage.embeddings import to_model_params
from polymem.storage.filters import Predicate
from polymem.storage.postgres.counts import Counted
from polymem.storage.postgres.following import to_text

EXACT_ROWS = 20_000
"""Up to so many admitted memories are compared one by one: about 10 milliseconds."""

LONGEST_INDEXED = 4000
"""Dimensions up to which the extension can index float16 vectors."""

_VISIT_COST = 24.0
"""What a vector visited through the index costs, in vectors compared one after the other."""

_LINKS, _CONSTRUCTION = 32, 128
"""How many neighbours of a vector the index keeps, and among how many it chooses them (`m` and `ef_construction`)."""

_LEAST_VISITED, _MOST_SEARCHED = 400, 1000
"""Vectors the index looks at in one go (`ef_search`), at least, and at most (pgvector's limit).

Measured on 100,000 vectors in clusters of 50 (`bench/store.py`), the share of the exact ten nearest that is found: with
pgvector's defaults (16 neighbours of 64, 100 looked at) 0.40 to 0.54; 16 of 200, 0.70, with 400 looked at 0.93; 24 of
128, 0.83 and 0.985; 32 of 128, 0.93 and 0.998, for 7 milliseconds a search and 2.4 an insertion (of 0.8).
"""

_MOST_VISITED = 500_000
"""Vectors after which a scan of the index gives up; what is missing then is found by comparing all."""

_LOCK = 0x706D6978
"""First key of the advisory lock under which an index is made ("pmix" in ASCII); the dimensions are the second."""

_SELECTIVE = 8
"""Fewer than one in so many of an organization's memories are fetched one by one rather than by reading all."""

_WIDE = 2
"""Where at least one in so many of an organization's memories is admitted, the nearest of all are found first, and then
which of them are admitted: joining every row with its memory takes longer than comparing the vectors."""

EXACT = """
SELECT m.id FROM memories m
JOIN search_vectors v ON v.organization_id = m.organization_id AND v.memory_id = m.id
WHERE {where} AND v.model = :model AND v.dimensions = :dimensions
ORDER BY v.embedding <=> CAST(:vector AS halfvec), m.arrival DESC LIMIT :limit"""

EXACT_OF_ALL = """
SELECT memory_id FROM search_vectors
WHERE organization_id = :organization_id AND model = :model AND dimensions = :dimensions
ORDER BY embedding <=> CAST(:vector AS halfvec), memory_id DESC LIMIT :limit"""

ADMITTED = "SELECT m.id FROM memories m WHERE {where} AND m.id IN (:candidates...)"

NEAREST = """
SELECT m.id FROM search_vectors v
JOIN memories m ON m.organization_id = v.organization_id AND m.id = v.memory_id
WHERE v.organization_id = :organization_id AND v.model = :model AND v.dimensions = {dimensions} AND {where}
ORDER BY CAST(v.embedding AS halfvec({dimensions})) <=> CAST(:vector AS halfvec({dimensions})) LIMIT :limit"""

DISTANCE = """
SELECT min(embedding <=> CAST(:vector AS halfvec)) FROM search_vectors
WHERE organization_id = :organization_id AND memory_id = :memory_id AND model = :model AND dimensions = :dimensions"""

NEARER = """
SELECT count(*) FROM (
    SELECT m.id FROM memories m
    JOIN search_vectors v ON v.organization_id = m.organization_id AND v.memory_id = m.id
    WHERE {where} AND v.model = :model AND v.dimensions = :dimensions
    GROUP BY m.id HAVING min(v.embedding <=> CAST(:vector AS halfvec)) < :distance) AS nearer"""

INDEX = """
SELECT t.reltuples FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relname = :name AND c.relnamespace = current_schema()::regnamespace AND i.indisvalid"""

_BY_INDEX = {
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": str(_MOST_VISITED),
    "hnsw.scan_mem_multiplier": "8",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_sort": "off",
}
_USUAL = {name: "on" for name in _BY_INDEX if name.startswith("enable_")}


def index_name(dimensions: int) -> str:
    """The index over the vectors of so many dimensions."""
    return f"search_vectors_{dimensions}"


def make_index(connection: "psycopg.Connection[Row]", dimensions: int) -> None:
    """Makes it, while others go on reading and writing, unless it is there or another process is at it.

    The connection commits by itself. Raises psycopg.Error.
    """
    name = index_name(dimensions)
    ((mine,),) = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, dimensions]).fetchall()
    if not mine:
        return
    valid = connection.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name]).fetchall()
    if valid == [(True,)]:
        return
    if valid:
        # Left behind by a process that ended while it was at it.
        connection.execute(f"DROP INDEX CONCURRENTLY {name}".encode())
    connection.execute(
        f"CREATE INDEX CONCURRENTLY {name} ON search_vectors USING hnsw"
        f" ((embedding::halfvec({dimensions})) halfvec_cosine_ops)"
        f" WITH (m = {_LINKS}, ef_construction = {_CONSTRUCTION}) WHERE dimensions = {dimensions}".encode()
    )


def to_vector_param(vector: bytes, model: EmbeddingModel) -> dict[str, Any]:
    """The parameters of a query's vector. Raises ValueError when it is not one of the model's."""
    values = np.frombuffer(vector, "<f4")
    if len(values) != model.dimensions:
        raise ValueError(f"The query's vector has {len(values)} dimensions instead of {model.dimensions}.")
    return {**to_model_params(model), "vector": to_text(values)}


def nearest(
    tx: Transaction, where: Predicate, vector: Mapping[str, Any], depth: int, counted: Counted, documents: int
) -> list[str]:
    """The ids of the `depth` nearest that are admitted, nearest first. `counted` of so many documents are."""
    considered, wanted = counted.considered, min(depth, counted.visible)
    params = {**where.params, **vector}
    if considered > EXACT_ROWS and _worth_the_index(tx, int(vector["dimensions"]), depth, considered):
        _set(tx, {**_BY_INDEX, "hnsw.ef_search": str(_searched(depth))})
        # A memory has a vector for each part of a long text, so more are wanted than memories.
        statement = NEAREST.format(where=where.sql, dimensions=int(vector["dimensions"]))
        rows = tx.query(statement, {**params, "limit": 2 * depth})
        _set(tx, _USUAL)
        found = list(dict.fromkeys(id_ for (id_,) in rows))
        if len(found) >= wanted:
            return found[:depth]
    elif considered * _WIDE >= documents:
        limit = 2 * depth * documents // considered
        found = list(dict.fromkeys(id_ for (id_,) in tx.query(EXACT_OF_ALL, {**params, "limit": limit})))
        found = admitted(tx, where, found)
        if len(found) >= wanted:
            return found[:depth]
    # Of a table that has just been filled the planner knows nothing, and would fetch the rows of many one by one.
    _set(tx, {"enable_nestloop": "on" if considered * _SELECTIVE < documents else "off"})
    limit = 2 * depth
    while True:
        rows = tx.query(EXACT.format(where=where.sql), {**params, "limit": limit})
        found = list(dict.fromkeys(id_ for (id_,) in rows))
        if len(found) >= wanted or len(rows) < limit:
            break
        limit *= 4
    _set(tx, {"enable_nestloop": "on"})
    return found[:depth]


def admitted(tx: Transaction, where: Predicate, ids: Sequence[str]) -> list[str]:
    """Those of some memories that are admitted, in the same order."""
    if not ids:
        return []
    rows = tx.query(ADMITTED.format(where=where.sql), {**where.params, "candidates": list(ids)})
    known = {id_ for (id_,) in rows}
    return [id_ for id_ in ids if id_ in known]


def rank(tx: Transaction, where: Predicate, vector: Mapping[str, Any], memory_id: str) -> int | None:
    """The place of a memory among all that is admitted, counted from 1; None without a vector."""
    ((distance,),) = tx.query(DISTANCE, {**where.params, **vector, "memory_id": memory_id})
    if distance is None:
        return None
    params = {**where.params, **vector, "distance": distance}
    ((nearer,),) = tx.query(NEARER.format(where=where.sql), params)
    return 1 + int(nearer)


def _worth_the_index(tx: Transaction, dimensions: int, depth: int, considered: int) -> bool:
    rows = tx.query(INDEX, {"name": index_name(dimensions)})
    if not rows:
        return False
    # Before it was ever counted the table is taken for the organization's alone.
    share = min(1.0, considered / max(considered, rows[0][0]))
    return bool(max(2 * depth / share, _searched(depth)) * _VISIT_COST < considered)


def _searched(depth: int) -> int:
    return min(_MOST_SEARCHED, max(_LEAST_VISITED, 2 * depth))


def _set(tx: Transaction, settings: Mapping[str, str]) -> None:
    changes = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    tx.query(f"SELECT {changes}", {})
