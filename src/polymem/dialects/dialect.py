"""What a dialect is: a name, a place to live, and a way to make its API over a core."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.responses import Response

from polymem.core import Core
from polymem.core.errors import PolymemError


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectOptions:
    """What a dialect may need to know of how the server is set up, as plain values.

    `local` says that callers without a credential act as the local owner. `storage_kind` is "sqlite" or
    "postgresql". `embedding_provider` is "local", "openai", "onnx", "fastembed" or "none"; `embedding_model`
    the model's public name, None without one. `default_namespace` is what a caller that names none means.
    `memento_api_key`, when set, is a secret that Memento callers must present. `data_dir` is where the server keeps
    its files. `cors_origins` are the origins whose pages may use a browser's session. `rate_limits` says how many
    calls of an operation a credential has in a minute ("login", "memory_create", "memory_search",
    "organization_create", "project_create", "invitation_create", "invitation_accept"); one that is not in it is not
    limited. `public_url` is where the operator says that people reach the server. `dashboard` says that the server's
    root has pages, /trash and /keys among them.
    """

    version: str
    local: bool = True
    allowed_hosts: frozenset[str] | None = None
    max_body_bytes: int = 10 * 1024 * 1024
    storage_kind: str = "sqlite"
    embedding_provider: str = "local"
    embedding_model: str | None = None
    default_namespace: str = "default"
    memento_api_key: str | None = field(default=None, repr=False)
    data_dir: str = "."
    cors_origins: frozenset[str] = frozenset()
    rate_limits: Mapping[str, int] = field(default_factory=dict)
    public_url: str | None = None
    gateway_port: int = 8765
    dashboard: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API over the core.

    `prefix` is where the gateway mounts it ("" is the gateway's root). `port` is the one it listens on when it is
    served at the root of a port of its own, None for a dialect that has no such port. `create_app` makes a new
    application; its lifespan never runs, since it is mounted. `render` is its answer to any error, for whoever has
    to refuse in its stead while there is no core yet. `pages` says that people look for web pages on that port: the
    dashboard is served there, too. `native` says that its clients ask the native API at the same address, which must
    have no path of the dialect's own below /v1.
    """

    name: str
    prefix: str
    port: int | None
    create_app: Callable[[Core, DialectOptions], FastAPI]
    render: Callable[[PolymemError], Response]
    pages: bool = False
    native: bool = False
