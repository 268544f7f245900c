"""Who calls, in which session, about which agent: checked in this order, and all of it before a body is read."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from polymem.core import Core
from polymem.core.agents.ports import AgentSession
from polymem.core.errors import NotAuthenticated, NotFound
from polymem.core.people import Principal, Project, Scope
from polymem.dialects.dialect import DialectOptions
from polymem.dialects.kit import StrictRoute
from polymem.dialects.memanto import tokens
from polymem.dialects.memanto.errors import ExpiredSession, InvalidSession, MissingSession, OtherAgent
from polymem.dialects.memanto.mapping.values import to_namespace

COOKIE = "memanto_session_token"
HEADER = "X-Session-Token"
DOOR = "memanto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with a valid credential. `scope` is all that the credential reaches."""

    core: Core
    options: DialectOptions
    principal: Principal
    scope: Scope
    session: AgentSession | None = None

    async def token(self, session: AgentSession, agent: str) -> str:
        """The token of a session."""
        return tokens.to_token(session, agent, to_namespace(agent), await self.core.agents.signing_secret())

    async def within(self, name: str) -> "AgentCall":
        """The same call about one agent. Raises NotFound, and OtherAgent where the session is not that agent's."""
        project = await self.core.agents.project(self.scope, name)
        if self.session is not None and self.session.project_id != project.id:
            raise OtherAgent(name)
        scope = await self.core.access.scope_for(self.principal, project=project.id)
        return AgentCall(
            core=self.core,
            options=self.options,
            principal=self.principal,
            scope=scope,
            session=self.session,
            project=project,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCall(Call):
    """A request about one agent. `scope` is that agent's memories."""

    project: Project

    @property
    def agent(self) -> str:
        """The agent's id."""
        return self.project.key

    @property
    def session_id(self) -> str | None:
        """The session's id."""
        return None if self.session is None else self.session.id

    def used(self, *, stored: int = 0, recalled: int = 0) -> None:
        """Add to what the session has kept and found."""
        if self.session is not None:
            self.core.agents.count_use(self.session, stored=stored, recalled=recalled)


# --- credentials ----------------------------------------------------------------------------------


def presented_key(request: Request) -> str | None:
    """The key a request carries; "" for a header that carries none that could be one."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        kind, _, secret = authorization.strip().partition(" ")
        return secret.strip() if kind.lower() == "bearer" else ""
    return request.headers.get("x-api-key")


def presented_token(request: Request) -> str | None:
    """The session token a request carries."""
    return (request.headers.get(HEADER) or request.cookies.get(COOKIE) or "").strip() or None


async def session_of(core: Core, token: str) -> AgentSession:
    """The session a token names, over or not. Raises InvalidSession."""
    name = tokens.from_token(token, await core.agents.signing_secret())
    session = None if name is None else await core.agents.session(name.organization_id, name.session_id)
    if session is None:
        raise InvalidSession
    return session


def require_lasting(core: Core, session: AgentSession) -> None:
    """Raises InvalidSession for a session that was ended, ExpiredSession for one that came to its end."""
    if session.ended_at is not None:
        raise InvalidSession("Session is no longer active")
    if session.is_over(core.clock.now()):
        raise ExpiredSession


async def open_call(request: Request, *, session_needed: bool = False, alone: bool = False) -> Call:
    """The call of a request: the key first, then the session.

    With `session_needed` there must be a session that lasts. With `alone` its token may stand for a key that is not
    sent, and is worth what the key it was opened with is worth now. Raises NotAuthenticated.
    """
    core: Core = request.app.state.core
    key, token = presented_key(request), presented_token(request)
    principal = None
    if key is not None:
        principal = await core.access.principal_of(key, anonymous=False, door=DOOR)
    elif token is None or not alone:
        raise NotAuthenticated("A key is required")
    session = None
    if session_needed or principal is None:
        if token is None:
            raise MissingSession
        session = await session_of(core, token)
        require_lasting(core, session)
    if principal is None:
        assert session is not None
        principal = await core.access.principal_again(*session.credential, door=DOOR)
    wanted = None if session is None else session.organization_id
    try:
        scope = await core.access.scope_for(principal, organization=wanted)
    except NotFound:
        # A good key and the token of another organization's session.
        raise InvalidSession from None
    return Call(core=core, options=request.app.state.options, principal=principal, scope=scope, session=session)


# --- routes that check before they read -----------------------------------------------------------


class _CheckingRoute(StrictRoute):
    """A route that knows who calls before FastAPI reads anything of the request."""

    session_needed = False
    alone = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler FastAPI calls."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            call = await open_call(request, session_needed=self.session_needed, alone=self.alone)
            name = request.path_params.get("agent_id")
            if name is not None and self.session_needed:
                call = await call.within(name)
            request.state.call = call
            return await self.answer(call, request, handle)

        return checked

    async def answer(
        self, call: Call, request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Response:
        """Runs the handler."""
        return await handle(request)


class KeyRoute(_CheckingRoute):
    """A route that needs a key."""


class OpenRoute(_CheckingRoute):
    """A route that needs a key, or a session instead of one."""

    alone = True


class SessionRoute(_CheckingRoute):
    """A route that needs a session, which may stand for a key too. One that is near its end goes on."""

    session_needed = True
    alone = True

    async def answer(
        self, call: Call, request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Response:
        """Runs the handler, and tells the token of a session that goes on."""
        response = await handle(request)
        if isinstance(call, AgentCall) and call.session is not None:
            renewed = await call.core.agents.renewed(call.session)
            if renewed is not None:
                response.headers[HEADER] = await call.token(renewed, call.agent)
        return response


async def _call(request: Request) -> Call:
    call: Call = request.state.call
    return call


async def _agent_call(request: Request) -> AgentCall:
    call: AgentCall = request.state.call
    return call


Caller = Annotated[Call, Depends(_call)]
AgentCaller = Annotated[AgentCall, Depends(_agent_call)]

KEYS = [
    Security(
        HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key: `Authorization: Bearer mk_…`")
    ),
    Security(APIKeyHeader(name="X-Api-Key", auto_error=False, scheme_name="key", description="The same key.")),
]
"""What the documentation says of keys."""

SESSIONS = [
    *KEYS,
    Security(
        APIKeyHeader(name=HEADER, auto_error=False, scheme_name="session", description="The token of an activation.")
    ),
]
"""What the documentation says of sessions."""
