"""What the settings say, as a core and as the options of the dialects."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from uuid_utils import uuid7

from polymem import __version__
from polymem.core import Core
from polymem.core.people import Scope
from polymem.core.tenancy import ensure_local_organization
from polymem.dialects.dialect import DialectOptions
from polymem.inference import EmbedderSpec, open_embedder
from polymem.settings import LOOPBACK_HOSTS, Settings
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
        api_key=_plain(settings.embedder_api_key),
        precision=settings.embedder_precision,
        threads=settings.embedder_threads,
    )


def to_options(settings: Settings, core: Core) -> DialectOptions:
    """What the settings tell the dialects."""
    local = settings.auth == "local"
    model = core.embedder.model
    return DialectOptions(
        version=__version__,
        local=local,
        allowed_hosts=LOOPBACK_HOSTS.union(settings.allowed_hosts) if local else None,
        max_body_bytes=int(settings.max_body_mb * 1024 * 1024),
        storage_kind="sqlite" if settings.database_url is None else "postgresql",
        embedding_provider="none" if model is None else embedding_provider(settings),
        embedding_model=None if model is None else model.name,
        default_namespace=settings.namespace or directory_name(Path.cwd()),
        memento_api_key=_plain(settings.memento_api_key),
    )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def embedding_provider(settings: Settings) -> str:
    """The kind of embedder, in a word."""
    if settings.embedder_url is not None:
        return "openai"
    return settings.embedder if settings.embedder in ("local", "fastembed", "none") else "onnx"


def directory_name(directory: Path) -> str:
    """The name of the nearest directory, upwards, that holds a `.git`; failing that, of `directory` itself."""
    for candidate in (directory, *directory.parents):
        if (candidate / ".git").exists():
            return candidate.name or "default"
    return directory.name or "default"
