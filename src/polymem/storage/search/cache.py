"""Keeps the indexes of the organizations in use, within a budget of bytes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from polymem.core.ports import EmbeddingModel
from polymem.storage.search.index import OrganizationIndex


class IndexCache:
    """Least recently used organizations give way first. Safe for threads; one organization's build never
    holds up another's.

    An index larger than the whole budget is admitted alone.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes

    @contextmanager
    def use(
        self,
        organization_id: str,
        model: EmbeddingModel | None,
        position: int,
        catch_up: Callable[[OrganizationIndex], None],
    ) -> Iterator[OrganizationIndex]:
        """The organization's index, complete at least up to `position`.

        When it is behind, `catch_up(index)` is called (by one thread at a time) and must read all changes
        after `index.position` and `apply` them, in as many calls as it likes.
        """
        raise NotImplementedError
        yield

    def drop(self, organization_id: str | None = None) -> None:
        """Forget an organization's index, or all of them; the next use builds anew."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """Bytes held by all indexes."""
        raise NotImplementedError

    def close(self) -> None:
        """Wait for a compaction under way and let go of everything."""
        raise NotImplementedError
