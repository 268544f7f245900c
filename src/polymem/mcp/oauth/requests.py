"""What an application asks for, on its way through somebody's browser: sealed, so that nobody changes it, and short-
lived, so that nobody keeps it."""

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import jwt

from polymem.core import Core
from polymem.core.people import Permission, Principal

LIFETIME = timedelta(minutes=15)
_ALGORITHM = "HS256"
_AUDIENCE = "polymem-consent"


class Unsealed(Exception):
    """Nothing that this server sealed, or too long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """What an application asks somebody for. `id` is of this one request alone."""

    application_id: str
    application_name: str
    permissions: frozenset[Permission]
    resource: str
    challenge: str
    redirect_uri: str
    redirect_named: bool
    state: str | None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))


class Requests:
    """Seals and opens them, with the store's secret: any process of the server knows what another one sealed."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def sealed(self, request: ConsentRequest) -> str:
        """A request as a text for an address."""
        claims: dict[str, Any] = asdict(request) | {
            "permissions": sorted(request.permissions),
            "aud": _AUDIENCE,
            "exp": self._core.clock.now() + LIFETIME,
        }
        return jwt.encode(claims, await self._secret(), _ALGORITHM)

    async def opened(self, text: str) -> ConsentRequest:
        """What was sealed. Raises Unsealed."""
        try:
            claims: dict[str, Any] = jwt.decode(
                text, await self._secret(), [_ALGORITHM], audience=_AUDIENCE, options={"require": ["exp", "aud"]}
            )
        except (jwt.InvalidTokenError, ValueError):
            raise Unsealed from None
        del claims["aud"], claims["exp"]
        return ConsentRequest(**claims | {"permissions": frozenset(map(Permission, claims["permissions"]))})

    async def mark(self, request: ConsentRequest, principal: Principal) -> str:
        """What only a page that was made for this request and this session holds."""
        assert principal.token is not None
        text = f"{principal.token.id}.{request.id}".encode()
        return hmac.new((await self._secret()).encode(), text, hashlib.sha256).hexdigest()

    async def _secret(self) -> str:
        return await self._core.agents.signing_secret()
