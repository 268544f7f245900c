"""What the settings tell the dialects, as plain values."""

from datetime import timedelta
from pathlib import Path

from polymem import __version__
from polymem.core import Core
from polymem.dashboard import DashboardOptions
from polymem.dialects import DialectOptions
from polymem.settings import LOOPBACK_HOSTS, Settings


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
        memento_api_key=None if settings.memento_api_key is None else settings.memento_api_key.get_secret_value(),
        data_dir=str(settings.data_dir),
        cors_origins=frozenset(settings.cors_origins),
        rate_limits=settings.rate_limits,
        public_url=settings.public_url,
        gateway_port=settings.port,
        dashboard=settings.dashboard,
    )


def to_dashboard_options(settings: Settings) -> DashboardOptions:
    """What the settings tell the dashboard."""
    local = settings.auth == "local"
    return DashboardOptions(
        version=__version__,
        local=local,
        allowed_hosts=LOOPBACK_HOSTS.union(settings.allowed_hosts) if local else None,
        logins_a_minute=settings.rate_limit_login,
        storage_kind="sqlite" if settings.database_url is None else "postgresql",
        data_dir=str(settings.data_dir),
        limits=_told(settings),
    )


def _told(settings: Settings) -> dict[str, int]:
    return {
        "Sign-ins": settings.rate_limit_login,
        "SelfMemory creates": settings.rate_limit_memory_create,
        "SelfMemory searches": settings.rate_limit_memory_search,
        "New organizations": settings.rate_limit_organization_create,
        "New projects": settings.rate_limit_project_create,
        "Invitations": settings.rate_limit_invitation_create,
    }


def to_retention(settings: Settings) -> timedelta | None:
    """How long what was forgotten or has expired is kept; None for ever."""
    return timedelta(days=settings.retention_days) if settings.retention_days else None


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
