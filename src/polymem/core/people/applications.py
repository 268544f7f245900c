"""Applications that people let use their memory: who they are, what was granted to them, and the secrets they hold.

In words of OAuth 2.1: a client, an authorization grant, and its code, access tokens and refresh tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from polymem.core.people import ALL_PERMISSIONS, Permission

SCOPES = {Permission.READ: "memories:read", Permission.WRITE: "memories:write"}
"""What permissions are called where applications ask for them."""


def to_permissions(scopes: Iterable[str]) -> frozenset[Permission]:
    """The permissions that scopes ask for; those with other names say nothing."""
    wanted = set(scopes)
    return frozenset(permission for permission, name in SCOPES.items() if name in wanted)


def from_permissions(permissions: Iterable[Permission]) -> list[str]:
    """The scopes of permissions, reading first."""
    held = set(permissions)
    return [name for permission, name in SCOPES.items() if permission in held]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A program that may ask people for a grant. It holds no secret of its own: what proves who redeems a code is the
    verifier that only they know.

    `id` is an address where the application describes itself, or one that this server gave it when it registered.
    `redirect_uris` are where answers for it may be sent. `uri` is its home page.
    """

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    uri: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an account lets an application do: in one organization or one project of it, at most these permissions, at
    this `resource` (an address of this server) and nowhere else. It never does more than the account itself may.
    """

    id: str
    organization_id: str
    user_id: str
    project_id: str | None
    application_id: str
    application_name: str
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    resource: str
    created_at: datetime
    last_used_at: datetime | None = None


class GrantTokenKind(StrEnum):
    """What a secret of a grant is good for."""

    CODE = "code"
    """Being exchanged for the first two tokens, once, by who knows the verifier."""
    ACCESS = "access"
    """Calling, for an hour."""
    REFRESH = "refresh"
    """Being exchanged for the next two tokens, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantToken:
    """A secret of a grant, kept as a SHA-256 digest. `spent_at` is when a code or refresh token was exchanged: if it
    comes again after that, it was stolen, by the one who came first or by the one who came last.

    A code has the `challenge` that its verifier must meet, and where it was sent (`redirect_uri`; `redirect_named`
    says whether the application named the place itself).
    """

    id: str
    grant_id: str
    organization_id: str
    kind: GrantTokenKind
    prefix: str
    digest: str = field(repr=False)
    permissions: frozenset[Permission]
    created_at: datetime
    expires_at: datetime
    spent_at: datetime | None = None
    challenge: str = ""
    redirect_uri: str = ""
    redirect_named: bool = True


@dataclass(frozen=True, slots=True)
class Held:
    """A secret that was presented, and the grant it is of."""

    token: GrantToken
    grant: Grant


@dataclass(frozen=True, slots=True)
class Issued:
    """Two new secrets, shown once. `seconds` is how long the access token lasts."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: int
    permissions: frozenset[Permission]
