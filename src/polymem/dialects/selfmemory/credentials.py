"""Who calls: a key or a token as a bearer, or a browser's session. A credential is always demanded.

Authorization: Bearer sk_im_…          a project's key
Authorization: Bearer at_… (mk_…)      an account (or organization) token
Authorization: Session …               a session, as the cookie `ory_kratos_session` holds it
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated, Refusal
from polymem.core.people import Principal, credentials
from polymem.dialects.dialect import DialectOptions
from polymem.dialects.kit import StrictRoute, count_call, origin_of

DOOR = "selfmemory"
SESSION_COOKIES = ("ory_kratos_session", "polymem_session")

MISSING = "Authorization header required"
MALFORMED = "Authorization header must start with 'Bearer ' or 'Session '"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEYS = (credentials.PROJECT_KEY, credentials.ORGANIZATION_KEY)
_REFUSED = {Refusal.EXPIRED: "API key expired", Refusal.INACTIVE: "User account inactive"}


@dataclass(frozen=True, slots=True)
class Presented:
    """A secret as it came: what kind it may be, and what is said when it is refused."""

    secret: str
    kinds: tuple[str, ...]
    refused: str
    by_cookie: bool = False


def presented(request: Request) -> Presented | None:
    """The credential a request carries, None for none. Raises NotAuthenticated for one that cannot be read."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("Bearer "):
        secret = authorization.removeprefix("Bearer ").strip()
        if not secret:
            raise NotAuthenticated("Invalid token format")
        if secret.startswith(_KEYS):
            return Presented(secret, _KEYS, "Invalid API key")
        return Presented(secret, (credentials.ACCOUNT_TOKEN,), "Token is not active")
    if authorization.startswith("Session "):
        return Presented(authorization.removeprefix("Session ").strip(), (credentials.SESSION,), _NO_SESSION)
    if authorization.strip():
        raise NotAuthenticated(MALFORMED)
    for name in SESSION_COOKIES:
        if secret := request.cookies.get(name, "").strip():
            return Presented(secret, (credentials.SESSION,), _NO_SESSION, by_cookie=True)
    return None


_NO_SESSION = "Invalid or expired session"


async def principal_of(request: Request) -> Principal:
    """Who calls. Raises NotAuthenticated, and Forbidden for a page of another origin that uses a browser's session."""
    found = presented(request)
    if found is None:
        raise NotAuthenticated(MISSING, reason=Refusal.MISSING)
    if found.by_cookie and request.method not in _SAFE_METHODS:
        _refuse_foreign_pages(request)
    core: Core = request.app.state.core
    try:
        return await core.access.principal_of(
            found.secret, found.kinds, anonymous=False, door=DOOR, audience=origin_of(request)
        )
    except NotAuthenticated as error:
        detail = _REFUSED.get(error.reason, found.refused) if found.kinds is _KEYS else found.refused
        if error.reason is Refusal.INACTIVE:
            detail = _REFUSED[Refusal.INACTIVE]
        raise NotAuthenticated(detail, reason=error.reason) from None


def _refuse_foreign_pages(request: Request) -> None:
    # A browser sends its cookies along with whatever page asks; the session's own page is of a known origin.
    origin = request.headers.get("origin")
    options: DialectOptions = request.app.state.options
    own = origin is not None and origin.partition("://")[2] == request.headers.get("host")
    if origin is not None and not own and origin not in options.cors_origins:
        raise Forbidden("A page of another origin cannot use this session")


class CredentialRoute(StrictRoute):
    """A route that asks who calls before it looks at anything else of the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler FastAPI calls."""
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            request.state.principal = await principal_of(request)
            return await handle(request)

        return authenticated


class Operation(StrEnum):
    """What a credential may do only so often in a minute."""

    CREATE_MEMORY = "memory_create"
    SEARCH_MEMORIES = "memory_search"
    CREATE_ORGANIZATION = "organization_create"
    CREATE_PROJECT = "project_create"
    INVITE = "invitation_create"
    ACCEPT = "invitation_accept"


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who makes it, and what answers it."""

    core: Core
    principal: Principal
    request: Request

    async def count(self, operation: Operation) -> None:
        """Counts one call of what is limited. Raises TooManyRequests."""
        await count_call(self.request, operation.value, self.principal.actor)


async def _call(request: Request) -> Call:
    return Call(request.app.state.core, request.state.principal, request)


Caller = Annotated[Call, Depends(_call)]

SECURITY = [
    Depends(HTTPBearer(auto_error=False, description="A project's key (sk_im_…) or an account token.")),
    Depends(APIKeyCookie(name=SESSION_COOKIES[0], auto_error=False, description="A browser's session.")),
]
"""What the documentation says about credentials; `CredentialRoute` looks after them."""
