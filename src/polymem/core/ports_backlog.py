"""What the core asks of a store about texts that have no vector yet, which all processes embed together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from polymem.core.ports_embedding import Embedding, EmbeddingModel
from polymem.core.ports_reports import PendingText


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Texts of one organization that one process has taken to embed, by the name `holder`.

    `first_id` names the batch among its organization's. `failures` is how often this one text could not be embedded
    when everything else could; 0 for a batch of texts nobody has tried.
    """

    organization_id: str
    first_id: str
    holder: str
    failures: int
    texts: tuple[PendingText, ...]


class BacklogStore(Protocol):
    """Shares out what a model has not embedded: each batch is one process's at a time, for as long as it says so.

    All of it is for the operator and the server's own chores: of all organizations, each in its turn.
    """

    async def plan(self, model: EmbeddingModel, size: int, *, retry: bool = False) -> int | None:
        """Divide what `model` has not embedded, or without its tokens, into batches of `size` texts at most, unless
        there are some already; returns how many texts are in batches. None while another process is dividing.

        Texts that were set aside are left out; with `retry` they are texts like all others again.
        """
        ...

    async def left(self, model: EmbeddingModel) -> int:
        """How many texts are in batches, taken or not, those that were set aside not counted."""
        ...

    async def take(self, model: EmbeddingModel, lease: timedelta) -> Batch | None:
        """A batch that nobody has, and nobody else gets before `lease` is over by the store's clock. It holds no texts
        when others have embedded them meanwhile. None when there is none."""
        ...

    async def renew(self, model: EmbeddingModel, batch: Batch, lease: timedelta) -> bool:
        """Have it that much longer, from now; False when it is no longer the holder's."""
        ...

    async def keep(
        self,
        model: EmbeddingModel,
        batch: Batch,
        embeddings: Sequence[tuple[PendingText, Embedding]],
        *,
        retry_after: timedelta,
    ) -> int:
        """Keep vectors for texts that are still current, some at a time, and end the batch; returns how many were kept.

        Those of its texts that are not among them are set aside: each is a batch of its own after `retry_after`.
        """
        ...

    async def give_back(self, model: EmbeddingModel, batch: Batch) -> None:
        """Leave the batch to whoever takes it next, at once."""
        ...
