"""Session tokens: JSON Web Tokens, signed with HS256, that name a session. Whether it lasts stands in the store."""

import binascii
from dataclasses import dataclass
from typing import Any

import jwt

from polymem.core.agents.ports import AgentSession
from polymem.core.instants import to_rfc3339

_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class SessionName:
    """What a token says: which session of which organization."""

    organization_id: str
    session_id: str


def to_token(session: AgentSession, agent: str, namespace: str, secret: str) -> str:
    """The token of a session. It holds no `exp`: a session can be extended, and its token goes on."""
    claims = {
        "agent_id": agent,
        "namespace": namespace,
        "session_id": session.id,
        "started_at": to_rfc3339(session.started_at),
        "expires_at": to_rfc3339(session.expires_at),
        "iat": int(session.started_at.timestamp()),
        "org": session.organization_id,
    }
    return jwt.encode(claims, secret, _ALGORITHM)


def from_token(token: str, secret: str) -> SessionName | None:
    """What a token says; None unless this server signed it, with the one algorithm it signs with."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, [_ALGORITHM], options={"verify_exp": False, "verify_iat": False}
        )
    except (jwt.InvalidTokenError, binascii.Error, ValueError):
        return None
    organization_id, session_id = claims.get("org"), claims.get("session_id")
    if not isinstance(organization_id, str) or not isinstance(session_id, str):
        return None
    return SessionName(organization_id, session_id)
