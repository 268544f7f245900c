"""The secrets this server hands out: how they look, and what is kept of them."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Protocol, TypeVar

ORGANIZATION_KEY = "mk_"
PROJECT_KEY = "sk_im_"
ACCOUNT_TOKEN = "at_"
SESSION = "ps_"
RESET = "pr_"
GRANT_CODE = "oc_"
GRANT_ACCESS = "oa_"
GRANT_REFRESH = "or_"
KINDS = (PROJECT_KEY, ORGANIZATION_KEY, ACCOUNT_TOKEN, SESSION, RESET, GRANT_CODE, GRANT_ACCESS, GRANT_REFRESH)
"""What secrets begin with."""

SESSION_COOKIE = "polymem_session"
"""The cookie in which a browser has its session."""

_PREFIX_CHARACTERS = 8


class Kept(Protocol):
    """What is kept of a secret."""

    @property
    def digest(self) -> str:
        """SHA-256 in hex."""
        ...


K = TypeVar("K", bound=Kept)


def new_secret(kind: str) -> str:
    """A random secret of 256 bits. It needs no slow hash: SHA-256 of it cannot be searched."""
    return kind + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def prefix(secret: str) -> str:
    """The beginning a secret is looked up by, and its owner knows it by."""
    return secret[: len(kind_of(secret)) + _PREFIX_CHARACTERS]


def kind_of(secret: str) -> str:
    """Which of `KINDS` it is; "" for anything else."""
    return next((kind for kind in KINDS if secret.startswith(kind)), "")


def fingerprint(secret: str) -> tuple[str, str]:
    """The prefix and the digest: all that is needed to know the secret's holder again."""
    return prefix(secret), digest(secret)


def matching(kept: Iterable[K], secret: str) -> K | None:
    """The one that this secret belongs to."""
    return with_digest(kept, digest(secret))


def with_digest(kept: Iterable[K], presented: str) -> K | None:
    """The one of this digest.

    Every one is compared, and in constant time: the time taken tells nothing.
    """
    found = None
    for one in kept:
        if hmac.compare_digest(one.digest, presented):
            found = one
    return found
