"""Statements about batches of texts that have no vector yet. Those that name no organization are for the operator.

`failures` tells two kinds of rows apart: 0 is a batch as it was divided, and no two of a model's overlap; more is one
text that was set aside, which may lie within a batch's range and is passed over there.
"""

from polymem.storage.statements import MEMORY, NOT_EMBEDDED, WITH_PROJECT

_OF_MODEL = "b.model = :model AND b.dimensions = :dimensions AND b.token_space = :token_space"
_THIS = f"""b.organization_id = :organization_id AND {_OF_MODEL} AND b.first_id = :first_id"""
_IS_HELD = f"{_THIS} AND b.holder = :holder"

_NOT_SET_ASIDE = f"""NOT EXISTS (
    SELECT 1 FROM embedding_batches b
    WHERE b.organization_id = m.organization_id AND {_OF_MODEL} AND b.first_id = m.id AND b.failures > 0)"""

LEFT = f"SELECT coalesce(sum(b.texts), 0) FROM embedding_batches b WHERE {_OF_MODEL} AND b.failures = 0"
"""How many texts are in batches."""

CHANGES = "SELECT count(*), coalesce(sum(last_seq), 0) FROM organizations"
"""Something else after every change of any memory."""

IS_UNPLANNED = f"SELECT 1 FROM memories m WHERE {NOT_EMBEDDED} AND {_NOT_SET_ASIDE} LIMIT 1"
"""Whether any text is neither embedded nor set aside."""

PLAN = f"""
INSERT INTO embedding_batches (
    organization_id, model, dimensions, token_space, first_id, last_id, turn, texts, failures, holder, free_at)
SELECT p.organization_id, :model, CAST(:dimensions AS integer), :token_space, min(p.id), max(p.id), p.turn, count(*), 0,
    '', 0
FROM (
    SELECT m.organization_id, m.id,
        (row_number() OVER (PARTITION BY m.organization_id ORDER BY m.id) - 1) / CAST(:size AS integer) AS turn
    FROM memories m WHERE {NOT_EMBEDDED} AND {_NOT_SET_ASIDE}
) p
GROUP BY p.organization_id, p.turn
RETURNING texts"""
"""Divides all that is neither embedded nor set aside, when nothing is divided yet."""

TRY_AGAIN = "DELETE FROM embedding_batches AS b WHERE " + _OF_MODEL + " AND b.failures > 0"
"""Makes texts that were set aside like all others."""

DROP_OTHERS = f"DELETE FROM embedding_batches AS b WHERE NOT ({_OF_MODEL}) AND b.free_at <= now_micros()"
"""Removes what nobody has taken of other models' batches. A process that still has such a model divides anew."""

_FREE = f"{_OF_MODEL} AND b.free_at <= now_micros()"

IS_FREE = f"SELECT 1 FROM embedding_batches b WHERE {_FREE} LIMIT 1"
"""Whether there is a batch that nobody has."""

FREE = f"""
SELECT b.organization_id, b.first_id, b.last_id, b.texts, b.failures FROM embedding_batches b WHERE {_FREE}
ORDER BY b.turn, b.organization_id LIMIT 1 FOR UPDATE SKIP LOCKED"""
"""The next batch that nobody has or is just taking; the organizations in turn."""

TAKE = f"""
UPDATE embedding_batches AS b SET holder = :holder, free_at = now_micros() + CAST(:lease AS bigint) WHERE {_THIS}"""
"""Notes who has a batch, and until when."""

TEXTS = f"""
SELECT {MEMORY}, m.indexed_version FROM memories m {WITH_PROJECT}
WHERE m.organization_id = :organization_id AND m.id BETWEEN :first_id AND :last_id AND {NOT_EMBEDDED}
AND (m.id = :first_id OR {_NOT_SET_ASIDE})
ORDER BY m.id LIMIT :texts"""
"""The texts of a batch. What became one of them since the division waits for the next."""

RENEW = f"UPDATE embedding_batches AS b SET free_at = now_micros() + CAST(:lease AS bigint) WHERE {_IS_HELD}"
"""Has a batch for longer."""

GIVE_BACK = f"UPDATE embedding_batches AS b SET holder = '', free_at = 0 WHERE {_IS_HELD}"
"""Frees a batch."""

END = f"DELETE FROM embedding_batches AS b WHERE {_IS_HELD}"
"""Ends a batch."""

IS_THERE = "SELECT 1 FROM organizations WHERE id = :organization_id"
"""Whether the organization is still there."""

SET_ASIDE = """
INSERT INTO embedding_batches (
    organization_id, model, dimensions, token_space, first_id, last_id, turn, texts, failures, holder, free_at)
VALUES (:organization_id, :model, :dimensions, :token_space, :first_id, :first_id, 0, 1, :failures, '',
    now_micros() + CAST(:pause AS bigint))
ON CONFLICT (organization_id, model, dimensions, token_space, first_id) DO UPDATE SET
last_id = excluded.last_id, texts = 1, failures = excluded.failures, holder = '', free_at = excluded.free_at"""
"""Sets a text aside."""
