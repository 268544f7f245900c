"""What the index is told about a memory."""

from typing import NamedTuple


class IndexedRow(NamedTuple):
    """A memory as the index sees it. Instants are microseconds since the epoch (UTC).

    `seq` is the organization's change sequence at which this state was written: every change of anything
    below gives the memory a new, higher one. `arrival` never changes while the memory lives and grows in
    the order of insertion: it orders turns of a conversation that carry the same instant (the `seq` of the
    insertion serves). `terms` is `Terms.encode()` of `text.indexed_text`, None when there is no entry yet.
    `vectors` holds `vector_count` rows of little-endian float16, None where there are none of the index's
    model. `speaker` is casefolded. `words` counts the words of the content.
    """

    memory_id: str
    seq: int
    arrival: int
    project_id: str | None
    kind: str
    importance: int
    weight: float
    created_at: int
    updated_at: int
    occurred_at: int | None
    expires_at: int | None
    container: str | None
    superseded: bool
    forgotten: bool
    words: int
    is_question: bool
    speaker: str | None
    terms: bytes | None
    vectors: bytes | None
    vector_count: int
