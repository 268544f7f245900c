"""A process of its own that writes into a data directory and says on its output what was acknowledged.

Arguments: directory, organization id, number of writers, memories per writer (0: until it is killed).
"""

import asyncio
import os
import sys

from polymem.core.people import Scope
from polymem.core.ports import Insert, Store
from polymem.storage import open_store
from tests.storage.support import embedded, memory


async def write(store: Store, scope: Scope, writer: int, most: int) -> None:
    number = 0
    while not most or number < most:
        number += 1
        name = f"{os.getpid()}-{writer}-{number:06d}"
        # Announced before, acknowledged after: what stands between the two may be there or not.
        os.write(1, f"trying {name}\n".encode())
        kept = memory(scope, f"Memory {name} of a cat", id=name, tags=("crash",), metadata={"writer": writer})
        assert await store.apply(scope, [Insert(kept, embedded(kept.content))]) == [name]
        os.write(1, f"kept {name}\n".encode())


async def main(directory: str, organization_id: str, writers: str, most: str) -> None:
    store = await open_store(directory)
    scope = Scope(organization_id=organization_id)
    os.write(1, b"ready\n")
    await asyncio.gather(*[write(store, scope, writer, int(most)) for writer in range(int(writers))])
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
