"""Who calls: the credential a request carries, who presents it, and the scope it stands for."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.errors import NotAuthenticated
from polymem.core.people import Permission, Principal, Scope
from polymem.core.people.credentials import SESSION
from polymem.core.people.credentials import SESSION_COOKIE as SESSION_COOKIE
from polymem.dialects import kit
from polymem.dialects.dialect import DialectOptions

DOOR = "native"
ORGANIZATION_HEADER = "X-Polymem-Organization"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READING_POSTS = ("/v1/recall", "/v1/export")
"""What is asked by POST because the question does not fit into an address."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a route about people works with: the core, who calls, the organization they mean (None: their own), and
    how the server is set up."""

    core: Core
    principal: Principal
    organization: str | None
    options: DialectOptions


@dataclass(frozen=True, slots=True)
class Call(Visit):
    """What a route about memories works with: what the caller reaches, too."""

    scope: Scope


OrganizationName = Annotated[
    str | None,
    Header(
        alias=ORGANIZATION_HEADER,
        description="Id or slug of the organization that is meant, for accounts that belong to several.",
        max_length=500,
    ),
]


async def _visit(request: Request, x_polymem_organization: OrganizationName = None) -> Visit:
    # Not named `organization`: some paths have a parameter of that name.
    core: Core = request.app.state.core
    return Visit(core, await principal_of(request), x_polymem_organization or None, request.app.state.options)


async def _call(request: Request, visit: Annotated[Visit, Depends(_visit)]) -> Call:
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    reads = request.method in _SAFE_METHODS or path.startswith(_READING_POSTS)
    permission = Permission.READ if reads else Permission.WRITE
    scope = await visit.core.access.scope_for(visit.principal, organization=visit.organization, permission=permission)
    return Call(visit.core, visit.principal, visit.organization, visit.options, scope)


async def principal_of(request: Request) -> Principal:
    """Who calls: by key or token, by a browser's session, or the local owner.

    Raises NotAuthenticated; Forbidden for a foreign web page that relies on the browser's word.
    """
    core: Core = request.app.state.core
    secret = _secret(request)
    if secret is not None:
        return await core.access.principal_of(secret, door=DOOR, audience=kit.origin_of(request))
    kit.refuse_foreign_pages(request)
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie:
        try:
            return await core.access.principal_of(cookie, (SESSION,), door=DOOR)
        except NotAuthenticated:
            # Browsers send it long after it has ended; that must not be worse than sending none.
            pass
    return await core.access.principal_of(None, door=DOOR)


def _secret(request: Request) -> str | None:
    authorization = request.headers.get("authorization", "").strip()
    if authorization:
        kind, _, secret = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise NotAuthenticated("Send the key as Authorization: Bearer KEY, or as X-API-Key: KEY")
        if secret.strip():
            return secret.strip()
    return request.headers.get("x-api-key", "").strip() or None


def set_session(request: Request, response: Response, secret: str, seconds: int) -> None:
    """Give a browser its session: scripts cannot read it, other sites' forms do not send it."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def forget_session(response: Response) -> None:
    """Take the session away again."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")


Visitor = Annotated[Visit, Depends(_visit)]
"""The dependency of routes about people: it raises NotAuthenticated, or Forbidden for a foreign web page."""

Caller = Annotated[Call, Depends(_call)]
"""The dependency of routes about memories; it also raises what `Access.scope_for` raises."""

SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key or account token as `Authorization: Bearer KEY`.",
    },
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same as `X-API-Key: KEY`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "A browser's session, from `POST /v1/auth/login`.",
    },
}
