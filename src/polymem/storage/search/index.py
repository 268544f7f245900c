"""The search index of one organization: all its memories that are not forgotten, as arrays."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from polymem.core.people import Scope
from polymem.core.ports import CandidateQuery, Candidates, EmbeddingModel
from polymem.storage.search.rows import IndexedRow

FetchVectors = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Reads the float16 vectors of memories again, for an index that keeps only their signs."""


class OrganizationIndex:
    """One writer at a time (`apply`), any number of readers without a lock (`search`)."""

    def __init__(self, model: EmbeddingModel | None) -> None:
        self.model = model

    @property
    def position(self) -> int:
        """The change sequence up to which the index is complete; 0 when it is empty."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, within a few percent."""
        raise NotImplementedError

    def apply(self, rows: Iterable[IndexedRow], removed_ids: Iterable[str], position: int) -> None:
        """Take in the newest state of every memory changed since `position`, and drop those purged since.

        A row that is forgotten leaves the index. Rows may come in any order and may be known already
        (a `seq` not above the known one is ignored), so overlapping deliveries do no harm.
        """
        raise NotImplementedError

    def search(
        self,
        scope: Scope,
        query: CandidateQuery,
        *,
        allowed_ids: Collection[str] | None = None,
        fetch_vectors: FetchVectors | None = None,
    ) -> Candidates:
        """The memories worth ranking, as `ports.Store.candidates` describes.

        `allowed_ids` are the memories that satisfy the second part of `split_filter(query.filter)`; it must
        be given when that part is not empty (ValueError otherwise).
        """
        raise NotImplementedError

    @property
    def needs_compaction(self) -> bool:
        """Whether so many rows are dead that a compacted copy is worth making."""
        raise NotImplementedError

    def compacted(self) -> "OrganizationIndex":
        """A copy without dead rows, at the position this index had when the copy began."""
        raise NotImplementedError
