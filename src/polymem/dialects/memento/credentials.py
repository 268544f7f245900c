"""Who calls: a Memento key, a polymem key, or nobody in particular where that is allowed."""

import hmac
from collections.abc import Iterator

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from polymem.core import Core
from polymem.core.errors import NotAuthenticated
from polymem.core.people import LOCAL_ORGANIZATION, Scope
from polymem.core.people.credentials import KINDS
from polymem.dialects.dialect import DialectOptions

_OPEN_PATHS = frozenset({"/", "/docs", "/redoc", "/openapi.json"})
_OPEN_FOLDER = "/docs/assets/"


class Authentication:
    """ASGI middleware: finds the caller's scope and keeps it in the request's state, or raises NotAuthenticated.

    Only the page at `/` and the documentation are open to everybody: they hold no memories, and a browser cannot send
    a key with an address that is typed in.
    """

    def __init__(self, app: ASGIApp, core: Core, options: DialectOptions) -> None:
        self._app = app
        self._core = core
        self._options = options

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if path not in _OPEN_PATHS and not path.startswith(_OPEN_FOLDER):
                caller = await scope_of(list(presented(scope["headers"])), self._core, self._options)
                scope = {**scope, "state": {**scope.get("state", {}), "caller": caller}}
        await self._app(scope, receive, send)


def presented(headers: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """The secrets a request carries: all `x-api-key` and `Authorization: Bearer` headers that are not empty."""
    for name, value in headers:
        if name == b"x-api-key":
            secret = value.strip()
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            secret = value[7:].strip()
        else:
            continue
        if secret:
            yield secret


def is_required(core: Core, options: DialectOptions) -> bool:
    """Whether a caller needs a key."""
    return options.memento_api_key is not None or core.local is None


async def scope_of(secrets: list[bytes], core: Core, options: DialectOptions) -> Scope:
    """The scope of the first secret that is valid; of the local owner where none is needed. Raises NotAuthenticated.

    Where none is needed, a key that is not polymem's is passed over: clients written after the reference send one
    whether or not the server wants it. A polymem key is never passed over; a typing error in it must not turn its
    holder into the owner.
    """
    refused = False
    for secret in secrets:
        if options.memento_api_key is not None and hmac.compare_digest(secret, options.memento_api_key.encode()):
            return core.local or await _owner(core)
        if is_required(core, options) or secret.startswith(tuple(kind.encode() for kind in KINDS)):
            try:
                return await core.access.scope_of(secret.decode("utf-8", "replace"))
            except NotAuthenticated:
                refused = True
    if refused or core.local is None or options.memento_api_key is not None:
        raise NotAuthenticated("A valid key is required, in x-api-key or as a bearer token")
    return core.local


async def _owner(core: Core) -> Scope:
    # With POLYMEM_AUTH=required nobody is the owner by default, but whoever has the operator's key is.
    organization = await core.store.organization(slug=LOCAL_ORGANIZATION)
    if organization is None:
        raise NotAuthenticated("There is no local organization for this key")
    return Scope(organization_id=organization.id, actor="memento-api-key")
