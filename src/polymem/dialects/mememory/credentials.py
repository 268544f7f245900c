"""Who calls: the local owner, since mememory's clients send no credential, or the holder of a key that was sent."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated
from polymem.core.people import Principal, Scope
from polymem.dialects.mememory.cors import is_local

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what answers it, who makes it, and what they reach."""

    core: Core
    principal: Principal
    scope: Scope


async def _call(request: Request) -> Call:
    core: Core = request.app.state.core
    secret = _secret(request)
    if secret is None and request.method not in _SAFE_METHODS:
        _refuse_foreign_pages(request)
    principal = await core.access.principal_of(secret, door="mememory")
    return Call(core, principal, await core.access.scope_for(principal))


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
    if origin is None or is_local(origin) or origin.partition("://")[2] == request.headers.get("host"):
        return
    raise Forbidden("A page of another origin cannot change memories without a key")


Caller = Annotated[Call, Depends(_call)]
"""The dependency of every route: it raises NotAuthenticated, or Forbidden for a foreign web page."""
