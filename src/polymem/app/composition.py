"""What the settings say, as a core. Nothing here needs a web server, so that a command line starts quickly."""

import asyncio
from datetime import UTC, datetime

from uuid_utils import uuid7

from polymem.core import Core
from polymem.core.people import Scope
from polymem.core.tenancy import ensure_local_organization
from polymem.inference import EmbedderSpec, open_embedder
from polymem.settings import Settings
from polymem.storage import open_store


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7: unique everywhere, and in the order of time."""
    return str(uuid7())


async def open_core(settings: Settings) -> Core:
    """The core these settings describe, with its store open and its embedder ready to load.

    Raises PolymemError with a sentence when the store or the embedder cannot work.
    """
    location = settings.data_dir if settings.database_url is None else settings.database_url.get_secret_value()
    clock = SystemClock()
    store = await open_store(location, index_memory_bytes=settings.index_memory_mb * 1024 * 1024)
    try:
        organization = await ensure_local_organization(store, clock, new_id)
        # A folder's model is run once, which takes its time.
        embedder = await asyncio.to_thread(open_embedder, to_spec(settings), settings.model_dir)
    except BaseException:
        await store.close()
        raise
    local = Scope(organization_id=organization.id, actor="local") if settings.auth == "local" else None
    return Core(store, embedder, clock, new_id, local)


def to_spec(settings: Settings) -> EmbedderSpec:
    """Which embedder the settings ask for."""
    return EmbedderSpec(
        kind=settings.embedder_url or settings.embedder,
        model=settings.embedder_model,
        api_key=None if settings.embedder_api_key is None else settings.embedder_api_key.get_secret_value(),
        precision=settings.embedder_precision,
        threads=settings.embedder_threads,
    )
