"""Who calls: the credential a request carries, and the scope it stands for."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated
from polymem.core.people import Scope
from polymem.dialects.dialect import DialectOptions

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Call:
    """What a route works with: the core, what the caller may do, and how the server is set up."""

    core: Core
    scope: Scope
    options: DialectOptions


async def _call(request: Request) -> Call:
    core: Core = request.app.state.core
    secret = _secret(request)
    if secret is None and request.method not in _SAFE_METHODS:
        _refuse_foreign_pages(request)
    return Call(core, await core.access.scope_of(secret), request.app.state.options)


def _secret(request: Request) -> str | None:
    authorization = request.headers.get("authorization", "").strip()
    if authorization:
        kind, _, secret = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise NotAuthenticated("Send the key as Authorization: Bearer KEY, or as X-API-Key: KEY")
        if secret.strip():
            return secret.strip()
    return request.headers.get("x-api-key", "").strip() or None


def _refuse_foreign_pages(request: Request) -> None:
    # Without a credential the caller counts as the local owner, and a browser sends requests of any page it shows.
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Forbidden("A page of another origin cannot change memories without a key")


Caller = Annotated[Call, Depends(_call)]
"""The dependency of every route but health: it raises NotAuthenticated, or Forbidden for a foreign web page."""

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key as `Authorization: Bearer KEY`."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key as `X-API-Key: KEY`."},
}
