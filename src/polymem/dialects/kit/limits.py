"""How often somebody may do what: counted by the core's limiter, told in headers.

    await kit.count_call(request, "login", caller)      # in a route or a dependency; raises TooManyRequests

`create_api` adds the middleware that writes `X-RateLimit-Limit`, `-Remaining` and `-Reset` (the second of the epoch
in which the window ends) on the answers of counted calls, and `Retry-After` (seconds) on those that are refused.
"""

from datetime import timedelta

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polymem.core import Core
from polymem.core.errors import TooManyRequests
from polymem.dialects.dialect import DialectOptions

WINDOW = timedelta(minutes=1)
_STATE = "rate_limit"


async def count_call(request: Request, operation: str, caller: str, *, only_look: bool = False) -> None:
    """Count one call of `caller` for an operation of `DialectOptions.rate_limits`. Raises TooManyRequests.

    With `only_look` nothing is counted: for operations of which only some calls count, failed ones for example.
    """
    core: Core = request.app.state.core
    options: DialectOptions = request.app.state.options
    limit = options.rate_limits.get(operation)
    if not limit:
        return
    ask = core.limiter.look if only_look else core.limiter.hit
    allowance = await ask(operation, caller, limit, WINDOW)
    told = request.scope.get("state", {}).get(_STATE)
    if told is not None:
        ends = int(core.clock.now().timestamp()) + allowance.reset_after
        told |= {
            "x-ratelimit-limit": str(allowance.limit),
            "x-ratelimit-remaining": str(allowance.remaining),
            "x-ratelimit-reset": str(ends),
        }
    if not allowance.allowed:
        retry_after = max(1, allowance.reset_after)
        if told is not None:
            told["retry-after"] = str(retry_after)
        raise TooManyRequests(operation, limit, retry_after)


class RateLimitHeaders:
    """ASGI middleware: writes what `count_call` found out on the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told: dict[str, str] = {}
        # What is between may copy scope and state, but not this dictionary.
        scope = {**scope, "state": {**scope.get("state", {}), _STATE: told}}

        async def telling(message: Message) -> None:
            if told and message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(told)
            await send(message)

        await self._app(scope, receive, telling)
