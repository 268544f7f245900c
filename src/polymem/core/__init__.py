"""What polymem is: keeping memories and finding them again, in words of its own.

`Core` is the one object every door holds. Nothing here knows of HTTP, SQL, files or the environment;
the world comes in through the protocols in `ports`.
"""

from collections.abc import Callable

from polymem.core.context import Context
from polymem.core.memories import Memories
from polymem.core.people import Scope
from polymem.core.ports import Clock, Embedder, Stats, Store
from polymem.core.principals import Access
from polymem.core.recall import Recall
from polymem.core.reindex import Reindex
from polymem.core.tenancy import Projects
from polymem.core.transfer import Transfer
from polymem.core.worklog import Worklog


class Core:
    """The verbs of the product, grouped: `memories`, `recall`, `projects`, `access`, `transfer`, `reindex`, and of the
    work on a project: `worklog`, `context`.

    `local` is the scope of callers without a credential, None where everybody must present one.
    """

    def __init__(
        self, store: Store, embedder: Embedder, clock: Clock, new_id: Callable[[], str], local: Scope | None
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.clock = clock
        self.local = local
        self.projects = Projects(store, clock, new_id)
        self.memories = Memories(store, embedder, clock, self.projects, new_id)
        self.recall = Recall(store, embedder, clock)
        self.worklog = Worklog(store.work, clock, self.projects, new_id)
        self.context = Context(store, embedder, clock, self.projects, self.recall, self.worklog)
        self.access = Access(store, clock, new_id, local)
        self.transfer = Transfer(store, self.memories, clock)
        self.reindex = Reindex(store, embedder)

    async def stats(self, scope: Scope) -> Stats:
        """Counts of what the scope can see."""
        return await self.store.stats(scope, self.clock.now(), self.embedder.model)

    async def close(self) -> None:
        """Finishes what is under way and lets go of the store and the model."""
        await self.recall.close()
        await self.embedder.close()
        await self.store.close()
