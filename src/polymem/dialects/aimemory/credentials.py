"""Who calls: `Authorization: Token KEY`, and what the caller reaches."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from polymem.core import Core
from polymem.core.errors import Forbidden, NotAuthenticated, Refusal
from polymem.core.people import Permission, Principal, PrincipalKind, Scope
from polymem.dialects.aimemory.body import read_body
from polymem.dialects.dialect import DialectOptions

DOOR = "aimemory"
LOGIN = "/api/auth/login/"
_OPEN = frozenset({"/", "/docs", "/redoc", "/openapi.json", LOGIN})
_OPEN_FOLDERS = ("/docs/assets/", "/admin/")

NOT_PROVIDED = "Authentication credentials were not provided."
_REFUSALS = {Refusal.INACTIVE: "User inactive or deleted.", Refusal.EXPIRED: "Token has expired."}


class Authentication:
    """ASGI middleware: finds out who calls and keeps it in the request's state, or raises NotAuthenticated.

    It comes before everything about the request itself, so that a stranger learns of no address whether it exists.
    """

    def __init__(self, app: ASGIApp, core: Core) -> None:
        self._app = app
        self._core = core

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if path not in _OPEN and not path.startswith(_OPEN_FOLDERS):
                principal = await principal_of(presented(scope["headers"]), self._core)
                scope = {**scope, "state": {**scope.get("state", {}), "principal": principal}}
        await self._app(scope, receive, send)


def presented(headers: list[tuple[bytes, bytes]]) -> str:
    """The token a request carries. Raises NotAuthenticated, with the sentence, when it carries none."""
    values = [value for name, value in headers if name == b"authorization"]
    words = values[0].split() if values else []
    if not words or words[0].lower() != b"token":
        raise NotAuthenticated(NOT_PROVIDED, reason=Refusal.MISSING)
    if len(words) == 1:
        raise NotAuthenticated("Invalid token header. No credentials provided.")
    if len(words) > 2:
        raise NotAuthenticated("Invalid token header. Token string should not contain spaces.")
    try:
        return words[1].decode()
    except UnicodeDecodeError:
        raise NotAuthenticated("Invalid token header. Token string should not contain invalid characters.") from None


async def principal_of(token: str, core: Core) -> Principal:
    """Whose token it is. Raises NotAuthenticated, with the sentence."""
    try:
        return await core.access.principal_of(token, anonymous=False, door=DOOR)
    except NotAuthenticated as error:
        raise NotAuthenticated(_REFUSALS.get(error.reason, "Invalid token."), reason=error.reason) from None


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who makes it, what they can read, and what answers it.

    `tenant` is the organization the call is about: each account has one here, the first of those it belongs to.
    """

    core: Core
    options: DialectOptions
    request: Request
    principal: Principal
    tenant: str | None
    scope: Scope

    async def writing(self) -> Scope:
        """Where the caller may write. Raises Forbidden where that is nowhere."""
        return await self.core.access.scope_for(self.principal, organization=self.tenant, permission=Permission.WRITE)

    async def body(self) -> Any:
        """What was sent, as JSON values. Raises Unparsable, UnsupportedMediaType."""
        return await read_body(self.request)


def require_reach(scope: Scope, project_id: str | None) -> None:
    """Raises Forbidden unless the scope reaches the project (None: what belongs to none)."""
    if scope.projects is not None and project_id not in scope.projects:
        raise Forbidden("This credential does not allow to write there")


async def _call(request: Request) -> Call:
    core: Core = request.app.state.core
    principal: Principal = request.state.principal
    tenant = await tenant_of(principal, core)
    scope = await core.access.scope_for(principal, organization=tenant)
    return Call(core, request.app.state.options, request, principal, tenant, scope)


async def tenant_of(principal: Principal, core: Core) -> str | None:
    """The id of the organization an account's calls are about; None where the credential itself says it."""
    if principal.kind is not PrincipalKind.USER:
        return None
    seats = await core.organizations.all(principal)
    return seats[0].organization.id if seats else None


Caller = Annotated[Call, Depends(_call)]
